import { TopologyError } from '../../errors.ts';
import { Stores } from '../../state/stores.ts';
import type { ResolvedMaterialized } from '../materialized.ts';
import type { EmitStrategy } from '../windows/emit-strategy.ts';
import type { SessionWindows } from '../windows/session-windows.ts';
import { configureBuilder } from './configure-builder.ts';
import type { StoreFactory } from './store-factory.ts';

/**
 * The store of a session aggregation.
 * @throws TopologyError when the retention is too short for the sessions, or the supplier is of another kind of store.
 */
export function sessionStoreFactory(materialized: ResolvedMaterialized, { gapMs, graceMs }: SessionWindows, emit: EmitStrategy): StoreFactory {
  const { supplier, keySerde, valueSerde } = materialized;
  const name = materialized.storeName as string;
  const retentionMs = materialized.retentionMs ?? gapMs + graceMs;
  if (retentionMs < gapMs + graceMs) {
    throw new TopologyError(
      `Retention of session store ${name} is ${retentionMs} ms: it must be at least the inactivity gap of ${gapMs} ms plus the grace period of ${graceMs} ms`,
      { store: name },
    );
  }
  if (supplier !== undefined && supplier.family !== 'session') {
    throw new TopologyError(`Store ${name} is a ${supplier.family} store, but a session aggregation needs a session store`, { store: name });
  }
  return Object.freeze({
    name,
    versioned: false,
    create(config, overrides) {
      const make = (materialized.engine ?? config.engine) === 'memory' ? Stores.inMemorySessionStore : Stores.persistentSessionStore;
      const plain = make(name, retentionMs);
      const dslSupplier = { ...plain, timeOrdered: emit.type === 'window-close', format: config.headers ? ('headers' as const) : plain.format };
      // A record within the retention reads sessions that ended up to a gap before it.
      const builder = Stores.sessionStoreBuilder({ ...(supplier ?? dslSupplier), cachedSlack: gapMs }, keySerde, valueSerde);
      // A cache would hold back what a closed session has to send.
      return configureBuilder(builder, { ...materialized, caching: materialized.caching && emit.type === 'window-update', ...overrides });
    },
  } satisfies StoreFactory);
}

import { TopologyError } from '../../errors.ts';
import { Stores } from '../../state/stores.ts';
import type { ResolvedMaterialized } from '../materialized.ts';
import type { EmitStrategy } from '../windows/emit-strategy.ts';
import type { WindowFacts } from '../windows/window-facts.ts';
import { configureBuilder } from './configure-builder.ts';
import type { StoreFactory } from './store-factory.ts';

/**
 * The store of a time-windowed aggregation.
 * @throws TopologyError when the retention is too short for the windows, or the supplier is of another kind of store.
 */
export function windowStoreFactory(materialized: ResolvedMaterialized, windows: WindowFacts, emit: EmitStrategy): StoreFactory {
  const { supplier, keySerde, valueSerde } = materialized;
  const name = materialized.storeName as string;
  const retentionMs = materialized.retentionMs ?? windows.leastRetentionMs;
  if (retentionMs < windows.leastRetentionMs) {
    throw new TopologyError(`Retention of window store ${name} is ${retentionMs} ms: it must be at least ${windows.leastRetentionText}`, { store: name });
  }
  if (supplier !== undefined && supplier.family !== 'window') {
    throw new TopologyError(`Store ${name} is a ${supplier.family} store, but a windowed aggregation needs a window store`, { store: name });
  }
  return Object.freeze({
    name,
    versioned: false,
    create(config, overrides) {
      const make = (materialized.engine ?? config.engine) === 'memory' ? Stores.inMemoryWindowStore : Stores.persistentTimestampedWindowStore;
      const dslSupplier = { ...make(name, retentionMs, windows.sizeMs, false), timeOrdered: emit.type === 'window-close' };
      // A record that is not late for all of its sliding windows reads those that start up to two differences before it.
      const cachedSlack = windows.sliding ? windows.sizeMs : 0;
      const builder = Stores.timestampedWindowStoreBuilder({ ...(supplier ?? dslSupplier), cachedSlack }, keySerde, valueSerde);
      // As in Kafka Streams: of the stores of closed windows, those of sliding windows and of sessions have no cache.
      const caching = materialized.caching && !(windows.sliding && emit.type === 'window-close');
      return configureBuilder(builder, { ...materialized, caching, ...overrides });
    },
  } satisfies StoreFactory);
}

import type { Serde } from '../../serdes/serde.ts';
import { joinWindowStoreBuilder } from '../../state/internal-stores.ts';
import { type StoreSupplier, Stores } from '../../state/stores.ts';
import type { AnyStreamJoined } from '../erased.ts';
import type { JoinWindows } from '../windows/join-windows.ts';
import { configureBuilder } from './configure-builder.ts';
import type { StoreFactory } from './store-factory.ts';

export interface JoinWindowStoreOptions {
  /** Ignored when there is a supplier. */
  readonly name: string;
  readonly supplier: StoreSupplier | undefined;
  readonly windows: JoinWindows;
  readonly joined: AnyStreamJoined;
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
}

/** The store of one side's records of a stream-stream join. It keeps duplicates, so its changelog is never compacted. */
export function joinWindowStoreFactory({ name, supplier, windows, joined, keySerde, valueSerde }: JoinWindowStoreOptions): StoreFactory {
  const { logging = true, engine } = joined;
  const logConfig = { ...(typeof logging === 'object' ? logging : {}), 'cleanup.policy': 'delete' };
  return Object.freeze({
    name: supplier?.name ?? name,
    versioned: false,
    create(config, overrides) {
      const make = (engine ?? config.engine) === 'memory' ? Stores.inMemoryWindowStore : Stores.persistentWindowStore;
      const builder = joinWindowStoreBuilder(supplier ?? make(name, windows.sizeMs + windows.graceMs, windows.sizeMs, true), keySerde, valueSerde);
      return configureBuilder(builder, { caching: false, logging: logging !== false, logConfig, ...overrides });
    },
  } satisfies StoreFactory);
}

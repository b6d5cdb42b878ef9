import { TopologyError } from '../../errors.ts';
import { Stores } from '../../state/stores.ts';
import type { ResolvedMaterialized } from '../materialized.ts';
import { configureBuilder } from './configure-builder.ts';
import type { StoreFactory } from './store-factory.ts';

export type KeyValueStoreFactory = StoreFactory;

/**
 * The store of a table: values with the time of their update, or versions where the supplier says so.
 * @throws TopologyError when the supplier is of another kind of store.
 */
export function keyValueStoreFactory(materialized: ResolvedMaterialized): KeyValueStoreFactory {
  const { supplier, keySerde, valueSerde } = materialized;
  const name = materialized.storeName as string;
  if (supplier !== undefined && supplier.family !== 'key-value' && supplier.family !== 'versioned') {
    throw new TopologyError(`Store ${name} is a ${supplier.family} store, but this table needs a key-value or versioned one`, { store: name });
  }
  const versioned = supplier?.family === 'versioned';
  return Object.freeze({
    name,
    versioned,
    ...(versioned && { historyRetentionMs: supplier?.retentionPeriod }),
    create(config, overrides) {
      const options = { ...materialized, ...overrides };
      if (supplier !== undefined && versioned)
        return configureBuilder(Stores.versionedKeyValueStoreBuilder(supplier, keySerde, valueSerde), { ...options, caching: false });
      if (config.headers && (supplier === undefined || supplier.format === 'headers')) {
        return configureBuilder(
          Stores.timestampedKeyValueStoreWithHeadersBuilder(supplier ?? headersSupplier(name, materialized.engine ?? config.engine), keySerde, valueSerde),
          options,
        );
      }
      const engine = materialized.engine ?? config.engine;
      const dslSupplier = engine === 'memory' ? Stores.inMemoryKeyValueStore(name) : Stores.persistentTimestampedKeyValueStore(name);
      return configureBuilder(Stores.timestampedKeyValueStoreBuilder(supplier ?? dslSupplier, keySerde, valueSerde), options);
    },
  } satisfies StoreFactory);
}

function headersSupplier(name: string, engine: 'sqlite' | 'memory') {
  return engine === 'memory' ? Stores.inMemoryKeyValueStore(name) : Stores.persistentTimestampedKeyValueStoreWithHeaders(name);
}

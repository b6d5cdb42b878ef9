import { ConfigError } from '../errors.ts';
import type { Serde } from '../serdes/serde.ts';
import { type Duration, toMillis } from '../time.ts';
import type {
  HeadersKeyValueStore,
  KeyValueStore,
  SessionStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
  WindowStore,
} from './contract/stores.ts';
import type { StoreSupplier } from './contract/supplier.ts';
import type { ValueAndTimestamp, ValueTimestampHeaders } from './contract/values.ts';
import { makeKeyValueStore } from './keyvalue/make-key-value-store.ts';
import { makeSessionStore } from './session/make-session-store.ts';
import { ConfigurableStoreBuilder } from './store-builder.ts';
import { headersCodec, plainCodec, timestampedCodec } from './value-codec.ts';
import { makeVersionedStore } from './versioned/make-versioned-store.ts';
import { makeWindowStore } from './window/make-window-store.ts';

export type { StoreSupplier } from './contract/supplier.ts';
export { ConfigurableStoreBuilder } from './store-builder.ts';

const MIN_SEGMENT = 60_000;

/** A serde, or undefined for the application's default. */
type OptionalSerde<T> = Serde<T> | undefined;

/**
 * Makes suppliers (which store, where) and builders (with which types and options) of state stores, as Kafka Streams' class of the same name.
 *
 * @example
 * topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('seen'), serdes.string, serdes.long), 'dedup');
 */
export const Stores = Object.freeze({
  persistentKeyValueStore: (name: string): StoreSupplier => keyValue(name, 'sqlite', 'plain'),
  persistentTimestampedKeyValueStore: (name: string): StoreSupplier => keyValue(name, 'sqlite', 'timestamped'),
  persistentTimestampedKeyValueStoreWithHeaders: (name: string): StoreSupplier => keyValue(name, 'sqlite', 'headers'),
  inMemoryKeyValueStore: (name: string): StoreSupplier => keyValue(name, 'memory', 'plain'),

  /** At most `maxEntries` keys: the one that was used longest ago goes first, with a tombstone in the changelog. In memory. */
  lruMap(name: string, maxEntries: number): StoreSupplier {
    if (!Number.isInteger(maxEntries) || maxEntries < 0)
      throw new ConfigError(`lruMap ${name}: maxEntries is ${maxEntries}, it must be a whole number of at least 0`);
    return Object.freeze({ name: named(name), family: 'key-value', engine: 'lru', format: 'plain', maxEntries });
  },

  /** Keeps the versions of a key for `historyRetention`. */
  persistentVersionedKeyValueStore(name: string, historyRetention: Duration, segmentInterval?: Duration): StoreSupplier {
    const retentionPeriod = toMillis(historyRetention, `historyRetention of store ${name}`);
    if (retentionPeriod < 0) throw new ConfigError(`store ${name}: historyRetention is ${retentionPeriod} ms, it cannot be negative`);
    const interval = segmentInterval === undefined ? versionedSegmentInterval(retentionPeriod) : toMillis(segmentInterval, `segmentInterval of store ${name}`);
    if (interval < 1) throw new ConfigError(`store ${name}: segmentInterval is ${interval} ms, it must be at least 1`);
    return Object.freeze({ name: named(name), family: 'versioned', engine: 'sqlite', format: 'timestamped', retentionPeriod, segmentInterval: interval });
  },

  /** `retention` must be at least `windowSize`. */
  persistentWindowStore: (name: string, retention: Duration, windowSize: Duration, retainDuplicates = false): StoreSupplier =>
    window(name, 'sqlite', 'plain', retention, windowSize, retainDuplicates),
  persistentTimestampedWindowStore: (name: string, retention: Duration, windowSize: Duration, retainDuplicates = false): StoreSupplier =>
    window(name, 'sqlite', 'timestamped', retention, windowSize, retainDuplicates),
  inMemoryWindowStore: (name: string, retention: Duration, windowSize: Duration, retainDuplicates = false): StoreSupplier =>
    window(name, 'memory', 'plain', retention, windowSize, retainDuplicates),

  persistentSessionStore: (name: string, retention: Duration): StoreSupplier => session(name, 'sqlite', retention),
  inMemorySessionStore: (name: string, retention: Duration): StoreSupplier => session(name, 'memory', retention),

  keyValueStoreBuilder<K, V>(
    supplier: StoreSupplier,
    keySerde?: OptionalSerde<K>,
    valueSerde?: OptionalSerde<V>,
  ): ConfigurableStoreBuilder<KeyValueStore<K, V>> {
    check(supplier, 'key-value', 'keyValueStoreBuilder');
    return new ConfigurableStoreBuilder({
      ...begin(supplier),
      kind: 'key-value',
      make: (options) => makeKeyValueStore<K, V, V>(supplier, { ...options, kind: 'key-value', keySerde, valueSerde, codec: (serde) => plainCodec(serde) }),
    });
  },

  timestampedKeyValueStoreBuilder<K, V>(
    supplier: StoreSupplier,
    keySerde?: OptionalSerde<K>,
    valueSerde?: OptionalSerde<V>,
  ): ConfigurableStoreBuilder<TimestampedKeyValueStore<K, V>> {
    check(supplier, 'key-value', 'timestampedKeyValueStoreBuilder');
    return new ConfigurableStoreBuilder<TimestampedKeyValueStore<K, V>>({
      ...begin(supplier),
      kind: 'timestamped-key-value',
      make: (options) =>
        makeKeyValueStore<K, V, ValueAndTimestamp<V>>(supplier, {
          ...options,
          kind: 'timestamped-key-value',
          keySerde,
          valueSerde,
          codec: (serde) => timestampedCodec(serde),
        }),
    });
  },

  timestampedKeyValueStoreWithHeadersBuilder<K, V>(
    supplier: StoreSupplier,
    keySerde?: OptionalSerde<K>,
    valueSerde?: OptionalSerde<V>,
  ): ConfigurableStoreBuilder<HeadersKeyValueStore<K, V>> {
    check(supplier, 'key-value', 'timestampedKeyValueStoreWithHeadersBuilder');
    return new ConfigurableStoreBuilder<HeadersKeyValueStore<K, V>>({
      ...begin(supplier),
      kind: 'headers-key-value',
      make: (options) =>
        makeKeyValueStore<K, V, ValueTimestampHeaders<V>>(supplier, {
          ...options,
          kind: 'headers-key-value',
          keySerde,
          valueSerde,
          codec: (serde) => headersCodec(serde, supplier.engine === 'sqlite' ? 'tombstones' : 'none'),
        }),
    });
  },

  /** Versioned stores have no record cache. */
  versionedKeyValueStoreBuilder<K, V>(
    supplier: StoreSupplier,
    keySerde?: OptionalSerde<K>,
    valueSerde?: OptionalSerde<V>,
  ): ConfigurableStoreBuilder<VersionedKeyValueStore<K, V>> {
    check(supplier, 'versioned', 'versionedKeyValueStoreBuilder');
    return new ConfigurableStoreBuilder<VersionedKeyValueStore<K, V>>({
      ...begin(supplier),
      kind: 'versioned',
      make: (options) => makeVersionedStore<K, V>(supplier, { ...options, keySerde, valueSerde }),
    });
  },

  windowStoreBuilder<K, V>(supplier: StoreSupplier, keySerde?: OptionalSerde<K>, valueSerde?: OptionalSerde<V>): ConfigurableStoreBuilder<WindowStore<K, V>> {
    check(supplier, 'window', 'windowStoreBuilder');
    return new ConfigurableStoreBuilder<WindowStore<K, V>>({
      ...begin(supplier),
      kind: 'window',
      make: (options) => makeWindowStore<K, V, V>(supplier, { ...options, kind: 'window', keySerde, valueSerde, codec: (serde) => plainCodec(serde) }),
    });
  },

  timestampedWindowStoreBuilder<K, V>(
    supplier: StoreSupplier,
    keySerde?: OptionalSerde<K>,
    valueSerde?: OptionalSerde<V>,
  ): ConfigurableStoreBuilder<TimestampedWindowStore<K, V>> {
    check(supplier, 'window', 'timestampedWindowStoreBuilder');
    return new ConfigurableStoreBuilder<TimestampedWindowStore<K, V>>({
      ...begin(supplier),
      kind: 'timestamped-window',
      make: (options) =>
        makeWindowStore<K, V, ValueAndTimestamp<V>>(supplier, {
          ...options,
          kind: 'timestamped-window',
          keySerde,
          valueSerde,
          codec: (serde) => timestampedCodec(serde, supplier.format === 'headers' ? 'tombstones' : 'none'),
        }),
    });
  },

  sessionStoreBuilder<K, V>(supplier: StoreSupplier, keySerde?: OptionalSerde<K>, valueSerde?: OptionalSerde<V>): ConfigurableStoreBuilder<SessionStore<K, V>> {
    check(supplier, 'session', 'sessionStoreBuilder');
    return new ConfigurableStoreBuilder<SessionStore<K, V>>({
      ...begin(supplier),
      kind: 'session',
      make: (options) => makeSessionStore<K, V>(supplier, { ...options, keySerde, valueSerde }),
    });
  },
});

function begin(supplier: StoreSupplier): { name: string; retentionPeriod?: number; caching: false; logging: true; logConfig: Record<string, never> } {
  return { name: supplier.name, retentionPeriod: supplier.retentionPeriod, caching: false, logging: true, logConfig: {} };
}

function check(supplier: StoreSupplier, family: StoreSupplier['family'], builder: string): void {
  if (supplier.family !== family) throw new ConfigError(`Stores.${builder}: store ${supplier.name} is a ${supplier.family} store, it needs a ${family} one`);
}

function named(name: string): string {
  if (typeof name !== 'string' || name === '') throw new ConfigError(`a store's name is ${JSON.stringify(name)}: it must be a string that is not empty`);
  return name;
}

function keyValue(name: string, engine: 'sqlite' | 'memory', format: StoreSupplier['format']): StoreSupplier {
  return Object.freeze({ name: named(name), family: 'key-value', engine, format });
}

function window(
  name: string,
  engine: 'sqlite' | 'memory',
  format: StoreSupplier['format'],
  retention: Duration,
  size: Duration,
  retainDuplicates: boolean,
): StoreSupplier {
  const retentionPeriod = toMillis(retention, `retention of store ${name}`);
  const windowSize = toMillis(size, `windowSize of store ${name}`);
  if (retentionPeriod < 0) throw new ConfigError(`store ${name}: the retention is ${retentionPeriod} ms, it cannot be negative`);
  if (windowSize < 0) throw new ConfigError(`store ${name}: the window size is ${windowSize} ms, it cannot be negative`);
  if (windowSize > retentionPeriod) throw new ConfigError(`store ${name}: the retention of ${retentionPeriod} ms is below the window size of ${windowSize} ms`);
  return Object.freeze({
    name: named(name),
    family: 'window',
    engine,
    format,
    retentionPeriod,
    windowSize,
    retainDuplicates,
    segmentInterval: segmentInterval(retentionPeriod),
  });
}

function session(name: string, engine: 'sqlite' | 'memory', retention: Duration): StoreSupplier {
  const retentionPeriod = toMillis(retention, `retention of store ${name}`);
  if (retentionPeriod < 0) throw new ConfigError(`store ${name}: the retention is ${retentionPeriod} ms, it cannot be negative`);
  return Object.freeze({ name: named(name), family: 'session', engine, format: 'plain', retentionPeriod, segmentInterval: segmentInterval(retentionPeriod) });
}

function segmentInterval(retention: number): number {
  return Math.max(Math.floor(retention / 2), MIN_SEGMENT);
}

/** Java's: shorter histories have finer segments. */
function versionedSegmentInterval(history: number): number {
  if (history <= 60_000) return Math.max(Math.floor(history / 3), 2_000);
  if (history <= 300_000) return Math.max(Math.floor(history / 5), 20_000);
  if (history <= 3_600_000) return Math.max(Math.floor(history / 12), 60_000);
  return Math.max(Math.floor(history / 24), 300_000);
}

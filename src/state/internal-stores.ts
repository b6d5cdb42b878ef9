import type { Serde } from '../serdes/serde.ts';
import type { OuterJoinStore, StreamRecordBuffer, TimeOrderedChangeBuffer } from './contract/special-stores.ts';
import type { TimestampedKeyValueStore, WindowStore } from './contract/stores.ts';
import type { StoreSupplier } from './contract/supplier.ts';
import type { ValueAndTimestamp } from './contract/values.ts';
import { makeKeyValueStore } from './keyvalue/make-key-value-store.ts';
import { EngineOuterJoinStore } from './special/outer-join-store.ts';
import { EngineStreamRecordBuffer } from './special/stream-record-buffer.ts';
import { SuppressBuffer } from './special/suppress-buffer.ts';
import { ConfigurableStoreBuilder } from './store-builder.ts';
import { plainCodec, timestampedCodec } from './value-codec.ts';
import { makeWindowStore } from './window/make-window-store.ts';

/*
 * Stores that the DSL makes for one operator each; users never see them.
 */

/** One side's records of a stream-stream join. `supplier` must retain duplicates. Its changelog records carry the headers of the record. */
export function joinWindowStoreBuilder<K, V>(supplier: StoreSupplier, keySerde?: Serde<K>, valueSerde?: Serde<V>): ConfigurableStoreBuilder<WindowStore<K, V>> {
  return new ConfigurableStoreBuilder<WindowStore<K, V>>({
    name: supplier.name,
    kind: 'join-window',
    retentionPeriod: supplier.retentionPeriod,
    caching: false,
    logging: true,
    logConfig: {},
    make: ({ logging }) =>
      makeWindowStore<K, V, V>(supplier, { caching: false, logging, kind: 'join-window', keySerde, valueSerde, codec: (serde) => plainCodec(serde, 'all') }),
  });
}

/** Who subscribes to which foreign key. Its changelog records carry the headers of the record. */
export function subscriptionStoreBuilder<K, V>(
  supplier: StoreSupplier,
  keySerde: Serde<K>,
  valueSerde: Serde<V>,
): ConfigurableStoreBuilder<TimestampedKeyValueStore<K, V>> {
  return new ConfigurableStoreBuilder<TimestampedKeyValueStore<K, V>>({
    name: supplier.name,
    kind: 'timestamped-key-value',
    caching: false,
    logging: true,
    logConfig: {},
    make: (options) =>
      makeKeyValueStore<K, V, ValueAndTimestamp<V>>(supplier, {
        ...options,
        kind: 'timestamped-key-value',
        keySerde,
        valueSerde,
        codec: (serde) => timestampedCodec(serde, 'all'),
      }),
  });
}

export interface OuterJoinStoreOptions<K, VL, VR> {
  readonly name: string;
  readonly engine: 'sqlite' | 'memory';
  readonly keySerde?: Serde<K>;
  readonly leftValueSerde?: Serde<VL>;
  readonly rightValueSerde?: Serde<VR>;
}

/** Records of a left or outer stream join that have found no partner yet. */
export function outerJoinStoreBuilder<K, VL, VR>(options: OuterJoinStoreOptions<K, VL, VR>): ConfigurableStoreBuilder<OuterJoinStore<K, VL, VR>> {
  const { name, engine, keySerde, leftValueSerde, rightValueSerde } = options;
  return new ConfigurableStoreBuilder<OuterJoinStore<K, VL, VR>>({
    name,
    kind: 'join-outer',
    caching: false,
    logging: true,
    logConfig: {},
    make: ({ logging }) => new EngineOuterJoinStore<K, VL, VR>({ name, engine, keySerde, valueSerde: leftValueSerde, logging }, rightValueSerde),
  });
}

export interface SuppressStoreOptions<K, V> {
  readonly name: string;
  readonly keySerde?: Serde<K>;
  readonly valueSerde?: Serde<V>;
}

/** The buffer behind a suppress. */
export function suppressStoreBuilder<K, V>(options: SuppressStoreOptions<K, V>): ConfigurableStoreBuilder<TimeOrderedChangeBuffer<K, V>> {
  const { name, keySerde, valueSerde } = options;
  return new ConfigurableStoreBuilder<TimeOrderedChangeBuffer<K, V>>({
    name,
    kind: 'suppress',
    caching: false,
    logging: true,
    logConfig: {},
    make: ({ logging }) => new SuppressBuffer<K, V>({ name, engine: 'memory', keySerde, valueSerde, logging }),
  });
}

export interface StreamRecordBufferOptions<K, V> extends SuppressStoreOptions<K, V> {
  readonly graceMs: number;
}

/** The buffer of a stream-table join with a grace period. */
export function streamRecordBufferBuilder<K, V>(options: StreamRecordBufferOptions<K, V>): ConfigurableStoreBuilder<StreamRecordBuffer<K, V>> {
  const { name, keySerde, valueSerde, graceMs } = options;
  return new ConfigurableStoreBuilder<StreamRecordBuffer<K, V>>({
    name,
    kind: 'time-ordered-buffer',
    caching: false,
    logging: true,
    logConfig: {},
    make: ({ logging }) => new EngineStreamRecordBuffer<K, V>({ name, engine: 'sqlite', keySerde, valueSerde, logging }, graceMs),
  });
}

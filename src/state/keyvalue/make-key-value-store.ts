import type { Serde } from '../../serdes/serde.ts';
import type { StoreKind } from '../contract/builder.ts';
import type { KeyValueStore } from '../contract/stores.ts';
import type { StoreSupplier } from '../contract/supplier.ts';
import type { BuildOptions } from '../store-builder.ts';
import type { ValueCodec } from '../value-codec.ts';
import { CachingKeyValueStore } from './caching-key-value-store.ts';
import { EngineKeyValueStore } from './key-value-store.ts';
import { LruKeyValueStore } from './lru-key-value-store.ts';

export interface KeyValueOptions<K, V, T> extends BuildOptions {
  readonly kind: StoreKind;
  readonly keySerde: Serde<K> | undefined;
  readonly valueSerde: Serde<V> | undefined;
  readonly codec: (serde: Serde<V>) => ValueCodec<V, T>;
}

export function makeKeyValueStore<K, V, T>(supplier: StoreSupplier, options: KeyValueOptions<K, V, T>): KeyValueStore<K, T> {
  const { kind, keySerde, valueSerde, codec, logging, caching } = options;
  const base = { name: supplier.name, kind, keySerde, valueSerde, codec, logging };
  if (supplier.engine === 'lru') return new LruKeyValueStore<K, V, T>({ ...base, engine: 'memory' }, supplier.maxEntries as number);
  const settings = { ...base, engine: supplier.engine };
  return caching ? new CachingKeyValueStore<K, V, T>(settings) : new EngineKeyValueStore<K, V, T>(settings);
}

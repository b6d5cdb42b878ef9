import type { Serde } from '../../serdes/serde.ts';
import type { VersionedKeyValueStore } from '../contract/stores.ts';
import type { StoreSupplier } from '../contract/supplier.ts';
import type { BuildOptions } from '../store-builder.ts';
import { EngineVersionedStore } from './versioned-store.ts';

export interface VersionedOptions<K, V> extends BuildOptions {
  readonly keySerde: Serde<K> | undefined;
  readonly valueSerde: Serde<V> | undefined;
}

export function makeVersionedStore<K, V>(supplier: StoreSupplier, options: VersionedOptions<K, V>): VersionedKeyValueStore<K, V> {
  return new EngineVersionedStore<K, V>({
    name: supplier.name,
    engine: supplier.engine === 'sqlite' ? 'sqlite' : 'memory',
    keySerde: options.keySerde,
    valueSerde: options.valueSerde,
    logging: options.logging,
    historyRetention: supplier.retentionPeriod as number,
    segmentInterval: supplier.segmentInterval as number,
  });
}

import type { Serde } from '../../serdes/serde.ts';
import type { StoreKind } from '../contract/builder.ts';
import type { WindowStore } from '../contract/stores.ts';
import type { StoreSupplier } from '../contract/supplier.ts';
import type { BuildOptions } from '../store-builder.ts';
import type { ValueCodec } from '../value-codec.ts';
import { CachingWindowStore } from './caching-window-store.ts';
import { EngineWindowStore } from './window-store.ts';

export interface WindowOptions<K, V, T> extends BuildOptions {
  readonly kind: StoreKind;
  readonly keySerde: Serde<K> | undefined;
  readonly valueSerde: Serde<V> | undefined;
  readonly codec: (serde: Serde<V>) => ValueCodec<V, T>;
}

export function makeWindowStore<K, V, T>(supplier: StoreSupplier, options: WindowOptions<K, V, T>): WindowStore<K, T> {
  const { kind, keySerde, valueSerde, codec, logging, caching } = options;
  const retainDuplicates = supplier.retainDuplicates === true;
  const settings = {
    name: supplier.name,
    kind,
    engine: supplier.engine === 'sqlite' ? ('sqlite' as const) : ('memory' as const),
    keySerde,
    valueSerde,
    codec,
    logging,
    windowSize: supplier.windowSize as number,
    retention: supplier.retentionPeriod as number,
    segmentInterval: supplier.segmentInterval as number,
    retainDuplicates,
    slack: supplier.cachedSlack ?? 0,
    timeOrdered: supplier.timeOrdered === true,
  };
  // A cache keeps one value a key, so it cannot keep duplicates: as in Kafka Streams there is none then.
  return caching && !retainDuplicates ? new CachingWindowStore<K, V, T>(settings) : new EngineWindowStore<K, V, T>(settings);
}

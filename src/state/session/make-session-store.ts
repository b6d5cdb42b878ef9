import type { Serde } from '../../serdes/serde.ts';
import type { SessionStore } from '../contract/stores.ts';
import type { StoreSupplier } from '../contract/supplier.ts';
import type { BuildOptions } from '../store-builder.ts';
import { plainCodec } from '../value-codec.ts';
import { CachingSessionStore } from './caching-session-store.ts';
import { EngineSessionStore } from './session-store.ts';

export interface SessionOptions<K, V> extends BuildOptions {
  readonly keySerde: Serde<K> | undefined;
  readonly valueSerde: Serde<V> | undefined;
}

export function makeSessionStore<K, V>(supplier: StoreSupplier, options: SessionOptions<K, V>): SessionStore<K, V> {
  const settings = {
    name: supplier.name,
    engine: supplier.engine === 'sqlite' ? ('sqlite' as const) : ('memory' as const),
    keySerde: options.keySerde,
    valueSerde: options.valueSerde,
    codec: (serde: Serde<V>) => plainCodec(serde, supplier.format === 'headers' && supplier.engine === 'sqlite' ? 'tombstones' : 'none'),
    logging: options.logging,
    retention: supplier.retentionPeriod as number,
    segmentInterval: supplier.segmentInterval as number,
    slack: supplier.cachedSlack ?? 0,
    timeOrdered: supplier.timeOrdered === true,
    headerless: supplier.format === 'headers' && supplier.engine === 'sqlite',
  };
  return options.caching ? new CachingSessionStore<K, V>(settings) : new EngineSessionStore<K, V>(settings);
}

import type { StateStore } from './stores.ts';

/** Which kind of store it is: decides the changelog's cleanup policy and how restore treats its records. */
export type StoreKind =
  | 'key-value'
  | 'timestamped-key-value'
  | 'headers-key-value'
  | 'versioned'
  | 'window'
  | 'timestamped-window'
  | 'session'
  | 'suppress'
  | 'join-outer'
  | 'join-window'
  | 'time-ordered-buffer'
  | 'custom';

/** Which engine holds the bytes. */
export type StoreEngine = 'sqlite' | 'memory' | 'lru';

/** Builds one store for each task. Immutable facts for the topology, `build()` for the runtime. */
export interface StoreBuilder<S extends StateStore = StateStore> {
  readonly name: string;
  readonly kind: StoreKind;
  readonly loggingEnabled: boolean;
  /** Topic configs of the changelog that override the defaults, Kafka's own names and string values. */
  readonly logConfig: { readonly [key: string]: string };
  readonly cachingEnabled: boolean;
  /** Milliseconds; window, session and versioned stores. */
  readonly retentionPeriod?: number;
  /** `caching` false: without a record cache even where one is enabled, because the application's caches have no bytes. */
  build(options?: { readonly caching?: boolean }): S;
}

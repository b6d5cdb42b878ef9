import type { StoreEngine } from './builder.ts';

/** What `Stores.persistent…`, `inMemory…` and `lruMap` make: which store, where its bytes are, and for how long. Immutable. */
export interface StoreSupplier {
  readonly name: string;
  readonly family: 'key-value' | 'versioned' | 'window' | 'session';
  readonly engine: StoreEngine;
  /** How the supplier was asked to keep values; builders of another format adapt. */
  readonly format: 'plain' | 'timestamped' | 'headers';
  /** Window, session and versioned (history) stores, milliseconds. */
  readonly retentionPeriod?: number;
  /** Window stores, milliseconds. */
  readonly windowSize?: number;
  /** Window, session and versioned stores, milliseconds. */
  readonly segmentInterval?: number;
  /** Window stores: several values of one key and window are kept apart. */
  readonly retainDuplicates?: boolean;
  /** Window and session stores: multi-key reads come in the order of time (emit on window close). */
  readonly timeOrdered?: boolean;
  /**
   * Window and session stores with a record cache: how long, in milliseconds, beyond the retention entries are held and read.
   * With a cache an aggregation still sees what is past (Kafka Streams: as long as it is cached); this is how far back it can look, so that evictions do not matter.
   * @default 0
   */
  readonly cachedSlack?: number;
  /** LRU: most entries. */
  readonly maxEntries?: number;
}

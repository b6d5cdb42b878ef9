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
  /** LRU: most entries. */
  readonly maxEntries?: number;
}

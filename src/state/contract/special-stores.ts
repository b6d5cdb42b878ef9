import type { RecordContext } from '../../processor/record-context.ts';
import type { StateStore, StoreIterator } from './stores.ts';
import type { ValueAndTimestamp } from './values.ts';

/*
 * Stores that exist for one operator each. The operators are written against these interfaces; the state layer implements them with the
 * changelog bytes of Kafka Streams.
 */

/** A change of a table row. `isLatest` is false for an out-of-order update of a versioned table. */
export interface ChangeLike<V> {
  readonly newValue: V | null;
  readonly oldValue: V | null;
  readonly isLatest: boolean;
}

/** Receives what leaves a buffer: the key, what was buffered last for it, and the context of the record that buffered it. */
export type EvictionCallback<K, T> = (key: K, value: T, context: RecordContext) => void;

/**
 * The buffer behind `suppress` (kind `suppress`): at most one change a key, ordered by (time, serialised key). A later change of a buffered key replaces new
 * value, old value and context, but keeps its place (the time of the first) and its prior value (the old value of the first). Always in memory; the changelog is written at the flush, as in Java.
 */
export interface TimeOrderedChangeBuffer<K, V> extends StateStore {
  /** `context` carries timestamp, headers and origin of the record; they come back at the eviction. */
  put(time: number, key: K, change: ChangeLike<V>, context: RecordContext): void;
  /** Evict in order as long as `predicate` (which reads the getters below) is true. As in Java an entry is still in the buffer while `callback` runs (`priorValue` sees it), and out of it when `predicate` is asked next. */
  evictWhile(predicate: () => boolean, callback: EvictionCallback<K, ChangeLike<V>>): void;
  /** What the downstream saw last of a buffered key (null: nothing); undefined when the key is not buffered. The timestamp is -1, as in Java. */
  priorValue(key: K): ValueAndTimestamp<V> | null | undefined;
  readonly numRecords: number;
  /** Bytes, counted as in Java (it decides when a buffer is full). */
  readonly bufferSize: number;
  /** Lowest time in the buffer; `Number.MAX_SAFE_INTEGER` when it is empty. */
  readonly minTimestamp: number;
}

/**
 * The buffer of a stream-table join with a grace period (kind `time-ordered-buffer`): stream records wait until `timestamp <= streamTime - grace`. The grace period is
 * the store's own (its builder takes it). Equal keys and timestamps are kept apart, in order of arrival.
 */
export interface StreamRecordBuffer<K, V> extends StateStore {
  /** Returns false, and keeps nothing, when the record is already beyond the grace period: it is then joined at once. `streamTime` is the operator's. */
  put(streamTime: number, key: K, value: V, context: RecordContext): boolean;
  /** Evict, in order of time, what has waited for the grace period. */
  evict(callback: EvictionCallback<K, V>): void;
  readonly numRecords: number;
}

/** One unmatched record of a left or outer stream join. */
export interface UnmatchedRecord<K, V> {
  readonly key: K;
  readonly timestamp: number;
  readonly leftSide: boolean;
  readonly value: V;
}

/**
 * Records of a left or outer stream join that have found no partner yet (kind `join-outer`). The key in bytes is `timestamp8 | side1 (left 1, right 0) | key`, the value a
 * list of `side1 | value`: several values for one (timestamp, side, key) are kept, in order of arrival.
 */
export interface OuterJoinStore<K, VL, VR> extends StateStore {
  /** Append a value to the list of (timestamp, side, key). */
  add(key: K, timestamp: number, leftSide: boolean, value: VL | VR): void;
  /** Delete the whole list; logs a tombstone without reading first. */
  remove(key: K, timestamp: number, leftSide: boolean): void;
  /** Delete the whole list if there is one; logs a tombstone only then. */
  removeIfPresent(key: K, timestamp: number, leftSide: boolean): void;
  /** Timestamp of the oldest record, milliseconds; infinity when there is none. */
  readonly oldest: number;
  /** All records in the order of the key's bytes: timestamp, then right before left, then key; a list gives one record for each value. May be read while lists behind the iteration are removed. */
  all(): StoreIterator<UnmatchedRecord<K, VL | VR>>;
}

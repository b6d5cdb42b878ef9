import type { Headers } from '../../processor/headers.ts';

/** A value and the event time of its last update. */
export interface ValueAndTimestamp<V> {
  readonly value: V;
  readonly timestamp: number;
}

/** As {@link ValueAndTimestamp}, with the headers of the record that wrote it (`dsl.store.format=headers`). */
export interface ValueTimestampHeaders<V> extends ValueAndTimestamp<V> {
  readonly headers: Headers;
}

/** A version of a key: valid from `timestamp` until `validTo` (undefined while it is the latest). */
export interface VersionedRecord<V> {
  readonly value: V;
  readonly timestamp: number;
  readonly validTo?: number;
}

/** A key in a window. `start` is inclusive; `end` is exclusive for time windows, inclusive for sessions, as in Kafka Streams. */
export interface Windowed<K> {
  readonly key: K;
  readonly window: Window;
}

export interface Window {
  /** Epoch milliseconds. */
  readonly start: number;
  /** Epoch milliseconds. */
  readonly end: number;
}

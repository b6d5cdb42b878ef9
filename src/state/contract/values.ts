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

export type { Window, Windowed } from '../../processor/windowed.ts';

import type { Headers } from './headers.ts';

/** A decoded input record, before it enters the topology. */
export interface ConsumedRecord<K = unknown, V = unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: K;
  readonly value: V;
  /** The timestamp that Kafka holds, epoch milliseconds. */
  readonly timestamp: number;
  readonly headers: Headers;
}

/**
 * The event time of a record, epoch milliseconds. `partitionTime` is the highest timestamp seen so far in its partition (-1 before the first).
 * A negative result drops the record (counted), or fails the task when the extractor itself throws.
 */
export type TimestampExtractor<K = unknown, V = unknown> = (record: ConsumedRecord<K, V>, partitionTime: number) => number;

import type { Headers } from '../processor/headers.ts';

/** One message of a polled batch, as `prepare` sees it before any is decoded. */
export interface PrepareItem {
  readonly topic: string;
  readonly data: Buffer;
}

/**
 * Turns values of `T` into bytes and back. Synchronous: it runs on the record path.
 * Null keys and values never reach a serde: null is null in Kafka too (a tombstone).
 */
export interface Serde<T> {
  /** Shown in errors: `string`, `json`, `avro`, … */
  readonly name: string;
  serialize(topic: string, value: T, headers?: Headers): Buffer;
  /** `data` may be a view into a larger buffer: copy what is to be kept beyond the call's result. */
  deserialize(topic: string, data: Buffer, headers?: Headers): T;
  /**
   * True when `T` is a JavaScript string, number or bigint and two values have the same bytes exactly if they are the same
   * Map key: caches then use the value itself instead of its bytes.
   * @default false
   */
  readonly primitive?: boolean;
  /**
   * Awaited once for a polled batch before any of it is decoded; the place for I/O such as fetching schemas. Decoding itself stays synchronous.
   * Called with all messages of the batch that this serde will decode.
   */
  prepare?(batch: readonly PrepareItem[]): Promise<void>;
  /**
   * Awaited before a task starts, with the names of the topics (sinks, repartition topics, changelogs) that this serde will encode for: the place
   * to register schemas, since `serialize` is synchronous. Called again when a topic joins; topics already prepared cost nothing.
   */
  prepareEncode?(topics: readonly string[]): Promise<void>;
  /** For serdes around another one (windowed keys): the serde to use when the inner one was left to the configuration's default. */
  withDefaults?(defaultKey: Serde<unknown> | undefined, defaultValue: Serde<unknown> | undefined): Serde<T>;
}

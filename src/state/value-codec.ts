import { SerializationError } from '../errors.ts';
import { type Header, type Headers, NO_HEADERS } from '../processor/headers.ts';
import type { RecordContext } from '../processor/record-context.ts';
import type { Serde } from '../serdes/serde.ts';
import type { ChangelogRecord } from './contract/task-state.ts';
import type { ValueAndTimestamp, ValueTimestampHeaders } from './contract/values.ts';

/**
 * How a store's values (`T`: plain, with a timestamp, or with timestamp and headers) become a row, a changelog record, and the plain value that a flush listener sees.
 * The changelog always holds the plain value; its timestamp is the record's.
 */
export interface ValueCodec<V, T> {
  encode(topic: string, value: T): Buffer;
  timestamp(value: T): number;
  decode(topic: string, bytes: Buffer, timestamp: number): T;
  /** Bytes of a row as its changelog record has them. */
  logValue(row: Buffer): Buffer;
  logTimestamp(value: T | null, context: RecordContext): number;
  logHeaders(value: T | null, context: RecordContext): Headers;
  /** Row bytes and timestamp of a changelog record. */
  restore(record: ChangelogRecord): Buffer;
  restoreTimestamp(record: ChangelogRecord): number;
  plain(value: T | null): V | null;
  /** The timestamp a flush listener is told. */
  forwardTimestamp(value: T | null, context: RecordContext): number;
}

/** Which changelog records carry the headers of the record under processing: all (join windows), only tombstones (`dsl.store.format=headers`), or none. */
export type LoggedHeaders = 'none' | 'all' | 'tombstones';

function headersToLog(which: LoggedHeaders): (value: unknown, context: RecordContext) => Headers {
  if (which === 'none') return () => NO_HEADERS;
  return which === 'all' ? (_value, context) => context.headers : (value, context) => (value === null ? context.headers : NO_HEADERS);
}

/** Values without a timestamp. */
export function plainCodec<V>(serde: Serde<V>, logged: LoggedHeaders = 'none'): ValueCodec<V, V> {
  return {
    encode: (topic, value) => serde.serialize(topic, value),
    timestamp: () => 0,
    decode: (topic, bytes) => serde.deserialize(topic, bytes),
    logValue: (row) => row,
    logTimestamp: (_value, context) => context.timestamp,
    logHeaders: headersToLog(logged),
    restore: (record) => record.value as Buffer,
    restoreTimestamp: () => 0,
    plain: (value) => value,
    forwardTimestamp: (_value, context) => context.timestamp,
  };
}

/** Values with a timestamp. */
export function timestampedCodec<V>(serde: Serde<V>, logged: LoggedHeaders = 'none'): ValueCodec<V, ValueAndTimestamp<V>> {
  return {
    encode: (topic, value) => serde.serialize(topic, value.value),
    timestamp: (value) => value.timestamp,
    decode: (topic, bytes, timestamp) => ({ value: serde.deserialize(topic, bytes), timestamp }),
    logValue: (row) => row,
    logTimestamp: (value, context) => (value === null ? context.timestamp : value.timestamp),
    logHeaders: headersToLog(logged),
    restore: (record) => record.value as Buffer,
    restoreTimestamp: (record) => record.timestamp,
    plain: (value) => (value === null ? null : value.value),
    forwardTimestamp: (value, context) => (value === null ? context.timestamp : value.timestamp),
  };
}

/**
 * Values with timestamp and headers. As in Java, tombstones in the changelog carry the headers of the record, but those of a store in memory (`logged` 'none') do not.
 * A row is `length4 of headers | headers | value`; a header `length4 | key | length4 or -1 | value`.
 */
export function headersCodec<V>(serde: Serde<V>, logged: 'none' | 'tombstones' = 'tombstones'): ValueCodec<V, ValueTimestampHeaders<V>> {
  const tombstoneHeaders = headersToLog(logged);
  return {
    encode: (topic, value) => packHeaders(value.headers, serde.serialize(topic, value.value, value.headers)),
    timestamp: (value) => value.timestamp,
    decode: (topic, bytes, timestamp) => {
      const { headers, value } = unpackHeaders(bytes);
      return { value: serde.deserialize(topic, value, headers), timestamp, headers };
    },
    logValue: (row) => unpackHeaders(row).value,
    logTimestamp: (value, context) => (value === null ? context.timestamp : value.timestamp),
    logHeaders: (value, context) => (value === null ? tombstoneHeaders(null, context) : value.headers),
    restore: (record) => packHeaders(record.headers, record.value as Buffer),
    restoreTimestamp: (record) => record.timestamp,
    plain: (value) => (value === null ? null : value.value),
    forwardTimestamp: (value, context) => (value === null ? context.timestamp : value.timestamp),
  };
}

/** `length4 of headers | headers | value`, see {@link headersCodec}. */
export function packHeaders(headers: Headers, value: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (const [name, data] of headers) {
    const key = Buffer.from(name, 'utf8');
    parts.push(int32(key.length), key, int32(data === null ? -1 : data.length));
    if (data !== null) parts.push(data);
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([int32(length), ...parts, value]);
}

/** The inverse of {@link packHeaders}. */
export function unpackHeaders(row: Buffer): { headers: Headers; value: Buffer } {
  const end = 4 + row.readInt32BE(0);
  if (end === 4) return { headers: NO_HEADERS, value: row.subarray(4) };
  if (end > row.length) throw new SerializationError('a stored value with headers is cut short');
  const headers: Header[] = [];
  for (let at = 4; at < end; ) {
    const keyLength = row.readInt32BE(at);
    const name = row.toString('utf8', at + 4, at + 4 + keyLength);
    at += 4 + keyLength;
    const length = row.readInt32BE(at);
    at += 4;
    headers.push([name, length < 0 ? null : row.subarray(at, at + length)]);
    at += Math.max(0, length);
  }
  return { headers, value: row.subarray(end) };
}

function int32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeInt32BE(value);
  return buffer;
}

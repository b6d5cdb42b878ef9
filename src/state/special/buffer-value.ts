import { SerializationError } from '../../errors.ts';
import { type Header, type Headers, NO_HEADERS } from '../../processor/headers.ts';
import { RecordContext } from '../../processor/record-context.ts';
import { readInt64, writeInt64 } from '../bytes.ts';

/** `old` equals `prior`, and is not written again. */
const SAME_AS_PRIOR = -2;

/** What a buffered record carries, in the changelog's bytes. */
export interface BufferValueBytes {
  readonly context: RecordContext;
  readonly prior: Buffer | null;
  readonly old: Buffer | null;
  readonly new: Buffer | null;
}

/**
 * Kafka Streams' BufferValue, format 3, and the time behind it:
 * `timestamp8 | offset8 | topic | partition4 | headers | prior | old | new | time8`, each part after its length in 4 bytes (-1 for null).
 */
export function encodeBufferValue(value: BufferValueBytes, time: number): Buffer {
  const { context, prior, old } = value;
  const parts: Buffer[] = [
    int64(context.timestamp),
    int64(context.offset),
    ...sized(Buffer.from(context.topic, 'utf8')),
    int32(context.partition),
    int32(context.headers.length),
  ];
  for (const [name, data] of context.headers) parts.push(...sized(Buffer.from(name, 'utf8')), ...sized(data));
  parts.push(...sized(prior));
  if (old !== null && prior !== null && old.equals(prior)) parts.push(int32(SAME_AS_PRIOR));
  else parts.push(...sized(old));
  parts.push(...sized(value.new), int64(time));
  return Buffer.concat(parts);
}

/** @throws SerializationError when the bytes are not of format 3. */
export function decodeBufferValue(bytes: Buffer): { value: BufferValueBytes; time: number } {
  try {
    const reader = new Reader(bytes);
    const timestamp = reader.int64();
    const offset = reader.int64();
    const topic = (reader.bytes() as Buffer).toString('utf8');
    const partition = reader.int32();
    const headers = reader.headers();
    const prior = reader.bytes();
    const length = reader.int32();
    const old = length === SAME_AS_PRIOR ? prior : reader.take(length);
    const next = reader.bytes();
    return { value: { context: new RecordContext(topic, partition, offset, timestamp, headers), prior, old, new: next }, time: reader.int64() };
  } catch (cause) {
    throw new SerializationError('a record of the buffer changelog is not of format 3, the only one that is read', { cause });
  }
}

/** Bytes that Java counts for a record context. */
export function contextSize(context: RecordContext): number {
  let size = 20 + context.topic.length;
  for (const [name, data] of context.headers) size += name.length + (data === null ? 0 : data.length);
  return size;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  int64(): number {
    this.#at += 8;
    return readInt64(this.#bytes, this.#at - 8);
  }

  bytes(): Buffer | null {
    return this.take(this.int32());
  }

  take(length: number): Buffer | null {
    if (length === -1) return null;
    if (length < 0 || this.#at + length > this.#bytes.length) throw new RangeError(`a part of ${length} bytes at ${this.#at} of ${this.#bytes.length}`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  headers(): Headers {
    const count = this.int32();
    if (count <= 0) return NO_HEADERS;
    const headers: Header[] = [];
    for (let i = 0; i < count; i++) headers.push([(this.bytes() as Buffer).toString('utf8'), this.bytes()]);
    return headers;
  }
}

function sized(data: Buffer | null): Buffer[] {
  return data === null ? [int32(-1)] : [int32(data.length), data];
}

function int32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function int64(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(8);
  writeInt64(buffer, value, 0);
  return buffer;
}

import { gzipSync } from 'node:zlib';

/*
 * Record batches as a producer, a transaction coordinator and the log cleaner write them. https://kafka.apache.org/documentation/#recordbatch
 */

export interface BatchRecord {
  readonly offset: number;
  readonly key?: Buffer | string | null;
  readonly value?: Buffer | string | null;
  readonly headers?: readonly (readonly [string, Buffer | string | null])[];
  /** Added to the batch's base timestamp. @default 0 */
  readonly timestampDelta?: number | bigint;
}

export interface BatchOptions {
  /** @default that of the first record */
  readonly baseOffset?: number;
  /** Of the last record before the cleaner removed it. @default that of the last record */
  readonly lastOffset?: number;
  /** @default 1000 */
  readonly baseTimestamp?: number;
  /** @default the base timestamp */
  readonly maxTimestamp?: number;
  readonly logAppendTime?: boolean;
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. The records are compressed for gzip, else only said to be. @default 0 */
  readonly codec?: number;
  /** What the codec makes of the records. */
  readonly compress?: (records: Buffer) => Buffer;
  /** @default -1: none */
  readonly producerId?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  /** @default how many records there are */
  readonly count?: number;
  /** @default 2 */
  readonly magic?: number;
}

const GZIP = 1;

/** A batch's bytes. Its checksum is 0: nobody looks at it. */
export function recordBatch(records: readonly BatchRecord[], options: BatchOptions = {}): Buffer {
  const baseOffset = options.baseOffset ?? records[0]?.offset ?? 0;
  const lastOffset = options.lastOffset ?? records.at(-1)?.offset ?? baseOffset;
  const baseTimestamp = options.baseTimestamp ?? 1000;
  const codec = options.codec ?? 0;
  const plain = Buffer.concat(records.map((record) => encodeRecord(record, baseOffset)));
  const compress = options.compress ?? (codec === GZIP ? (bytes: Buffer) => gzipSync(bytes) : (bytes: Buffer) => bytes);
  const body = compress(plain);
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(BigInt(baseOffset), 0);
  head.writeInt32BE(head.length - 12 + body.length, 8);
  head.writeInt32BE(0, 12);
  head.writeInt8(options.magic ?? 2, 16);
  head.writeInt16BE(codec | (options.logAppendTime ? 0x08 : 0) | (options.transactional ? 0x10 : 0) | (options.control ? 0x20 : 0), 21);
  head.writeInt32BE(lastOffset - baseOffset, 23);
  head.writeBigInt64BE(BigInt(baseTimestamp), 27);
  head.writeBigInt64BE(BigInt(options.maxTimestamp ?? baseTimestamp), 35);
  head.writeBigInt64BE(BigInt(options.producerId ?? -1), 43);
  head.writeInt16BE(options.producerId === undefined ? -1 : 0, 51);
  head.writeInt32BE(-1, 53);
  head.writeInt32BE(options.count ?? records.length, 57);
  return Buffer.concat([head, body]);
}

/** The end of a producer's transaction. */
export function endTransaction(offset: number, producerId: number, kind: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]);
  return recordBatch([{ offset, key, value: Buffer.alloc(6) }], { producerId, transactional: true, control: true });
}

/** A message of before Kafka 0.11: the whole of it, as it lies in the log. */
export function oldMessage(offset: number, value: string, magic: 0 | 1): Buffer {
  const body = Buffer.concat([
    Buffer.alloc(4),
    Buffer.from([magic, 0]),
    Buffer.alloc(magic === 1 ? 8 : 0),
    int32(-1),
    int32(Buffer.byteLength(value)),
    Buffer.from(value),
  ]);
  const head = Buffer.alloc(12);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeInt32BE(body.length, 8);
  return Buffer.concat([head, body]);
}

function encodeRecord({ offset, key = null, value = null, headers = [], timestampDelta = 0 }: BatchRecord, baseOffset: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(timestampDelta),
    varint(offset - baseOffset),
    field(key),
    field(value),
    varint(headers.length),
    ...headers.flatMap(([name, content]) => [field(name), field(content)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

function field(data: Buffer | string | null): Buffer {
  if (data === null) return varint(-1);
  const bytes = Buffer.from(data);
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** Zigzag, seven bits a byte, the lowest first. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

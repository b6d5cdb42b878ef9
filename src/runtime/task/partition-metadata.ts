/*
 * The text that is committed with an offset: Kafka Streams' TopicPartitionMetadata. Base64 of
 *
 *     magic(1) = 2 | partition time(8) | [ count(4) | ( key length(4) | key | value(8) )* ]
 *
 * librdkafka's Node client writes a NUL after the text and cuts the last byte of what it reads. Read back by ourselves the two cancel out; read by
 * a client that does neither, or written by Java and read by us, one character is lost or added. So the encoding always ends in Base64 padding,
 * which carries nothing, and decoding takes text with and without it.
 */

const MAGIC = 2;

export interface PartitionMetadata {
  /** Highest timestamp seen in the partition, -1 when unknown. */
  readonly partitionTime: number;
  /** Numbers that operators keep across restarts. */
  readonly processorMetadata: ReadonlyMap<string, number>;
}

const NOTHING: PartitionMetadata = { partitionTime: -1, processorMetadata: new Map() };

export function encodePartitionMetadata(partitionTime: number, processorMetadata: ReadonlyMap<string, number>): string {
  const keys = [...processorMetadata].map(([key, value]) => ({ key: Buffer.from(key), value }));
  const length = 1 + 8 + 4 + keys.reduce((sum, { key }) => sum + 4 + key.length + 8, 0);
  // A byte behind the counted entries, which Java does not look at, makes the text end in padding.
  const buffer = Buffer.alloc(length % 3 === 0 ? length + 1 : length);
  buffer.writeUInt8(MAGIC, 0);
  buffer.writeBigInt64BE(BigInt(partitionTime), 1);
  buffer.writeInt32BE(keys.length, 9);
  let at = 13;
  for (const { key, value } of keys) {
    at = buffer.writeInt32BE(key.length, at);
    at += key.copy(buffer, at);
    at = buffer.writeBigInt64BE(BigInt(value), at);
  }
  return buffer.toString('base64');
}

/** The inverse of {@link encodePartitionMetadata}, also for Java's text. What cannot be read gives a partition time of -1. */
export function decodePartitionMetadata(text: string | undefined): PartitionMetadata {
  const base64 = (text ?? '').replace(/[\0=\s]+$/, '');
  if (base64 === '') return NOTHING;
  let bytes = Buffer.from(base64, 'base64');
  // Java's text of a partition time alone is 12 characters without padding. Of the 11 that are left, the last byte's low 6 bits are missing: they count as 0.
  if (base64.length % 4 === 3) bytes = Buffer.from(`${base64}A`, 'base64');
  if (bytes.length < 9 || (bytes[0] !== 1 && bytes[0] !== MAGIC)) return NOTHING;
  const partitionTime = Number(bytes.readBigInt64BE(1));
  return { partitionTime, processorMetadata: bytes[0] === MAGIC ? decodeEntries(bytes) : new Map() };
}

function decodeEntries(bytes: Buffer): Map<string, number> {
  const entries = new Map<string, number>();
  if (bytes.length < 13) return entries;
  const count = bytes.readInt32BE(9);
  let at = 13;
  for (let i = 0; i < count && at + 4 <= bytes.length; i++) {
    const keyEnd = at + 4 + bytes.readInt32BE(at);
    if (keyEnd < at + 4 || keyEnd + 8 > bytes.length) break;
    entries.set(bytes.toString('utf8', at + 4, keyEnd), Number(bytes.readBigInt64BE(keyEnd)));
    at = keyEnd + 8;
  }
  return entries;
}

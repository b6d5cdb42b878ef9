const TWO_32 = 4_294_967_296;
const TWO_63 = 2 ** 63;

/** Writes an integer as Java's 8-byte big-endian long; what exceeds the long range becomes its limit (windows that never end). Returns the offset behind it. */
export function writeInt64(target: Buffer, value: number, offset: number): number {
  if (value >= TWO_63) {
    target.writeUInt32BE(0x7fffffff, offset);
    return target.writeUInt32BE(0xffffffff, offset + 4);
  }
  target.writeInt32BE(Math.floor(value / TWO_32), offset);
  return target.writeUInt32BE(value >>> 0, offset + 4);
}

/** Reads an 8-byte big-endian long. Beyond 2^53 the nearest double. */
export function readInt64(source: Buffer, offset: number): number {
  return source.readInt32BE(offset) * TWO_32 + source.readUInt32BE(offset + 4);
}

/** The bytes of a key as a string of the same order: one UTF-16 unit a byte. Map key of buffers and memory tables. */
export function keyId(key: Buffer): string {
  return key.toString('latin1');
}

/** The smallest byte string that is greater than all that start with `prefix`; null when there is none (all 0xff). */
export function prefixEnd(prefix: Buffer): Buffer | null {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === 0xff) end--;
  if (end === 0) return null;
  const result = Buffer.from(prefix.subarray(0, end));
  result[end - 1] = (result[end - 1] as number) + 1;
  return result;
}

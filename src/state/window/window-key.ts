import { readInt64, writeInt64 } from '../bytes.ts';

/** `start8 | seq4` behind the key. */
export const WINDOW_SUFFIX = 12;
export const MAX_SEQUENCE = 0x7fffffff;

/** A window's key in stores and changelogs: `key | start8 | seq4`, as Kafka Streams' WindowKeySchema. */
export function windowKey(key: Buffer, start: number, sequence: number): Buffer {
  const result = Buffer.allocUnsafe(key.length + WINDOW_SUFFIX);
  key.copy(result);
  writeInt64(result, start, key.length);
  result.writeInt32BE(sequence, key.length + 8);
  return result;
}

export function windowStartOf(bytes: Buffer): number {
  return readInt64(bytes, bytes.length - WINDOW_SUFFIX);
}

export function sequenceOf(bytes: Buffer): number {
  return bytes.readInt32BE(bytes.length - 4);
}

/** The key without its last `suffix` bytes; a view. */
export function baseKey(bytes: Buffer, suffix: number): Buffer {
  return bytes.subarray(0, bytes.length - suffix);
}

/** Whether the key in front of the suffix equals `key`. */
export function hasBaseKey(bytes: Buffer, key: Buffer, suffix: number): boolean {
  return bytes.length === key.length + suffix && bytes.compare(key, 0, key.length, 0, key.length) === 0;
}

/** Whether the key in front of the suffix lies within [from, to], null for an open end. */
export function baseKeyWithin(bytes: Buffer, suffix: number, from: Buffer | null, to: Buffer | null): boolean {
  const end = bytes.length - suffix;
  return (from === null || bytes.compare(from, 0, from.length, 0, end) >= 0) && (to === null || bytes.compare(to, 0, to.length, 0, end) <= 0);
}

/**
 * A bound that no composite key `k | suffix` with `k <= to` exceeds, when its suffix is at most `maxSuffix`. Keys of different lengths make it more than `to | maxSuffix`:
 * a short key's suffix bytes compare with a long key's own.
 */
export function upperBound(to: Buffer, maxSuffix: Buffer): Buffer {
  let bound = maxSuffix;
  for (let length = 1; length <= to.length; length++) {
    const candidate = Buffer.concat([to.subarray(0, length), maxSuffix]);
    if (candidate.compare(bound) > 0) bound = candidate;
  }
  return bound;
}

import { readInt64, writeInt64 } from '../bytes.ts';

/** `end8 | start8` behind the key. */
export const SESSION_SUFFIX = 16;

/** A session's key in stores and changelogs: `key | end8 | start8`, as Kafka Streams' SessionKeySchema. */
export function sessionKey(key: Buffer, start: number, end: number): Buffer {
  const result = Buffer.allocUnsafe(key.length + SESSION_SUFFIX);
  key.copy(result);
  writeInt64(result, end, key.length);
  writeInt64(result, start, key.length + 8);
  return result;
}

export function sessionEndOf(bytes: Buffer): number {
  return readInt64(bytes, bytes.length - SESSION_SUFFIX);
}

export function sessionStartOf(bytes: Buffer): number {
  return readInt64(bytes, bytes.length - 8);
}

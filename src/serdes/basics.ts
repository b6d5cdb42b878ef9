import { ownBytes } from '../util/own-bytes.ts';
import { checkLength, decodeFailure, encodeFailure, kindOf } from './failure.ts';
import type { Serde } from './serde.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** One byte, 1 or 0; the bytes of Java's `Serdes.Boolean()`. */
export const boolean: Serde<boolean> = Object.freeze({
  name: 'boolean',
  serialize(topic: string, value: boolean): Buffer {
    if (typeof value !== 'boolean') throw encodeFailure('boolean', topic, `it is ${kindOf(value)}, not a boolean`);
    return Buffer.of(value ? 1 : 0);
  },
  deserialize(topic: string, data: Buffer): boolean {
    checkLength('boolean', topic, data, 1);
    const byte = data[0];
    if (byte !== 0 && byte !== 1) throw decodeFailure('boolean', topic, `its byte is ${byte} where 0 or 1 is expected`);
    return byte === 1;
  },
});

/** UUIDs as their 36 characters in lower case; the bytes of Java's `Serdes.UUID()`. */
export const uuid: Serde<string> = Object.freeze({
  name: 'uuid',
  serialize(topic: string, value: string): Buffer {
    if (typeof value !== 'string' || !UUID.test(value))
      throw encodeFailure('uuid', topic, `it is ${kindOf(value)} that is not of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`);
    return Buffer.from(value.toLowerCase(), 'latin1');
  },
  deserialize(topic: string, data: Buffer): string {
    const text = data.toString('latin1');
    if (!UUID.test(text)) throw decodeFailure('uuid', topic, `its ${data.length} bytes are not of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`);
    return text.toLowerCase();
  },
});

/** Bytes as they are. What is decoded may share its memory with what it was decoded from, but never keeps a much larger buffer alive. */
export const bytes: Serde<Buffer> = Object.freeze({
  name: 'bytes',
  serialize(topic: string, value: Buffer): Buffer {
    if (Buffer.isBuffer(value)) return value;
    const other: unknown = value;
    if (other instanceof Uint8Array) return Buffer.from(other.buffer, other.byteOffset, other.byteLength);
    throw encodeFailure('bytes', topic, `it is ${kindOf(value)}, neither Buffer nor Uint8Array`);
  },
  deserialize: (_topic: string, data: Buffer): Buffer => ownBytes(data),
});

/** For a key or value that is always null; the counterpart of Java's `Serdes.Void()`. Anything else is an error. */
const nothing: Serde<null> = Object.freeze({
  name: 'void',
  serialize(topic: string, value: null): Buffer {
    throw encodeFailure('void', topic, `it is ${kindOf(value)} where only null is allowed`);
  },
  deserialize(topic: string, data: Buffer): null {
    throw decodeFailure('void', topic, `it has ${data.length} bytes where only null is allowed`);
  },
});

export { nothing as void };

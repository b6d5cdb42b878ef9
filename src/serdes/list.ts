import type { Headers } from '../processor/headers.ts';
import { uuid } from './basics.ts';
import { decodeFailure, encodeFailure, messageOf } from './failure.ts';
import { bigint, double, float, integer, long, short } from './numbers.ts';
import type { Serde } from './serde.ts';

const CONSTANT_SIZE = 0;
const VARIABLE_SIZE = 1;
const NULL_ENTRY = -1;

/** Inner serdes whose entries Java writes without a length, and that length. */
const FIXED_LENGTHS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [short, 2],
  [integer, 4],
  [float, 4],
  [long, 8],
  [bigint, 8],
  [double, 8],
  [uuid, 36],
]);

/**
 * Arrays; the bytes of Java's `Serdes.ListSerde(ArrayList.class, inner)`: a strategy byte, then for numbers and UUIDs the places of the nulls, the count and the
 * entries back to back, and for all others the count and each entry after its length (-1 for null).
 * @throws SerializationError when an entry cannot be encoded, or the bytes are not such a list.
 */
export function list<T>(inner: Serde<T>): Serde<(T | null)[]> {
  const fixedLength = FIXED_LENGTHS.get(inner);
  const name = `list<${inner.name}>`;
  return Object.freeze({
    name,
    ...(inner.prepare && { prepare: inner.prepare.bind(inner) }),
    ...(inner.prepareEncode && { prepareEncode: inner.prepareEncode.bind(inner) }),
    serialize(topic: string, value: (T | null)[], headers?: Headers): Buffer {
      if (!Array.isArray(value)) throw encodeFailure(name, topic, 'it is not an array');
      return fixedLength === undefined ? encodeVariable(inner, topic, value, headers) : encodeConstant(inner, topic, value, headers);
    },
    deserialize(topic: string, data: Buffer, headers?: Headers): (T | null)[] {
      try {
        return fixedLength === undefined ? decodeVariable(inner, topic, data, headers) : decodeConstant(inner, fixedLength, topic, data, headers);
      } catch (cause) {
        throw decodeFailure(name, topic, messageOf(cause), cause);
      }
    },
  });
}

function encodeConstant<T>(inner: Serde<T>, topic: string, value: readonly (T | null)[], headers: Headers | undefined): Buffer {
  const nulls: number[] = [];
  const entries: Buffer[] = [];
  for (let i = 0; i < value.length; i++) {
    const entry = value[i];
    if (entry === null || entry === undefined) nulls.push(i);
    else entries.push(inner.serialize(topic, entry, headers));
  }
  const head = Buffer.allocUnsafe(1 + 4 + 4 * nulls.length + 4);
  let at = head.writeInt8(CONSTANT_SIZE, 0);
  at = head.writeInt32BE(nulls.length, at);
  for (const index of nulls) at = head.writeInt32BE(index, at);
  head.writeInt32BE(value.length, at);
  return Buffer.concat([head, ...entries]);
}

function encodeVariable<T>(inner: Serde<T>, topic: string, value: readonly (T | null)[], headers: Headers | undefined): Buffer {
  const entries = value.map((entry) => (entry === null || entry === undefined ? null : inner.serialize(topic, entry, headers)));
  let size = 1 + 4;
  for (const entry of entries) size += 4 + (entry?.length ?? 0);
  const out = Buffer.allocUnsafe(size);
  let at = out.writeInt8(VARIABLE_SIZE, 0);
  at = out.writeInt32BE(entries.length, at);
  for (const entry of entries) {
    at = out.writeInt32BE(entry?.length ?? NULL_ENTRY, at);
    if (entry !== null) at += entry.copy(out, at);
  }
  return out;
}

function decodeConstant<T>(inner: Serde<T>, length: number, topic: string, data: Buffer, headers: Headers | undefined): (T | null)[] {
  checkStrategy(data, CONSTANT_SIZE);
  const nulls = new Set<number>();
  const nullCount = data.readInt32BE(1);
  let at = 5;
  for (let i = 0; i < nullCount; i++, at += 4) nulls.add(data.readInt32BE(at));
  const count = data.readInt32BE(at);
  at += 4;
  const out: (T | null)[] = [];
  for (let i = 0; i < count; i++) {
    if (nulls.has(i)) out.push(null);
    else {
      out.push(inner.deserialize(topic, slice(data, at, length), headers));
      at += length;
    }
  }
  return out;
}

function decodeVariable<T>(inner: Serde<T>, topic: string, data: Buffer, headers: Headers | undefined): (T | null)[] {
  checkStrategy(data, VARIABLE_SIZE);
  const count = data.readInt32BE(1);
  let at = 5;
  const out: (T | null)[] = [];
  for (let i = 0; i < count; i++) {
    const length = data.readInt32BE(at);
    at += 4;
    if (length === NULL_ENTRY) out.push(null);
    else {
      out.push(inner.deserialize(topic, slice(data, at, length), headers));
      at += length;
    }
  }
  return out;
}

function checkStrategy(data: Buffer, expected: number): void {
  if (data[0] !== expected) throw new RangeError(`the strategy byte is ${data[0]} where ${expected} is expected`);
}

function slice(data: Buffer, at: number, length: number): Buffer {
  if (length < 0 || at + length > data.length) throw new RangeError(`entry of ${length} bytes at offset ${at} is outside the ${data.length} bytes there are`);
  return data.subarray(at, at + length);
}

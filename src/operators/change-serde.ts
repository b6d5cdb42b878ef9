import { SerializationError } from '../errors.ts';
import type { Headers } from '../processor/headers.ts';
import type { PrepareItem, Serde } from '../serdes/serde.ts';
import { Change } from './change.ts';

/*
 * Bytes of a Change in the repartition topic of a table's groupBy, as Kafka Streams 3.5 and later write them:
 *
 *     old                                 | 0
 *     new                                 | 1
 *     zigzag varint(length of new) | new | old | 2
 *
 * Flags 3, 4 and 5 are the same with one more byte, isLatest, before the flag; they are read, never written.
 */
const OLD_ONLY = 0;
const NEW_ONLY = 1;
const BOTH = 2;
const WITH_LATEST = 3;

/** Serde of a change around the serde of its values; undefined: the configuration's default value serde. */
export function changeSerde<V>(inner: Serde<V> | undefined): Serde<Change<V>> {
  return new ChangeSerde(inner);
}

class ChangeSerde<V> implements Serde<Change<V>> {
  readonly name: string;
  readonly #inner: Serde<V> | undefined;
  readonly prepare?: (batch: readonly PrepareItem[]) => Promise<void>;
  readonly prepareEncode?: (topics: readonly string[]) => Promise<void>;

  constructor(inner: Serde<V> | undefined) {
    this.#inner = inner;
    this.name = `change(${inner?.name ?? 'default'})`;
    if (inner?.prepare !== undefined) this.prepare = (batch) => (inner.prepare as NonNullable<typeof inner.prepare>)(innerItems(batch));
    if (inner?.prepareEncode !== undefined) this.prepareEncode = (topics) => (inner.prepareEncode as NonNullable<typeof inner.prepareEncode>)(topics);
  }

  withDefaults(defaultKey: Serde<unknown> | undefined, defaultValue: Serde<unknown> | undefined): Serde<Change<V>> {
    const inner = this.#inner ?? (defaultValue as Serde<V> | undefined);
    return new ChangeSerde(inner?.withDefaults?.(defaultKey, defaultValue) ?? inner);
  }

  serialize(topic: string, change: Change<V>, headers?: Headers): Buffer {
    const inner = this.#serde(topic);
    const newData = change.newValue == null ? null : inner.serialize(topic, change.newValue, headers);
    const oldData = change.oldValue == null ? null : inner.serialize(topic, change.oldValue, headers);
    if (newData !== null && oldData !== null) return Buffer.concat([zigzagVarint(newData.length), newData, oldData, FLAGS[BOTH] as Buffer]);
    if (newData !== null) return Buffer.concat([newData, FLAGS[NEW_ONLY] as Buffer]);
    if (oldData !== null) return Buffer.concat([oldData, FLAGS[OLD_ONLY] as Buffer]);
    throw new SerializationError('a change without an old and a new value cannot be sent to a repartition topic', { topic });
  }

  deserialize(topic: string, data: Buffer, headers?: Headers): Change<V> {
    const inner = this.#serde(topic);
    const parts = split(topic, data);
    return new Change(
      parts.newData === null ? null : inner.deserialize(topic, parts.newData, headers),
      parts.oldData === null ? null : inner.deserialize(topic, parts.oldData, headers),
      parts.isLatest,
    );
  }

  #serde(topic: string): Serde<V> {
    if (this.#inner === undefined) throw new SerializationError('a grouped table has no value serde: give one to groupBy, or set defaultValueSerde', { topic });
    return this.#inner;
  }
}

const FLAGS = [Buffer.of(OLD_ONLY), Buffer.of(NEW_ONLY), Buffer.of(BOTH)];

interface Parts {
  readonly newData: Buffer | null;
  readonly oldData: Buffer | null;
  readonly isLatest: boolean;
}

function split(topic: string, data: Buffer): Parts {
  const flag = data.length === 0 ? -1 : (data[data.length - 1] as number);
  if (flag < OLD_ONLY || flag > BOTH + WITH_LATEST)
    throw new SerializationError(`not a change of a table: its last byte is ${flag}, expected 0 to 5`, { topic });
  const withLatest = flag >= WITH_LATEST;
  const end = data.length - (withLatest ? 2 : 1);
  if (end < 0) throw new SerializationError('not a change of a table: too short', { topic });
  const isLatest = !withLatest || data[end] === 1;
  switch (flag % WITH_LATEST) {
    case OLD_ONLY:
      return { newData: null, oldData: data.subarray(0, end), isLatest };
    case NEW_ONLY:
      return { newData: data.subarray(0, end), oldData: null, isLatest };
    default: {
      const { value: length, next } = readZigzagVarint(data);
      if (length < 0 || next + length > end)
        throw new SerializationError(`not a change of a table: its new value of ${length} bytes does not fit in ${end}`, { topic });
      return { newData: data.subarray(next, next + length), oldData: data.subarray(next + length, end), isLatest };
    }
  }
}

function innerItems(batch: readonly PrepareItem[]): PrepareItem[] {
  return batch.flatMap(({ topic, data }) => {
    const { newData, oldData } = split(topic, data);
    return [newData, oldData].filter((part) => part !== null).map((part) => ({ topic, data: part }));
  });
}

function zigzagVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function readZigzagVarint(data: Buffer): { value: number; next: number } {
  let raw = 0;
  let next = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = data[next++] ?? 0;
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return { value: (raw >>> 1) ^ -(raw & 1), next };
}

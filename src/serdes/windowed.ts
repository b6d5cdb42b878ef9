import { ConfigError } from '../errors.ts';
import type { Headers } from '../processor/headers.ts';
import type { Windowed } from '../processor/windowed.ts';
import { type Duration, toMillis } from '../time.ts';
import { decodeFailure } from './failure.ts';
import type { PrepareItem, Serde } from './serde.ts';

const TWO_32 = 4_294_967_296;

/** A serde of windowed keys. Records with such keys are partitioned by the inner key alone, so that all windows of a key stay together. */
export interface WindowedSerde<K> extends Serde<Windowed<K>> {
  /** Null when it was left to the configuration's default key serde. */
  readonly inner: Serde<K> | null;
  /** The bytes of the inner key, which decide the partition. */
  serializeBaseKey(topic: string, windowed: Windowed<K>, headers?: Headers): Buffer;
  withDefaults(defaultKey: Serde<unknown> | undefined, defaultValue: Serde<unknown> | undefined): WindowedSerde<K>;
}

/** Whether records keyed with this serde are partitioned by an inner key. */
export function isWindowedSerde(serde: Serde<unknown> | undefined | null): serde is WindowedSerde<unknown> {
  return serde instanceof TimeWindowedSerde || serde instanceof SessionWindowedSerde;
}

/**
 * Keys of tumbling, hopping and sliding windows as they stand in topics: the key, then 8 bytes of window start; the bytes of Java's `TimeWindowedSerde`.
 * The end is not written: reading restores it from `size`, the size of the windows.
 *
 * @param inner Serde of the key, or null for the application's default key serde.
 * @param size Size of the windows, milliseconds or a duration such as `'5m'`; for sliding windows the time difference.
 */
export function timeWindowed<K>(inner: Serde<K> | null, size: Duration): WindowedSerde<K> {
  const sizeMs = toMillis(size, 'the window size of serdes.timeWindowed');
  if (sizeMs <= 0) throw new ConfigError(`serdes.timeWindowed: the window size is ${JSON.stringify(size)}, it must be positive`);
  return new TimeWindowedSerde(inner, sizeMs);
}

/**
 * Keys of sessions as they stand in topics: the key, 8 bytes of session end, 8 bytes of session start; the bytes of Java's `SessionWindowedSerde`.
 *
 * @param inner Serde of the key; null or left out for the application's default key serde.
 */
export function sessionWindowed<K>(inner: Serde<K> | null = null): WindowedSerde<K> {
  return new SessionWindowedSerde(inner);
}

/** Around the inner serde: what both kinds of windowed keys share. */
abstract class InnerKeySerde<K> {
  abstract readonly name: string;
  readonly inner: Serde<K> | null;
  readonly prepare: ((batch: readonly PrepareItem[]) => Promise<void>) | undefined;
  readonly prepareEncode: ((topics: readonly string[]) => Promise<void>) | undefined;

  constructor(inner: Serde<K> | null, suffix: number) {
    this.inner = inner;
    this.prepare = inner?.prepare && ((batch) => (inner.prepare as NonNullable<Serde<K>['prepare']>)(batch.map((item) => withoutSuffix(item, suffix))));
    this.prepareEncode = inner?.prepareEncode?.bind(inner);
  }

  serializeBaseKey(topic: string, windowed: Windowed<K>, headers?: Headers): Buffer {
    return this.key().serialize(topic, windowed.key, headers);
  }

  protected key(): Serde<K> {
    if (this.inner === null) throw new ConfigError(`The ${this.name} serde has no serde for its inner key: give one, or set defaultKeySerde`);
    return this.inner;
  }
}

class TimeWindowedSerde<K> extends InnerKeySerde<K> implements WindowedSerde<K> {
  readonly name: string;
  readonly #sizeMs: number;

  constructor(inner: Serde<K> | null, sizeMs: number) {
    super(inner, 8);
    this.name = `timeWindowed<${inner?.name ?? 'default'}>`;
    this.#sizeMs = sizeMs;
  }

  serialize(topic: string, value: Windowed<K>, headers?: Headers): Buffer {
    const key = this.key().serialize(topic, value.key, headers);
    const out = Buffer.allocUnsafe(key.length + 8);
    key.copy(out, 0);
    writeTime(out, value.window.start, key.length);
    return out;
  }

  deserialize(topic: string, data: Buffer, headers?: Headers): Windowed<K> {
    const at = data.length - 8;
    if (at < 0) throw decodeFailure(this.name, topic, `it has ${data.length} bytes, fewer than the 8 of a window start`);
    const start = readTime(data, at);
    return { key: this.key().deserialize(topic, data.subarray(0, at), headers), window: { start, end: start + this.#sizeMs } };
  }

  withDefaults(defaultKey: Serde<unknown> | undefined): WindowedSerde<K> {
    const inner = resolveInner(this.inner, defaultKey);
    return inner === this.inner ? this : new TimeWindowedSerde(inner, this.#sizeMs);
  }
}

class SessionWindowedSerde<K> extends InnerKeySerde<K> implements WindowedSerde<K> {
  readonly name: string;

  constructor(inner: Serde<K> | null) {
    super(inner, 16);
    this.name = `sessionWindowed<${inner?.name ?? 'default'}>`;
  }

  serialize(topic: string, value: Windowed<K>, headers?: Headers): Buffer {
    const key = this.key().serialize(topic, value.key, headers);
    const out = Buffer.allocUnsafe(key.length + 16);
    key.copy(out, 0);
    writeTime(out, value.window.end, key.length);
    writeTime(out, value.window.start, key.length + 8);
    return out;
  }

  deserialize(topic: string, data: Buffer, headers?: Headers): Windowed<K> {
    const at = data.length - 16;
    if (at < 0) throw decodeFailure(this.name, topic, `it has ${data.length} bytes, fewer than the 16 of a session's end and start`);
    return { key: this.key().deserialize(topic, data.subarray(0, at), headers), window: { start: readTime(data, at + 8), end: readTime(data, at) } };
  }

  withDefaults(defaultKey: Serde<unknown> | undefined): WindowedSerde<K> {
    const inner = resolveInner(this.inner, defaultKey);
    return inner === this.inner ? this : new SessionWindowedSerde(inner);
  }
}

/** The inner serde itself, with the defaults resolved inside it too. The default key serde stands in untyped, as every default does. */
function resolveInner<K>(inner: Serde<K> | null, defaultKey: Serde<unknown> | undefined): Serde<K> | null {
  if (inner === null) return (defaultKey as Serde<K> | undefined) ?? null;
  return inner.withDefaults?.(defaultKey, undefined) ?? inner;
}

function withoutSuffix(item: PrepareItem, suffix: number): PrepareItem {
  return { topic: item.topic, data: item.data.subarray(0, Math.max(0, item.data.length - suffix)) };
}

function writeTime(out: Buffer, time: number, at: number): void {
  const high = Math.floor(time / TWO_32);
  out.writeInt32BE(high, at);
  out.writeUInt32BE(time - high * TWO_32, at + 4);
}

function readTime(data: Buffer, at: number): number {
  return data.readInt32BE(at) * TWO_32 + data.readUInt32BE(at + 4);
}

import { StateStoreError } from '../../errors.ts';
import { NO_HEADERS } from '../../processor/headers.ts';
import type { RecordContext } from '../../processor/record-context.ts';
import type { Serde } from '../../serdes/serde.ts';
import { keyId, writeInt64 } from '../bytes.ts';
import type { ChangeLike, EvictionCallback, TimeOrderedChangeBuffer } from '../contract/special-stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { ValueAndTimestamp } from '../contract/values.ts';
import type { StoreShape } from '../engine/engine.ts';
import { type SortedEntry, SortedMap } from '../engine/sorted-map.ts';
import { EngineStore } from '../engine-store.ts';
import type { Deadline, FrozenStore } from '../task/managed-store.ts';
import { contextSize, decodeBufferValue, encodeBufferValue } from './buffer-value.ts';
import { JavaHashOrder } from './java-hash-order.ts';

/** Records logged between two looks at the clock. */
const STRETCH = 16;
const VERSION = Object.freeze([Object.freeze(['v', Buffer.from([3])] as const)]);

/** One buffered key; replaced, never changed, so that an abort can put back what was there. */
class Buffered<V> implements SortedEntry {
  /** Place in the buffer: time, then key. */
  readonly id: string;
  born = 0;
  readonly keyString: string;
  readonly keyBytes: Buffer;
  readonly time: number;
  readonly prior: V | null;
  readonly change: ChangeLike<V>;
  readonly context: RecordContext;
  readonly priorBytes: Buffer | null;
  readonly oldBytes: Buffer | null;
  readonly newBytes: Buffer | null;
  /** As Java counts it: an old value that equals the prior one is one array there. */
  readonly size: number;

  constructor(
    keyString: string,
    keyBytes: Buffer,
    time: number,
    prior: V | null,
    change: ChangeLike<V>,
    context: RecordContext,
    bytes: readonly [Buffer | null, Buffer | null, Buffer | null],
  ) {
    this.id = placeOf(time, keyString);
    this.keyString = keyString;
    this.keyBytes = keyBytes;
    this.time = time;
    this.prior = prior;
    this.change = change;
    this.context = context;
    const [before, old, fresh] = bytes;
    this.priorBytes = before;
    this.oldBytes = old;
    this.newBytes = fresh;
    const sameAsPrior = old !== null && before !== null && (old === before || old.equals(before));
    this.size = 8 + keyBytes.length + lengthOf(before) + (sameAsPrior ? 0 : lengthOf(old)) + lengthOf(fresh) + contextSize(context);
  }
}

type Undo<V> = Map<string, Buffered<V> | null>;

/** The buffer behind `suppress`; see {@link TimeOrderedChangeBuffer}. Kept in memory, and restored from its changelog. */
export class SuppressBuffer<K, V> extends EngineStore<K, V> implements TimeOrderedChangeBuffer<K, V> {
  readonly #byKey = new Map<string, Buffered<V>>();
  readonly #sorted = new SortedMap<Buffered<V>>();
  /** Keys to be logged at the next flush, in the order in which they changed first. */
  readonly #unlogged = new Map<string, Buffer>();
  readonly #logOrder = new JavaHashOrder();
  /** Of a log that is being written: what is left of it. */
  #logging: Iterator<[string, Buffer]> | null = null;
  /** What each key held before the interval; and the same of frozen intervals, oldest first. */
  #undo: Undo<V> = new Map();
  #frozen: Undo<V>[] = [];
  #keySerde!: Serde<K>;
  #valueSerde!: Serde<V>;
  #size = 0;

  put(time: number, key: K, change: ChangeLike<V>, context: RecordContext): void {
    this.requireKey(key);
    const bytes = this.#keySerde.serialize(this.topic, key);
    const id = keyId(bytes);
    const before = this.#byKey.get(id);
    const oldBytes = this.#encode(change.oldValue);
    const values = [before === undefined ? oldBytes : before.priorBytes, oldBytes, this.#encode(change.newValue)] as const;
    this.#set(id, new Buffered(id, bytes, before?.time ?? time, before === undefined ? change.oldValue : before.prior, change, context, values));
    if (this.settings.logging) this.#unlogged.set(id, bytes);
  }

  evictWhile(predicate: () => boolean, callback: EvictionCallback<K, ChangeLike<V>>): void {
    while (predicate()) {
      const entry = this.#sorted.after(null, true);
      if (entry === undefined) return;
      this.#set(entry.keyString, null);
      if (this.settings.logging) this.#unlogged.set(entry.keyString, entry.keyBytes);
      callback(this.#keySerde.deserialize(this.topic, entry.keyBytes), entry.change, entry.context);
    }
  }

  priorValue(key: K): ValueAndTimestamp<V> | null | undefined {
    const entry = this.#byKey.get(keyId(this.#keySerde.serialize(this.topic, key)));
    if (entry === undefined) return undefined;
    return entry.prior === null ? null : { value: entry.prior, timestamp: -1 };
  }

  get numRecords(): number {
    return this.#byKey.size;
  }

  get bufferSize(): number {
    return this.#size;
  }

  get minTimestamp(): number {
    return this.#sorted.size === 0 ? Number.MAX_SAFE_INTEGER : (this.#sorted.after(null, true) as Buffered<V>).time;
  }

  get activeBytes(): number {
    return 0;
  }

  /** Writes the changelog: after the caches, whose flushes still change the buffer. */
  flushLog(deadline: Deadline): boolean {
    if (this.#unlogged.size === 0) return true;
    this.#logging ??= this.#logOrder.order([...this.#unlogged], ([, keyBytes]) => keyBytes)[Symbol.iterator]();
    let stretch = STRETCH;
    for (let next = this.#logging.next(); !next.done; next = this.#logging.next()) {
      this.#log(...next.value);
      if (--stretch > 0) continue;
      if (deadline()) return false;
      stretch = STRETCH;
    }
    this.#logged();
    return true;
  }

  freeze(): FrozenStore | null {
    if (this.#undo.size === 0) return null;
    const undo = this.#undo;
    this.#undo = new Map();
    this.#frozen.push(undo);
    return {
      bytes: 0,
      write: () => true,
      applied: () => {
        this.#frozen = this.#frozen.filter((other) => other !== undo);
      },
      // `discard` takes all of them back, newest first.
      dropped: () => {},
    };
  }

  discard(): void {
    for (const undo of [this.#undo, ...this.#frozen.reverse()]) for (const [id, before] of undo) this.#replace(id, before);
    this.#undo = new Map();
    this.#frozen = [];
    this.#logged();
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const record of records) {
      const id = keyId(record.key);
      if (record.value === null) {
        this.#replace(id, null);
        continue;
      }
      let decoded: ReturnType<typeof decodeBufferValue>;
      try {
        decoded = decodeBufferValue(record.value);
      } catch (cause) {
        throw new StateStoreError('the changelog of a suppress buffer cannot be read: it was written by Kafka Streams before 2.4, or by something else', {
          store: this.name,
          topic: this.topic,
          offset: record.offset,
          cause,
        });
      }
      const { value, time } = decoded;
      const change = { oldValue: this.#decode(value.old), newValue: this.#decode(value.new), isLatest: true };
      // The record's own time: a key that has left and come back within an interval is logged once, at its new place.
      this.#replace(id, new Buffered(id, record.key, time, this.#decode(value.prior), change, value.context, [value.prior, value.old, value.new]));
    }
  }

  cleared(): void {
    this.#byKey.clear();
    this.#sorted.clear();
    this.#logged();
    this.#undo = new Map();
    this.#frozen = [];
    this.#size = 0;
  }

  protected shape(): StoreShape {
    return { kind: 'suppress', segmentInterval: 0, keySuffix: 0, timeOrdered: false };
  }

  protected attached(): void {}

  protected useSerdes(key: Serde<K>, value: Serde<V>): void {
    this.#keySerde = key;
    this.#valueSerde = value;
  }

  #log(id: string, bytes: Buffer): void {
    const entry = this.#byKey.get(id);
    if (entry === undefined) {
      this.context.logChange(this.name, bytes, null, null, NO_HEADERS);
      return;
    }
    const value = encodeBufferValue({ context: entry.context, prior: entry.priorBytes, old: entry.oldBytes, new: entry.newBytes }, entry.time);
    this.context.logChange(this.name, bytes, value, null, VERSION);
  }

  #logged(): void {
    this.#unlogged.clear();
    this.#logging = null;
  }

  #set(id: string, entry: Buffered<V> | null): void {
    if (!this.#undo.has(id)) this.#undo.set(id, this.#byKey.get(id) ?? null);
    this.#replace(id, entry);
  }

  #replace(id: string, entry: Buffered<V> | null): void {
    const before = this.#byKey.get(id);
    if (before !== undefined) {
      this.#size -= before.size;
      this.#sorted.delete(before.id);
      this.#byKey.delete(id);
    }
    if (entry === null) return;
    this.#size += entry.size;
    this.#byKey.set(id, entry);
    this.#sorted.set(entry);
  }

  #encode(value: V | null): Buffer | null {
    return value === null ? null : this.#valueSerde.serialize(this.topic, value);
  }

  #decode(bytes: Buffer | null): V | null {
    return bytes === null ? null : this.#valueSerde.deserialize(this.topic, bytes);
  }
}

function lengthOf(bytes: Buffer | null): number {
  return bytes === null ? 0 : bytes.length;
}

const timeBytes = Buffer.allocUnsafe(8);
let lastTime = Number.NaN;
let lastPrefix = '';

/** Results of one window have one time: its bytes are made once. */
function placeOf(time: number, key: string): string {
  if (time !== lastTime) {
    writeInt64(timeBytes, time, 0);
    lastPrefix = keyId(timeBytes);
    lastTime = time;
  }
  return lastPrefix + key;
}

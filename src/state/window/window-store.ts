import type { Windowed } from '../../processor/windowed.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { StoredRow, StoredValue } from '../buffer/buffered-table.ts';
import { SegmentedTable } from '../buffer/segmented-table.ts';
import { keyId, writeInt64 } from '../bytes.ts';
import type { StoreKind } from '../contract/builder.ts';
import type { StateStoreContext } from '../contract/context.ts';
import type { StoreIterator, WindowStore } from '../contract/stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { Engine, StoreShape } from '../engine/engine.ts';
import { EngineStore, type StoreSettings } from '../engine-store.ts';
import type { FrozenStore } from '../task/managed-store.ts';
import type { ValueCodec } from '../value-codec.ts';
import { baseKey, baseKeyWithin, hasBaseKey, MAX_SEQUENCE, sequenceOf, upperBound, WINDOW_SUFFIX, windowKey, windowStartOf } from './window-key.ts';

export interface WindowSettings<K, V, T> extends StoreSettings<K, V> {
  readonly kind: StoreKind;
  readonly codec: (serde: Serde<V>) => ValueCodec<V, T>;
  readonly windowSize: number;
  readonly retention: number;
  /** Milliseconds a segment; memory always uses 1. */
  readonly segmentInterval: number;
  /** Every put of a window and key is kept, apart by a sequence number. */
  readonly retainDuplicates: boolean;
  /** Milliseconds that a store with a cache holds windows beyond the retention. */
  readonly slack: number;
  /** Multi-key reads come in the order of time, then key. Memory's always do. */
  readonly timeOrdered: boolean;
}

/** A window store without a record cache. */
export class EngineWindowStore<K, V, T> extends EngineStore<K, V> implements WindowStore<K, T> {
  readonly windowSize: number;
  readonly retentionPeriod: number;
  protected readonly windows: WindowSettings<K, V, T>;
  protected table!: SegmentedTable;
  protected keySerde!: Serde<K>;
  protected codec!: ValueCodec<V, T>;
  #sequence = 0;

  constructor(settings: WindowSettings<K, V, T>) {
    super(settings);
    this.windows = settings;
    this.windowSize = settings.windowSize;
    this.retentionPeriod = settings.retention;
  }

  put(key: K, value: T | null, windowStart: number): void {
    this.requireKey(key);
    this.write(this.keySerde.serialize(this.topic, key), value, windowStart);
  }

  fetch(key: K, windowStart: number): T | null {
    this.requireKey(key);
    if (windowStart < this.minLive) return null;
    const bytes = this.keySerde.serialize(this.topic, key);
    if (this.windows.retainDuplicates) {
      for (const [, value] of this.fetchBytes(bytes, windowStart, windowStart, false)) return value;
      return null;
    }
    return this.read(bytes, windowStart);
  }

  fetchRange(key: K, from: number, to: number): StoreIterator<[number, T]> {
    this.requireKey(key);
    return this.fetchBytes(this.keySerde.serialize(this.topic, key), from, to, false);
  }

  backwardFetchRange(key: K, from: number, to: number): StoreIterator<[number, T]> {
    this.requireKey(key);
    return this.fetchBytes(this.keySerde.serialize(this.topic, key), from, to, true);
  }

  fetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, T]> {
    return this.fetchMany(keyFrom, keyTo, from, to, false);
  }

  backwardFetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, T]> {
    return this.fetchMany(keyFrom, keyTo, from, to, true);
  }

  fetchAll(from: number, to: number): StoreIterator<[Windowed<K>, T]> {
    if (this.table.seesPast) return this.scanMany(null, null, from, to, false);
    return this.fetchMany(null, null, from, to, false);
  }

  backwardFetchAll(from: number, to: number): StoreIterator<[Windowed<K>, T]> {
    return this.fetchMany(null, null, from, to, true);
  }

  all(): StoreIterator<[Windowed<K>, T]> {
    return this.fetchMany(null, null, 0, Number.POSITIVE_INFINITY, false);
  }

  backwardAll(): StoreIterator<[Windowed<K>, T]> {
    return this.fetchMany(null, null, 0, Number.POSITIVE_INFINITY, true);
  }

  /** A store of closed windows keeps, past its retention, the windows that start at this time or later: they are still to be sent. */
  keepFrom(time: number): void {
    this.table.keepFrom = time;
  }

  get activeBytes(): number {
    return this.table.activeBytes;
  }

  freeze(): FrozenStore | null {
    const sequence = this.#sequence;
    return this.table.freeze(() => {
      if (this.windows.retainDuplicates) this.engine.setFact(this.name, 'sequence', String(sequence));
    });
  }

  discard(): void {
    this.table.discard();
    this.#sequence = this.#storedSequence();
    this.forget();
  }

  restore(records: readonly ChangelogRecord[]): void {
    const table = this.table;
    for (const record of records) {
      // A null among duplicates has put nothing, and has not moved the clock.
      if (record.value !== null || !this.windows.retainDuplicates) table.observe(windowStartOf(record.key));
    }
    for (const record of records) {
      const key = record.key;
      const target = table.restoreTable(windowStartOf(key));
      if (target === undefined) continue;
      if (record.value === null) target.engineTable.delete(keyId(key), key);
      else target.engineTable.put(keyId(key), key, this.codec.restore(record), this.codec.restoreTimestamp(record), undefined);
      if (this.windows.retainDuplicates) this.#sequence = Math.max(this.#sequence, sequenceOf(key));
    }
    table.restored();
    if (this.windows.retainDuplicates) this.engine.setFact(this.name, 'sequence', String(this.#sequence));
    this.forget();
  }

  cleared(): void {
    this.table.clear();
    this.#sequence = 0;
    this.forget();
  }

  /** Without a cache nothing is read past the retention. */
  protected get slack(): number {
    return 0;
  }

  protected shape(): StoreShape {
    return { kind: this.windows.kind, segmentInterval: this.#interval(), keySuffix: WINDOW_SUFFIX, timeOrdered: this.windows.timeOrdered };
  }

  /** Start of the oldest window that reads still see. A store ordered by time keeps it a millisecond longer, as in Java: without grace a window closes exactly then. */
  protected get minLive(): number {
    return this.windows.timeOrdered && (this.persistent || this.table.keepFrom !== Number.POSITIVE_INFINITY) ? this.table.reach - 1 : this.table.reach;
  }

  protected attached(engine: Engine): void {
    this.table = new SegmentedTable(engine, this.name, this.#interval(), this.retentionPeriod, this.slack);
    this.#sequence = this.#storedSequence();
  }

  protected override configure(context: StateStoreContext): void {
    if (!this.windows.timeOrdered || context.config('keepUnsentWindows') !== true) return;
    this.table.seesPast = true;
    this.table.keepFrom = 0;
  }

  protected useSerdes(key: Serde<K>, value: Serde<V>): void {
    this.keySerde = key;
    this.codec = this.windows.codec(value);
  }

  /** Returns the size of the encoded value. `dropped`: it counts as past the retention; by default when it is not kept. */
  protected write(keyBytes: Buffer, value: T | null, windowStart: number, dropped?: boolean): number {
    const context = this.context;
    const codec = this.codec;
    const duplicates = this.windows.retainDuplicates;
    if (duplicates) this.#sequence = (this.#sequence + 1) & MAX_SEQUENCE;
    const bytes = windowKey(keyBytes, windowStart, duplicates ? this.#sequence : 0);
    const encoded = value === null ? null : codec.encode(this.topic, value);
    // Duplicates cannot be deleted one by one: a null is only logged, as in Java.
    if (!(duplicates && value === null)) {
      const kept = this.table.put(windowStart, keyId(bytes), bytes, encoded, value === null ? 0 : codec.timestamp(value), value ?? undefined);
      if (dropped ?? !kept) this.#dropped();
    } else if (!this.persistent) {
      // Java's stores in memory count such a null all the same, those on disk do not.
      if (windowStart < this.table.minLive) this.#dropped();
    }
    if (this.settings.logging) {
      const record = context.recordContext;
      context.logChange(
        this.name,
        bytes,
        encoded === null ? null : codec.logValue(encoded),
        codec.logTimestamp(value, record),
        codec.logHeaders(value, record),
      );
    }
    return encoded === null ? 0 : encoded.length;
  }

  /** Does not look at the retention. */
  protected read(keyBytes: Buffer, windowStart: number): T | null {
    const bytes = windowKey(keyBytes, windowStart, 0);
    const row = this.table.get(windowStart, keyId(bytes), bytes);
    return row === null ? null : this.decode(row);
  }

  protected decode(row: StoredValue): T {
    if (row.object !== undefined) return row.object as T;
    const value = this.codec.decode(this.topic, row.value, row.timestamp);
    row.object = value;
    return value;
  }

  protected fetchBytes(key: Buffer, from: number, to: number, reverse: boolean): StoreIterator<[number, T]> {
    const first = Math.max(from, this.minLive, 0);
    if (to < first) return [][Symbol.iterator]();
    const low = windowKey(key, first, 0);
    const high = windowKey(key, to, MAX_SEQUENCE);
    const rows = this.table.ofKey(first, to, keyId(key), low, high);
    if (rows !== null) return this.#ofKey((reverse ? rows.reverse() : rows)[Symbol.iterator](), key, first, to);
    return this.#ofKey(this.table.scan(first, to, low, high, reverse), key, first, to);
  }

  protected fetchMany(keyFrom: K | null, keyTo: K | null, from: number, to: number, reverse: boolean): StoreIterator<[Windowed<K>, T]> {
    const low = keyFrom === null ? null : this.keySerde.serialize(this.topic, keyFrom);
    const high = keyTo === null ? null : this.keySerde.serialize(this.topic, keyTo);
    const first = Math.max(from, this.minLive);
    if (to < first || (low !== null && high !== null && low.compare(high) > 0)) return [][Symbol.iterator]();
    return this.scanMany(low, high, first, to, reverse);
  }

  protected scanMany(low: Buffer | null, high: Buffer | null, from: number, to: number, reverse: boolean): StoreIterator<[Windowed<K>, T]> {
    return this.#typed(this.rows(low, high, from, to, reverse));
  }

  /** Rows of the keys and times, in the store's order. */
  protected rows(low: Buffer | null, high: Buffer | null, from: number, to: number, reverse: boolean): IterableIterator<StoredRow> {
    const rows =
      this.windows.timeOrdered && this.persistent && !reverse
        ? this.table.scanBySuffix(from, to, suffix(Math.max(from, 0), 0), suffix(to, MAX_SEQUENCE))
        : this.table.scan(from, to, low, high === null ? null : upperBound(high, suffix(to, MAX_SEQUENCE)), reverse);
    return within(rows, low, high, from, to);
  }

  protected windowed(row: StoredRow): Windowed<K> {
    const start = windowStartOf(row.key);
    return { key: this.keySerde.deserialize(this.topic, baseKey(row.key, WINDOW_SUFFIX)), window: { start, end: start + this.windowSize } };
  }

  *#typed(rows: IterableIterator<StoredRow>): StoreIterator<[Windowed<K>, T]> {
    for (const row of rows) yield [this.windowed(row), this.decode(row)];
  }

  *#ofKey(rows: IterableIterator<StoredRow>, key: Buffer, from: number, to: number): StoreIterator<[number, T]> {
    for (const row of rows) {
      const start = windowStartOf(row.key);
      if (start >= from && start <= to && hasBaseKey(row.key, key, WINDOW_SUFFIX)) yield [start, this.decode(row)];
    }
  }

  #dropped(): void {
    this.context.droppedRecord(`store ${this.name}: a window past the retention of ${this.retentionPeriod} ms`);
  }

  #interval(): number {
    return this.persistent ? this.windows.segmentInterval : 1;
  }

  #storedSequence(): number {
    return Number(this.engine.getFact(this.name, 'sequence') ?? 0);
  }
}

function* within(rows: IterableIterator<StoredRow>, low: Buffer | null, high: Buffer | null, from: number, to: number): IterableIterator<StoredRow> {
  for (const row of rows) {
    const start = windowStartOf(row.key);
    if (start >= from && start <= to && baseKeyWithin(row.key, WINDOW_SUFFIX, low, high)) yield row;
  }
}

function suffix(start: number, sequence: number): Buffer {
  const result = Buffer.allocUnsafe(WINDOW_SUFFIX);
  writeInt64(result, start, 0);
  result.writeInt32BE(sequence, 8);
  return result;
}

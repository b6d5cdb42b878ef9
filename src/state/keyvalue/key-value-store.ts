import type { Serde } from '../../serdes/serde.ts';
import { BufferedTable, type StoredRow, type StoredValue } from '../buffer/buffered-table.ts';
import { FrozenTables } from '../buffer/frozen-tables.ts';
import { keyId, prefixEnd } from '../bytes.ts';
import type { StoreKind } from '../contract/builder.ts';
import type { KeyValueStore, StoreIterator } from '../contract/stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { Engine, StoreShape } from '../engine/engine.ts';
import { EngineStore, type StoreSettings } from '../engine-store.ts';
import type { FrozenStore } from '../task/managed-store.ts';
import type { ValueCodec } from '../value-codec.ts';

export interface KeyValueSettings<K, V, T> extends StoreSettings<K, V> {
  readonly kind: StoreKind;
  readonly codec: (serde: Serde<V>) => ValueCodec<V, T>;
}

/**
 * A key-value store without a record cache: each put is logged to the changelog at once, and waits in the buffer for the commit.
 * `V` is the plain value, `T` what the store holds: V, or V with timestamp (and headers).
 */
export class EngineKeyValueStore<K, V, T> extends EngineStore<K, V> implements KeyValueStore<K, T> {
  protected readonly kv: KeyValueSettings<K, V, T>;
  protected table!: BufferedTable;
  protected keySerde!: Serde<K>;
  protected codec!: ValueCodec<V, T>;

  constructor(settings: KeyValueSettings<K, V, T>) {
    super(settings);
    this.kv = settings;
  }

  /** Whether values have headers. */
  get keepsHeaders(): boolean {
    return this.kv.kind === 'headers-key-value';
  }

  get(key: K): T | null {
    this.requireKey(key);
    const bytes = this.keySerde.serialize(this.topic, key);
    return this.read(keyId(bytes), bytes);
  }

  put(key: K, value: T | null): void {
    this.requireKey(key);
    const bytes = this.keySerde.serialize(this.topic, key);
    this.write(keyId(bytes), bytes, value);
  }

  putIfAbsent(key: K, value: T | null): T | null {
    const before = this.get(key);
    if (before === null) this.put(key, value);
    return before;
  }

  putAll(entries: Iterable<readonly [K, T | null]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  delete(key: K): T | null {
    const before = this.get(key);
    this.put(key, null);
    return before;
  }

  range(from?: K | null, to?: K | null): StoreIterator<[K, T]> {
    return this.scan(this.bound(from), this.bound(to), false);
  }

  reverseRange(from?: K | null, to?: K | null): StoreIterator<[K, T]> {
    return this.scan(this.bound(from), this.bound(to), true);
  }

  all(): StoreIterator<[K, T]> {
    return this.scan(null, null, false);
  }

  reverseAll(): StoreIterator<[K, T]> {
    return this.scan(null, null, true);
  }

  prefixScan<P>(prefix: P, prefixSerde: Serde<P>): StoreIterator<[K, T]> {
    const from = prefixSerde.serialize(this.topic, prefix);
    return this.scan(from, prefixEnd(from), false, true);
  }

  approximateNumEntries(): number {
    return this.table.count();
  }

  get activeBytes(): number {
    return this.table.activeBytes;
  }

  freeze(): FrozenStore | null {
    const layer = this.table.freeze();
    return layer === null ? null : new FrozenTables([{ table: this.table, layer }]);
  }

  discard(): void {
    this.table.discardActive();
    this.forget();
  }

  restore(records: readonly ChangelogRecord[]): void {
    const table = this.table.engineTable;
    for (const record of records) {
      const key = record.key;
      if (record.value === null) table.delete(keyId(key), key);
      else table.put(keyId(key), key, this.codec.restore(record), this.codec.restoreTimestamp(record), undefined);
    }
    this.forget();
  }

  cleared(): void {
    this.table.discardActive();
    this.forget();
  }

  protected shape(): StoreShape {
    return { kind: this.kv.kind, segmentInterval: 0, keySuffix: 0, timeOrdered: false };
  }

  protected attached(engine: Engine): void {
    this.table = new BufferedTable(engine.table(this.name, null));
  }

  protected useSerdes(key: Serde<K>, value: Serde<V>): void {
    this.keySerde = key;
    this.codec = this.kv.codec(value);
  }

  protected read(id: string, bytes: Buffer): T | null {
    const row = this.table.get(id, bytes);
    return row === null ? null : this.decode(row);
  }

  /** Returns the size of the encoded value. */
  protected write(id: string, bytes: Buffer, value: T | null): number {
    const context = this.context;
    const codec = this.codec;
    const encoded = value === null ? null : codec.encode(this.topic, value);
    this.table.put(id, bytes, encoded, value === null ? 0 : codec.timestamp(value), value ?? undefined);
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

  /** The value of a row, decoded once. */
  protected decode(row: StoredValue): T {
    if (row.object !== undefined) return row.object as T;
    const value = this.codec.decode(this.topic, row.value, row.timestamp);
    row.object = value;
    return value;
  }

  protected scan(from: Buffer | null, to: Buffer | null, reverse: boolean, toExclusive = false): StoreIterator<[K, T]> {
    // As Java: a range whose ends are the wrong way round is empty.
    if (from !== null && to !== null && from.compare(to) > 0) return [][Symbol.iterator]();
    return this.#typed(this.table.scan(from, to, reverse, toExclusive));
  }

  *#typed(rows: IterableIterator<StoredRow>): StoreIterator<[K, T]> {
    for (const row of rows) yield [this.keySerde.deserialize(this.topic, row.key), this.decode(row)];
  }

  protected bound(key: K | null | undefined): Buffer | null {
    return key === null || key === undefined ? null : this.keySerde.serialize(this.topic, key);
  }
}

import { NO_HEADERS } from '../../processor/headers.ts';
import type { Serde } from '../../serdes/serde.ts';
import { BufferedTable, type StoredRow, type StoredValue } from '../buffer/buffered-table.ts';
import { SegmentedTable } from '../buffer/segmented-table.ts';
import { keyId, readInt64, writeInt64 } from '../bytes.ts';
import type { StoreIterator, VersionedKeyValueStore } from '../contract/stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { VersionedRecord } from '../contract/values.ts';
import type { Engine, StoreShape } from '../engine/engine.ts';
import { EngineStore, type StoreSettings } from '../engine-store.ts';
import type { FrozenStore } from '../task/managed-store.ts';
import { baseKey, hasBaseKey } from '../window/window-key.ts';

export interface VersionedSettings<K, V> extends StoreSettings<K, V> {
  readonly historyRetention: number;
  readonly segmentInterval: number;
}

/** What `put` returns when the version is the latest. */
const VALID_TO_UNDEFINED = -1;
/** What `put` returns when the version is older than the history, and was not put. */
const NOT_PUT = Number.MIN_SAFE_INTEGER;
const SUFFIX = 8;
const PRESENT = Buffer.from([1]);
const ABSENT = Buffer.from([0]);

/** A version that is not the latest: valid from `from` until `to`; null: there was no value. */
interface Past {
  readonly from: number;
  readonly to: number;
  readonly row: StoredRow;
}

/**
 * Versions of a key by time. The latest is a row of its own; earlier ones are rows `key | validTo8` in segments of `validTo`, with `validFrom` beside the value, so that the
 * version at a time is the first row of the key that ends after it. A row without a value stands for a deletion; an empty one ([t, t)) marks a deletion that nothing preceded.
 */
export class EngineVersionedStore<K, V> extends EngineStore<K, V> implements VersionedKeyValueStore<K, V> {
  readonly historyRetention: number;
  readonly #segmentInterval: number;
  #latest!: BufferedTable;
  #past!: SegmentedTable;
  #keySerde!: Serde<K>;
  #valueSerde!: Serde<V>;

  constructor(settings: VersionedSettings<K, V>) {
    super(settings);
    this.historyRetention = settings.historyRetention;
    this.#segmentInterval = settings.segmentInterval;
  }

  put(key: K, value: V | null, timestamp: number): number {
    this.requireKey(key);
    const bytes = this.#keySerde.serialize(this.topic, key);
    const encoded = value === null ? null : this.#valueSerde.serialize(this.topic, value);
    const result = this.#put(bytes, encoded, timestamp, value);
    this.#log(bytes, encoded, timestamp);
    return result;
  }

  delete(key: K, timestamp: number): VersionedRecord<V> | null {
    this.requireKey(key);
    const bytes = this.#keySerde.serialize(this.topic, key);
    const before = this.#expired(timestamp) ? null : this.#asOf(bytes, timestamp);
    this.#put(bytes, null, timestamp, null);
    this.#log(bytes, null, timestamp);
    return before;
  }

  get(key: K): VersionedRecord<V> | null {
    this.requireKey(key);
    const bytes = this.#keySerde.serialize(this.topic, key);
    const row = this.#latest.get(keyId(bytes), bytes);
    return row === null ? null : { value: this.#decode(row), timestamp: row.timestamp };
  }

  getAsOf(key: K, asOf: number): VersionedRecord<V> | null {
    this.requireKey(key);
    return this.#asOf(this.#keySerde.serialize(this.topic, key), asOf);
  }

  /** Every version still held, by the keys' bytes and oldest first; those past the history that wait for their segment's end included. */
  *versions(): StoreIterator<[K, VersionedRecord<V>]> {
    const byKey = new Map<string, { bytes: Buffer; past: Past[] }>();
    const of = (bytes: Buffer): { bytes: Buffer; past: Past[] } => {
      const id = keyId(bytes);
      let known = byKey.get(id);
      if (known === undefined) {
        known = { bytes, past: [] };
        byKey.set(id, known);
      }
      return known;
    };
    for (const table of this.#past.allTables()) for (const row of table.scan(null, null, false)) of(baseKey(row.key, SUFFIX)).past.push(pastOf(row));
    for (const row of this.#latest.scan(null, null, false)) of(row.key);
    for (const id of [...byKey.keys()].sort()) {
      const { bytes, past } = byKey.get(id) as { bytes: Buffer; past: Past[] };
      const key = this.#keySerde.deserialize(this.topic, bytes);
      for (const { from, to, row } of past) if (row.value[0] === 1) yield [key, { value: this.#decodePast(row), timestamp: from, validTo: to }];
      const latest = this.#latest.get(id, bytes);
      if (latest !== null) yield [key, { value: this.#decode(latest), timestamp: latest.timestamp }];
    }
  }

  get activeBytes(): number {
    return this.#latest.activeBytes + this.#past.activeBytes;
  }

  freeze(): FrozenStore | null {
    const layer = this.#latest.freeze();
    return this.#past.freeze(() => {}, layer === null ? [] : [{ table: this.#latest, layer }]);
  }

  discard(): void {
    this.#latest.discardActive();
    this.#past.discard();
  }

  restore(records: readonly ChangelogRecord[]): void {
    // Through the buffer, since each put reads what is there; then at once to the engine.
    for (const record of records) this.#put(record.key, record.value, record.timestamp, undefined);
    const frozen = this.freeze();
    frozen?.write(() => false);
    frozen?.applied();
    this.#past.restored();
  }

  cleared(): void {
    this.#latest.discardActive();
    this.#past.clear();
  }

  protected shape(): StoreShape {
    return { kind: 'versioned', segmentInterval: this.#segmentInterval, keySuffix: SUFFIX, timeOrdered: false };
  }

  protected attached(engine: Engine): void {
    this.#latest = new BufferedTable(engine.table(this.name, null));
    this.#past = new SegmentedTable(engine, this.name, this.#segmentInterval, this.historyRetention);
  }

  protected useSerdes(key: Serde<K>, value: Serde<V>): void {
    this.#keySerde = key;
    this.#valueSerde = value;
  }

  #expired(timestamp: number): boolean {
    return timestamp < this.#past.observed - this.historyRetention;
  }

  #put(key: Buffer, value: Buffer | null, timestamp: number, object: V | null | undefined): number {
    if (this.#expired(timestamp)) {
      if (object !== undefined) this.context.droppedRecord(`store ${this.name}: a version past the history of ${this.historyRetention} ms`);
      return NOT_PUT;
    }
    this.#past.observe(timestamp);
    const id = keyId(key);
    const latest = this.#latest.get(id, key);
    if (latest !== null && timestamp >= latest.timestamp) {
      if (timestamp > latest.timestamp) this.#putPast(key, latest.timestamp, timestamp, latest.value);
      this.#latest.put(id, key, value, timestamp, object ?? undefined);
      return VALID_TO_UNDEFINED;
    }
    const next = this.#firstPastAfter(key, timestamp);
    if (next !== null && next.from <= timestamp) {
      // Inside an earlier version: it ends here, and the new one goes on until its end.
      if (next.from < timestamp) this.#putPast(key, next.from, timestamp, next.row.value[0] === 1 ? next.row.value.subarray(1) : null);
      this.#putPast(key, timestamp, next.to, value);
      return next.to;
    }
    const validTo = next?.from ?? latest?.timestamp;
    if (validTo !== undefined) {
      this.#putPast(key, timestamp, validTo, value);
      return validTo;
    }
    if (value !== null) this.#latest.put(id, key, value, timestamp, object ?? undefined);
    else if (!this.#endsAt(key, timestamp)) this.#putPast(key, timestamp, timestamp, null);
    return VALID_TO_UNDEFINED;
  }

  #asOf(key: Buffer, asOf: number): VersionedRecord<V> | null {
    const latest = this.#latest.get(keyId(key), key);
    if (latest !== null && latest.timestamp <= asOf) return { value: this.#decode(latest), timestamp: latest.timestamp };
    if (this.#expired(asOf)) return null;
    const past = this.#firstPastAfter(key, asOf);
    if (past === null || past.from > asOf || past.row.value[0] !== 1) return null;
    return { value: this.#decodePast(past.row), timestamp: past.from };
  }

  /** The earlier version of the key with the lowest end above `timestamp`. */
  #firstPastAfter(key: Buffer, timestamp: number): Past | null {
    const from = pastKey(key, timestamp + 1);
    const to = pastKey(key, Number.POSITIVE_INFINITY);
    for (const table of this.#past.tables(timestamp + 1, Number.POSITIVE_INFINITY, false)) {
      if (table.empty) continue;
      for (const row of table.scan(from, to, false)) if (hasBaseKey(row.key, key, SUFFIX)) return pastOf(row);
    }
    return null;
  }

  #endsAt(key: Buffer, timestamp: number): boolean {
    const bytes = pastKey(key, timestamp);
    return this.#past.get(timestamp, keyId(bytes), bytes) !== null;
  }

  #putPast(key: Buffer, from: number, to: number, value: Buffer | null): void {
    const bytes = pastKey(key, to);
    this.#past.put(to, keyId(bytes), bytes, value === null ? ABSENT : Buffer.concat([PRESENT, value]), from, undefined);
  }

  #log(key: Buffer, value: Buffer | null, timestamp: number): void {
    if (this.settings.logging) this.context.logChange(this.name, key, value, timestamp, NO_HEADERS);
  }

  #decode(row: StoredValue): V {
    row.object ??= this.#valueSerde.deserialize(this.topic, row.value);
    return row.object as V;
  }

  #decodePast(row: StoredValue): V {
    row.object ??= this.#valueSerde.deserialize(this.topic, row.value.subarray(1));
    return row.object as V;
  }
}

function pastKey(key: Buffer, validTo: number): Buffer {
  const result = Buffer.allocUnsafe(key.length + SUFFIX);
  key.copy(result);
  writeInt64(result, validTo, key.length);
  return result;
}

function pastOf(row: StoredRow): Past {
  return { from: row.timestamp, to: readInt64(row.key, row.key.length - SUFFIX), row };
}

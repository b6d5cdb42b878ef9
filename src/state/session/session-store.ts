import type { Windowed } from '../../processor/windowed.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { StoredRow, StoredValue } from '../buffer/buffered-table.ts';
import { SegmentedTable } from '../buffer/segmented-table.ts';
import { keyId } from '../bytes.ts';
import type { StateStoreContext } from '../contract/context.ts';
import type { SessionStore, StoreIterator } from '../contract/stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { Engine, StoreShape } from '../engine/engine.ts';
import { EngineStore, type StoreSettings } from '../engine-store.ts';
import type { FrozenStore } from '../task/managed-store.ts';
import type { ValueCodec } from '../value-codec.ts';
import { baseKey, baseKeyWithin, hasBaseKey, upperBound } from '../window/window-key.ts';
import { SESSION_SUFFIX, sessionEndOf, sessionKey, sessionStartOf } from './session-key.ts';

export interface SessionSettings<K, V> extends StoreSettings<K, V> {
  readonly codec: (serde: Serde<V>) => ValueCodec<V, V>;
  readonly retention: number;
  /** Milliseconds a segment; memory always uses 1. */
  readonly segmentInterval: number;
  /** `findSessionsByEnd` is asked often (emit on window close): rows are also indexed by time. */
  readonly timeOrdered: boolean;
  /** Milliseconds that a store with a cache holds sessions beyond the retention. */
  readonly slack: number;
  /** What leaves the cache has no headers: so it is in Java with `dsl.store.format=headers`. */
  readonly headerless: boolean;
}

/** A session store without a record cache. Sessions belong to the segment of their end. */
export class EngineSessionStore<K, V> extends EngineStore<K, V> implements SessionStore<K, V> {
  readonly retentionPeriod: number;
  protected readonly sessions: SessionSettings<K, V>;
  protected table!: SegmentedTable;
  protected keySerde!: Serde<K>;
  protected codec!: ValueCodec<V, V>;

  constructor(settings: SessionSettings<K, V>) {
    super(settings);
    this.sessions = settings;
    this.retentionPeriod = settings.retention;
  }

  put(session: Windowed<K>, aggregate: V | null): void {
    this.requireKey(session.key);
    this.write(this.keySerde.serialize(this.topic, session.key), session.window.start, session.window.end, aggregate);
  }

  remove(session: Windowed<K>): void {
    this.put(session, null);
  }

  fetchSession(key: K, sessionStart: number, sessionEnd: number): V | null {
    this.requireKey(key);
    if (sessionEnd < this.table.reach) return null;
    return this.read(this.keySerde.serialize(this.topic, key), sessionStart, sessionEnd);
  }

  findSessions(key: K, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return this.findOfKey(key, earliestSessionEnd, latestSessionStart, false);
  }

  backwardFindSessions(key: K, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return this.findOfKey(key, earliestSessionEnd, latestSessionStart, true);
  }

  findSessionsKeys(keyFrom: K | null, keyTo: K | null, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return this.findMany(keyFrom, keyTo, earliestSessionEnd, Number.POSITIVE_INFINITY, latestSessionStart, false);
  }

  backwardFindSessionsKeys(keyFrom: K | null, keyTo: K | null, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return this.findMany(keyFrom, keyTo, earliestSessionEnd, Number.POSITIVE_INFINITY, latestSessionStart, true);
  }

  findSessionsByEnd(earliestSessionEnd: number, latestSessionEnd: number): StoreIterator<[Windowed<K>, V]> {
    // Closed sessions are read by their end even past the retention, as in Java; what is out of reach is only what was dropped with its segment.
    if (this.table.seesPast || (this.sessions.timeOrdered && this.persistent))
      return this.scanMany(null, null, earliestSessionEnd, latestSessionEnd, Number.POSITIVE_INFINITY, false);
    return this.findMany(null, null, earliestSessionEnd, latestSessionEnd, Number.POSITIVE_INFINITY, false);
  }

  fetch(key: K): StoreIterator<[Windowed<K>, V]> {
    return this.findOfKey(key, 0, Number.POSITIVE_INFINITY, false);
  }

  backwardFetch(key: K): StoreIterator<[Windowed<K>, V]> {
    return this.findOfKey(key, 0, Number.POSITIVE_INFINITY, true);
  }

  fetchKeys(keyFrom: K | null, keyTo: K | null): StoreIterator<[Windowed<K>, V]> {
    return this.findMany(keyFrom, keyTo, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, false);
  }

  backwardFetchKeys(keyFrom: K | null, keyTo: K | null): StoreIterator<[Windowed<K>, V]> {
    return this.findMany(keyFrom, keyTo, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, true);
  }

  /** A store of closed sessions keeps, past its retention, the sessions that end at this time or later: they are still to be sent. */
  keepFrom(time: number): void {
    this.table.keepFrom = time;
  }

  get activeBytes(): number {
    return this.table.activeBytes;
  }

  freeze(): FrozenStore | null {
    return this.table.freeze(() => {});
  }

  discard(): void {
    this.table.discard();
    this.forget();
  }

  restore(records: readonly ChangelogRecord[]): void {
    const table = this.table;
    for (const record of records) table.observe(sessionEndOf(record.key));
    for (const record of records) {
      const key = record.key;
      const target = table.restoreTable(sessionEndOf(key));
      if (target === undefined) continue;
      if (record.value === null) target.engineTable.delete(keyId(key), key);
      else target.engineTable.put(keyId(key), key, this.codec.restore(record), 0, undefined);
    }
    table.restored();
    this.forget();
  }

  cleared(): void {
    this.table.clear();
    this.forget();
  }

  /** Without a cache nothing is read past the retention. */
  protected get slack(): number {
    return 0;
  }

  protected shape(): StoreShape {
    return { kind: 'session', segmentInterval: this.#interval(), keySuffix: SESSION_SUFFIX, timeOrdered: this.sessions.timeOrdered };
  }

  protected attached(engine: Engine): void {
    this.table = new SegmentedTable(engine, this.name, this.#interval(), this.retentionPeriod, this.slack);
  }

  protected override configure(context: StateStoreContext): void {
    if (!this.sessions.timeOrdered || context.config('keepUnsentWindows') !== true) return;
    this.table.seesPast = true;
    this.table.keepFrom = 0;
  }

  protected useSerdes(key: Serde<K>, value: Serde<V>): void {
    this.keySerde = key;
    this.codec = this.sessions.codec(value);
  }

  /** Returns the size of the encoded value. `dropped`: it counts as past the retention; by default when it is not kept. */
  protected write(keyBytes: Buffer, start: number, end: number, value: V | null, dropped?: boolean): number {
    const context = this.context;
    const bytes = sessionKey(keyBytes, start, end);
    const encoded = value === null ? null : this.codec.encode(this.topic, value);
    const kept = this.table.put(end, keyId(bytes), bytes, encoded, 0, value ?? undefined);
    if (dropped ?? (!kept && value !== null)) context.droppedRecord(`store ${this.name}: a session past the retention of ${this.retentionPeriod} ms`);
    if (this.settings.logging) {
      const record = context.recordContext;
      context.logChange(
        this.name,
        bytes,
        encoded === null ? null : this.codec.logValue(encoded),
        this.codec.logTimestamp(value, record),
        this.codec.logHeaders(value, record),
      );
    }
    return encoded === null ? 0 : encoded.length;
  }

  /** Does not look at the retention. */
  protected read(keyBytes: Buffer, start: number, end: number): V | null {
    const bytes = sessionKey(keyBytes, start, end);
    const row = this.table.get(end, keyId(bytes), bytes);
    return row === null ? null : this.decode(row);
  }

  protected decode(row: StoredValue): V {
    if (row.object !== undefined) return row.object as V;
    const value = this.codec.decode(this.topic, row.value, row.timestamp);
    row.object = value;
    return value;
  }

  protected findOfKey(key: K, earliestEnd: number, latestStart: number, reverse: boolean): StoreIterator<[Windowed<K>, V]> {
    this.requireKey(key);
    return this.#ofKey(this.rowsOfKey(this.keySerde.serialize(this.topic, key), earliestEnd, latestStart, reverse), key);
  }

  /** Live rows of one key, in the order of (end, start). */
  protected rowsOfKey(key: Buffer, earliestEnd: number, latestStart: number, reverse: boolean): IterableIterator<StoredRow> {
    const first = Math.max(earliestEnd, this.table.reach);
    const low = sessionKey(key, 0, Math.max(0, first));
    const high = sessionKey(key, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const rows = this.table.ofKey(first, Number.POSITIVE_INFINITY, keyId(key), low, high);
    if (rows !== null) {
      const found = rows.filter((row) => hasBaseKey(row.key, key, SESSION_SUFFIX) && sessionStartOf(row.key) <= latestStart);
      return (reverse ? found.reverse() : found)[Symbol.iterator]();
    }
    return ofKey(this.table.scan(first, Number.POSITIVE_INFINITY, low, high, reverse), key, first, latestStart);
  }

  protected findMany(
    keyFrom: K | null,
    keyTo: K | null,
    earliestEnd: number,
    latestEnd: number,
    latestStart: number,
    reverse: boolean,
  ): StoreIterator<[Windowed<K>, V]> {
    const low = keyFrom === null ? null : this.keySerde.serialize(this.topic, keyFrom);
    const high = keyTo === null ? null : this.keySerde.serialize(this.topic, keyTo);
    const first = Math.max(earliestEnd, this.table.reach);
    if (latestEnd < first || (low !== null && high !== null && low.compare(high) > 0)) return [][Symbol.iterator]();
    return this.scanMany(low, high, first, latestEnd, latestStart, reverse);
  }

  protected scanMany(
    low: Buffer | null,
    high: Buffer | null,
    firstEnd: number,
    lastEnd: number,
    latestStart: number,
    reverse: boolean,
  ): StoreIterator<[Windowed<K>, V]> {
    return this.#typed(this.rows(low, high, firstEnd, lastEnd, latestStart, reverse));
  }

  protected rows(
    low: Buffer | null,
    high: Buffer | null,
    firstEnd: number,
    lastEnd: number,
    latestStart: number,
    reverse: boolean,
  ): IterableIterator<StoredRow> {
    const byTime = this.sessions.timeOrdered && this.persistent && low === null && high === null && !reverse;
    const last = sessionKey(EMPTY, Number.POSITIVE_INFINITY, lastEnd);
    const rows = byTime
      ? this.table.scanBySuffix(firstEnd, lastEnd, sessionKey(EMPTY, 0, Math.max(0, firstEnd)), last)
      : this.table.scan(firstEnd, lastEnd, low, high === null ? null : upperBound(high, last), reverse);
    return within(rows, low, high, firstEnd, lastEnd, latestStart);
  }

  protected windowed(row: StoredRow): Windowed<K> {
    return {
      key: this.keySerde.deserialize(this.topic, baseKey(row.key, SESSION_SUFFIX)),
      window: { start: sessionStartOf(row.key), end: sessionEndOf(row.key) },
    };
  }

  *#typed(rows: IterableIterator<StoredRow>): StoreIterator<[Windowed<K>, V]> {
    for (const row of rows) yield [this.windowed(row), this.decode(row)];
  }

  *#ofKey(rows: IterableIterator<StoredRow>, key: K): StoreIterator<[Windowed<K>, V]> {
    for (const row of rows) yield [{ key, window: { start: sessionStartOf(row.key), end: sessionEndOf(row.key) } }, this.decode(row)];
  }

  #interval(): number {
    return this.persistent ? this.sessions.segmentInterval : 1;
  }
}

const EMPTY = Buffer.alloc(0);

function* ofKey(rows: IterableIterator<StoredRow>, key: Buffer, firstEnd: number, latestStart: number): IterableIterator<StoredRow> {
  for (const row of rows) {
    if (hasBaseKey(row.key, key, SESSION_SUFFIX) && sessionEndOf(row.key) >= firstEnd && sessionStartOf(row.key) <= latestStart) yield row;
  }
}

function* within(
  rows: IterableIterator<StoredRow>,
  low: Buffer | null,
  high: Buffer | null,
  firstEnd: number,
  lastEnd: number,
  latestStart: number,
): IterableIterator<StoredRow> {
  for (const row of rows) {
    const end = sessionEndOf(row.key);
    if (end >= firstEnd && end <= lastEnd && sessionStartOf(row.key) <= latestStart && baseKeyWithin(row.key, SESSION_SUFFIX, low, high)) yield row;
  }
}

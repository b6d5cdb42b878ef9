import { keyId } from '../bytes.ts';
import type { Engine } from '../engine/engine.ts';
import { compareIds } from '../engine/sorted-map.ts';
import { BufferedTable, type StoredRow, type StoredValue } from './buffered-table.ts';
import { FrozenTables } from './frozen-tables.ts';
import type { BufferedWrite, WriteLayer } from './write-layer.ts';

/** Beyond these a read of one key goes segment by segment, in pages. */
const MAX_SEGMENTS_AT_ONCE = 64;
const MAX_ROWS_AT_ONCE = 512;

/** Within the retention. */
export const LIVE = 0;
/** Past the retention, though its segment is not. */
export const HIDDEN = 1;
/** Past the retention, with all of its segment. */
export const DROPPED = 2;
export type Pastness = typeof LIVE | typeof HIDDEN | typeof DROPPED;

/**
 * Entries with a time, in segments: each covers `interval` milliseconds and is a table of its own, so that what is past the retention goes by dropping tables.
 * A segment goes only when all of it is past; until then reads hide what is past, to the millisecond. The clock is the highest time put so far.
 *
 * With an interval of 1 (memory) segments are moments, and multi-key reads come in the order of time, then key: that of Kafka Streams' in-memory stores.
 * With longer ones (SQLite) they come segment by segment and in each in the order of key, then time: that of its RocksDB stores.
 */
export class SegmentedTable {
  readonly #engine: Engine;
  readonly #store: string;
  readonly interval: number;
  readonly retention: number;
  /** Milliseconds that entries are held, and seen by reads, beyond the retention: what is above the store may still have to read them. */
  readonly slack: number;
  /** Highest time put; -1 before the first. */
  observed: number;
  /** Scans by time also see what is past, until a commit drops it. */
  seesPast = false;
  /** Entries from this time on stay, however far the clock is: somebody has yet to read them. Infinity: nobody has. */
  keepFrom = Number.POSITIVE_INFINITY;
  readonly #segments = new Map<number, BufferedTable>();
  /** Ascending. */
  #ids: number[];
  /** Those with writes since the last freeze. */
  #dirty: BufferedTable[] = [];
  #committedTime: number;

  constructor(engine: Engine, store: string, interval: number, retention: number, slack = 0) {
    this.#engine = engine;
    this.#store = store;
    this.interval = interval;
    this.retention = retention;
    this.slack = slack;
    this.observed = this.#committedTime = Number(engine.getFact(store, 'stream-time') ?? -1);
    this.#ids = engine.segments(store);
    for (const id of this.#ids) this.#segments.set(id, new BufferedTable(engine.table(store, id)));
  }

  /** The oldest time within the retention. */
  get minLive(): number {
    return this.observed - this.retention + 1;
  }

  /** The oldest time that reads see: `minLive`, but for the slack. */
  get reach(): number {
    return this.observed - this.retention - this.slack + 1;
  }

  /** How a time stands to the retention, whatever the slack. */
  pastness(time: number): Pastness {
    if (time >= this.minLive) return LIVE;
    return this.#segmentOf(time) < this.#segmentOf(this.observed - this.retention + (this.interval === 1 ? 1 : 0)) ? DROPPED : HIDDEN;
  }

  /** No entry at or past this time has been put (below a cache). */
  get end(): number {
    const last = this.#ids[this.#ids.length - 1];
    return last === undefined ? Number.NEGATIVE_INFINITY : (last + 1) * this.interval;
  }

  get activeBytes(): number {
    let bytes = 0;
    for (const table of this.#dirty) bytes += table.activeBytes;
    return bytes;
  }

  /** Set the writes since the last one aside; null when there are none. `finish` runs in the transaction that writes them, with the clock of now; `others` are layers of the store's other tables. */
  freeze(finish: () => void, others: readonly { table: BufferedTable; layer: WriteLayer }[] = []): FrozenTables | null {
    // The clock alone may have moved: by a deletion of what was not there, which the changelog has too.
    if (this.#dirty.length === 0 && others.length === 0 && this.observed === this.#committedTime) return null;
    const layers = [...others, ...this.#dirty.map((table) => ({ table, layer: table.freeze() as WriteLayer }))];
    this.#dirty = [];
    const { observed, keepFrom } = this;
    return new FrozenTables(
      layers,
      () => {
        finish();
        this.#commitTime(observed, keepFrom);
      },
      () => {
        this.#committedTime = observed;
      },
    );
  }

  /** After an abort: the writes since the last freeze go, and the clock is again that of the last commit. */
  discard(): void {
    for (const table of this.#dirty) table.discardActive();
    this.#dirty = [];
    this.observed = this.#committedTime;
  }

  /** Records were restored: the clock is stored with them, inside their transaction. */
  restored(): void {
    this.#commitTime(this.observed, this.keepFrom);
    this.#committedTime = this.observed;
  }

  observe(time: number): void {
    if (time > this.observed) this.observed = time;
  }

  /** False, and nothing kept, when the time is in a segment that is past. */
  put(time: number, id: string, key: Buffer, value: Buffer | null, timestamp: number, object: unknown): boolean {
    this.observe(time);
    const segment = this.#segmentOf(time);
    if (segment < this.#minKeptSegment()) return false;
    const table = value === null ? this.#segments.get(segment) : this.#open(segment);
    if (table === undefined) return true;
    if (!table.dirty) this.#dirty.push(table);
    table.put(id, key, value, timestamp, object);
    return true;
  }

  /** Does not look at the retention. */
  get(time: number, id: string, key: Buffer): StoredValue | null {
    const table = this.#segments.get(this.#segmentOf(time));
    return table === undefined ? null : table.get(id, key);
  }

  /** Rows of the segments that hold times within [fromTime, toTime], each read from key `from` to key `to`. Not filtered by time within a segment. */
  scan(fromTime: number, toTime: number, from: Buffer | null, to: Buffer | null, reverse: boolean): IterableIterator<StoredRow> {
    return chain(this.tables(fromTime, toTime, reverse), (table) => table.scan(from, to, reverse));
  }

  /**
   * Rows of one key, `from` and `to` being `key | suffix`: as scan, all at once, without asking each segment apart. Null when there are too many for that.
   * May hold rows of other keys of the same length or longer.
   */
  ofKey(fromTime: number, toTime: number, baseId: string, from: Buffer, to: Buffer): StoredRow[] | null {
    const suffix = from.length - baseId.length;
    const first = lowerBound(this.#ids, this.#segmentOf(Math.max(fromTime, this.reach)));
    const last = this.#segmentOf(toTime);
    const segments: number[] = [];
    let low = '';
    let high = '';
    let buffered: Map<string, BufferedWrite> | null = null;
    for (let i = first; i < this.#ids.length; i++) {
      const id = this.#ids[i] as number;
      if (id > last) break;
      const table = this.#segments.get(id) as BufferedTable;
      if (table.engineTable.mayHold(baseId)) segments.push(id);
      if (!table.buffering) continue;
      if (buffered === null) {
        low = keyId(from);
        high = keyId(to);
        buffered = new Map();
      }
      table.bufferedOfBase(baseId, suffix, low, high, buffered);
    }
    if (segments.length > MAX_SEGMENTS_AT_ONCE) return null;
    const rows = segments.length === 0 ? [] : this.#engine.rowsOf(this.#store, segments, from, to, MAX_ROWS_AT_ONCE);
    if (rows.length >= MAX_ROWS_AT_ONCE) return null;
    const found: StoredRow[] = [];
    for (const row of rows) {
      const id = keyId(row.key);
      if (buffered?.has(id)) continue;
      found.push({ id, key: row.key, value: row.value, timestamp: row.timestamp, object: row.object });
    }
    if (buffered !== null) for (const write of buffered.values()) if (write.value !== null) found.push(write as StoredRow);
    if (found.length < 2) return found;
    // Of one key: time order is id order, whatever the segments.
    return found.sort((a, b) => compareIds(a.id, b.id));
  }

  /** As scan, but in the order of the keys' last bytes (times), from `from` to `to`. */
  scanBySuffix(fromTime: number, toTime: number, from: Buffer, to: Buffer): IterableIterator<StoredRow> {
    return chain(this.tables(fromTime, toTime, false), (table) => table.scanBySuffix(from, to));
  }

  /** The segments' tables that hold times within [fromTime, toTime]. */
  tables(fromTime: number, toTime: number, reverse: boolean): BufferedTable[] {
    const first = this.#segmentOf(this.seesPast ? fromTime : Math.max(fromTime, this.reach));
    const last = this.#segmentOf(toTime);
    const tables: BufferedTable[] = [];
    for (let i = lowerBound(this.#ids, first); i < this.#ids.length; i++) {
      const id = this.#ids[i] as number;
      if (id > last) break;
      tables.push(this.#segments.get(id) as BufferedTable);
    }
    return reverse ? tables.reverse() : tables;
  }

  /** All segments, past or not, oldest first. */
  allTables(): BufferedTable[] {
    return this.#ids.map((id) => this.#segments.get(id) as BufferedTable);
  }

  /** The table to restore a record of this time into; undefined when it is past. */
  restoreTable(time: number): BufferedTable | undefined {
    const segment = this.#segmentOf(time);
    return segment < this.#minKeptSegment() ? undefined : this.#open(segment);
  }

  /** Inside a transaction: store the clock, and drop the segments that are past at `observed`. */
  #commitTime(observed: number, keepFrom: number): void {
    this.#engine.setFact(this.#store, 'stream-time', String(observed));
    const minLive = this.#segmentOf(Math.min(keepFrom, observed - this.retention - this.slack + (this.interval === 1 ? 1 : 0)));
    let past = 0;
    while (past < this.#ids.length && (this.#ids[past] as number) < minLive) past++;
    if (past === 0) return;
    for (const id of this.#ids.slice(0, past)) {
      this.#engine.dropSegment(this.#store, id);
      this.#segments.delete(id);
    }
    this.#ids = this.#ids.slice(past);
  }

  /** The store's contents were dropped. */
  clear(): void {
    this.#segments.clear();
    this.#ids = [];
    this.#dirty = [];
    this.observed = this.#committedTime = -1;
  }

  #open(segment: number): BufferedTable {
    let table = this.#segments.get(segment);
    if (table === undefined) {
      table = new BufferedTable(this.#engine.table(this.#store, segment));
      this.#segments.set(segment, table);
      this.#ids.splice(lowerBound(this.#ids, segment), 0, segment);
    }
    return table;
  }

  #segmentOf(time: number): number {
    return this.interval === 1 ? time : Math.floor(time / this.interval);
  }

  #minKeptSegment(): number {
    return Math.min(this.#firstSegment(), this.#segmentOf(this.keepFrom));
  }

  #firstSegment(): number {
    // Memory drops to the millisecond, SQLite a segment at a time, as Java's engines do.
    return this.interval === 1 ? this.reach : Math.floor((this.observed - this.retention - this.slack) / this.interval);
  }
}

function* chain(tables: readonly BufferedTable[], scan: (table: BufferedTable) => IterableIterator<StoredRow>): IterableIterator<StoredRow> {
  for (const table of tables) yield* scan(table);
}

function lowerBound(ids: readonly number[], id: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] as number) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

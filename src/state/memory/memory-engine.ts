import { StateStoreError } from '../../errors.ts';
import { keyId } from '../bytes.ts';
import type { Engine, EngineTable, PageRequest, Row, StoreShape } from '../engine/engine.ts';
import { compareIds, type SortedEntry, SortedMap } from '../engine/sorted-map.ts';

/** Holds committed entries in memory. Everything is gone at `close`: its stores are restored from their changelogs. */
export class MemoryEngine implements Engine {
  readonly persistent = false;
  inTransaction = false;
  readonly #stores = new Map<string, { shape: StoreShape; tables: Map<number | null, MemoryTable> }>();
  readonly #facts = new Map<string, string>();
  readonly #objects: ObjectsEpoch = { current: 0 };

  /** Decoded values are read from their bytes again: somebody may have changed them in place in an interval that was aborted. */
  forgetObjects(): void {
    this.#objects.current++;
  }

  begin(): void {
    this.inTransaction = true;
  }

  commit(): void {
    this.inTransaction = false;
  }

  /** Memory writes cannot fail half-way (a thrown RangeError ends the task, and its memory with it), so there is nothing to take back. */
  rollback(): void {
    this.inTransaction = false;
  }

  openStore(store: string, shape: StoreShape): boolean {
    this.#stores.set(store, { shape, tables: new Map() });
    return false;
  }

  table(store: string, segment: number | null): EngineTable {
    const known = this.#store(store);
    let table = known.tables.get(segment);
    if (table === undefined) {
      table = new MemoryTable(known.shape.keySuffix, this.#objects);
      known.tables.set(segment, table);
    }
    return table;
  }

  segments(store: string): number[] {
    const result: number[] = [];
    for (const [segment, table] of this.#store(store).tables) if (segment !== null && !table.empty) result.push(segment);
    return result.sort((a, b) => a - b);
  }

  rowsOf(store: string, segments: readonly number[], from: Buffer, to: Buffer, limit: number): Row[] {
    const { tables } = this.#store(store);
    const rows: Row[] = [];
    for (const segment of segments) {
      const page = tables.get(segment)?.page({ from, fromExclusive: false, to, toExclusive: false, reverse: false, limit: limit - rows.length });
      if (page !== undefined) rows.push(...page);
      if (rows.length >= limit) break;
    }
    return rows;
  }

  dropSegment(store: string, segment: number): void {
    this.#store(store).tables.delete(segment);
  }

  clearStore(store: string): void {
    // The tables themselves are emptied: stores hold on to them.
    for (const table of this.#store(store).tables.values()) table.clear();
    for (const key of [...this.#facts.keys()]) if (key.startsWith(`${store}\0`)) this.#facts.delete(key);
  }

  getFact(store: string, key: string): string | undefined {
    return this.#facts.get(`${store}\0${key}`);
  }

  setFact(store: string, key: string, value: string): void {
    this.#facts.set(`${store}\0${key}`, value);
  }

  close(): void {
    this.#stores.clear();
    this.#facts.clear();
  }

  #store(name: string): { shape: StoreShape; tables: Map<number | null, MemoryTable> } {
    const store = this.#stores.get(name);
    if (store === undefined) throw new StateStoreError('the store is not open in the memory engine', { store: name });
    return store;
  }
}

/** Objects of rows that were made in another epoch are not used any more. */
interface ObjectsEpoch {
  current: number;
}

class MemoryRow implements Row, SortedEntry {
  readonly id: string;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly timestamp: number;
  object: unknown;
  epoch: number;
  born = 0;

  constructor(id: string, key: Buffer, value: Buffer, timestamp: number, object: unknown, epoch: number) {
    this.id = id;
    this.key = key;
    this.value = value;
    this.timestamp = timestamp;
    this.object = object;
    this.epoch = epoch;
  }
}

class MemoryTable implements EngineTable {
  readonly #rows = new SortedMap<MemoryRow>();
  readonly #keySuffix: number;
  readonly #objects: ObjectsEpoch;

  constructor(keySuffix: number, objects: ObjectsEpoch) {
    this.#keySuffix = keySuffix;
    this.#objects = objects;
  }

  get empty(): boolean {
    return this.#rows.size === 0;
  }

  mayHold(): boolean {
    return this.#rows.size > 0;
  }

  get(id: string): Row | null {
    const row = this.#rows.get(id);
    return row === undefined ? null : this.#current(row);
  }

  page(request: PageRequest): Row[] {
    const rows: Row[] = [];
    const map = this.#rows;
    const from = request.from === null ? null : keyId(request.from);
    const to = request.to === null ? null : keyId(request.to);
    let row = request.reverse ? map.before(to, !request.toExclusive) : map.after(from, !request.fromExclusive);
    while (row !== undefined && rows.length < request.limit) {
      if (
        request.reverse
          ? from !== null && (row.id < from || (request.fromExclusive && row.id === from))
          : to !== null && (row.id > to || (request.toExclusive && row.id === to))
      )
        break;
      rows.push(this.#current(row));
      row = request.reverse ? map.before(row.id, false) : map.after(row.id, false);
    }
    return rows;
  }

  pageBySuffix(from: Buffer, to: Buffer, after: Buffer | null, limit: number): Row[] {
    const length = this.#keySuffix;
    const low = keyId(from);
    const high = keyId(to);
    const last = after === null ? null : keyId(after);
    const order = (row: MemoryRow | string): string => {
      const id = typeof row === 'string' ? row : row.id;
      return id.slice(id.length - length) + id;
    };
    const rows: MemoryRow[] = [];
    for (const row of this.#rows.values()) {
      const suffix = row.id.slice(row.id.length - length);
      if (suffix >= low && suffix <= high && (last === null || order(row) > order(last))) rows.push(this.#current(row));
    }
    return rows.sort((a, b) => compareIds(order(a), order(b))).slice(0, limit);
  }

  put(id: string, key: Buffer, value: Buffer, timestamp: number, object: unknown): void {
    this.#rows.set(new MemoryRow(id, key, value, timestamp, object, this.#objects.current));
  }

  delete(id: string): void {
    this.#rows.delete(id);
  }

  count(): number {
    return this.#rows.size;
  }

  clear(): void {
    this.#rows.clear();
  }

  #current(row: MemoryRow): MemoryRow {
    if (row.epoch !== this.#objects.current) {
      row.object = undefined;
      row.epoch = this.#objects.current;
    }
    return row;
  }
}

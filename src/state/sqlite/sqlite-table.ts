import type Database from 'better-sqlite3';
import type { EngineTable, PageRequest, Row } from '../engine/engine.ts';
import { KeyFilter } from '../engine/key-filter.ts';

/** The engine, as one of its tables sees it. */
export interface TableOwner {
  /** Make the table: called before the first write when it does not exist. */
  create(table: SqliteTable): void;
  /** The error to throw for one of SQLite's. Writes throw SQLite's own: whoever has begun the transaction describes it. */
  failure(cause: unknown): unknown;
}

/**
 * A table `(k BLOB PRIMARY KEY, v BLOB, t INTEGER) WITHOUT ROWID`. BLOBs compare as unsigned bytes, so the primary key's order is that of the keys' bytes.
 * Statements are prepared at their first use and kept: one execution costs about 4 µs, nearly all of it the way into SQLite.
 */
export class SqliteTable implements EngineTable {
  readonly #db: Database.Database;
  readonly #name: string;
  readonly #keySuffix: number;
  readonly #owner: TableOwner;
  #exists: boolean;
  /** Of all keys put; null when some were put before this process opened the file. */
  #filter: KeyFilter | null;
  #get: Database.Statement<[Buffer]> | null = null;
  #put: Database.Statement<[Buffer, Buffer, number]> | null = null;
  #delete: Database.Statement<[Buffer]> | null = null;
  /**
   * Page statements by their shape (one bit for each of lower bound, its exclusion, upper bound, its exclusion, and the order) and limit.
   * The limit is part of the text: SQLite plans a statement anew each time a bound LIMIT changes hands, which doubles the cost of a short read.
   */
  readonly #pages = new Map<number, Database.Statement<unknown[]>>();

  constructor(db: Database.Database, name: string, keySuffix: number, exists: boolean, owner: TableOwner) {
    this.#db = db;
    this.#name = name;
    this.#keySuffix = keySuffix;
    this.#owner = owner;
    this.#exists = exists;
    this.#filter = exists ? null : new KeyFilter();
  }

  get empty(): boolean {
    return !this.#exists;
  }

  mayHold(baseId: string): boolean {
    return this.#exists && (this.#filter === null || this.#filter.mayHold(baseId, baseId.length));
  }

  get(id: string, key: Buffer): Row | null {
    if (!this.#exists || (this.#filter !== null && !this.#filter.mayHold(id, id.length - this.#keySuffix))) return null;
    let row: [Buffer, number] | undefined;
    try {
      this.#get ??= this.#db.prepare<[Buffer]>(`SELECT v, t FROM ${this.#name} WHERE k = ?`).raw();
      row = this.#get.get(key) as [Buffer, number] | undefined;
    } catch (cause) {
      throw this.#owner.failure(cause);
    }
    return row === undefined ? null : { key, value: row[0], timestamp: row[1], object: undefined };
  }

  page(request: PageRequest): Row[] {
    if (!this.#exists) return [];
    try {
      return this.#page(request);
    } catch (cause) {
      throw this.#owner.failure(cause);
    }
  }

  #page(request: PageRequest): Row[] {
    const { from, to, fromExclusive, toExclusive, reverse, limit } = request;
    const shape = (from === null ? 0 : fromExclusive ? 3 : 1) | (to === null ? 0 : toExclusive ? 12 : 4) | (reverse ? 16 : 0);
    let statement = this.#pages.get(shape + limit * 32);
    if (statement === undefined) {
      const bounds = [];
      if (from !== null) bounds.push(fromExclusive ? 'k > ?' : 'k >= ?');
      if (to !== null) bounds.push(toExclusive ? 'k < ?' : 'k <= ?');
      const where = bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`;
      statement = this.#db.prepare<unknown[]>(`SELECT k, v, t FROM ${this.#name}${where} ORDER BY k${reverse ? ' DESC' : ''} LIMIT ${limit}`).raw();
      this.#pages.set(shape + limit * 32, statement);
    }
    const rows = from === null ? (to === null ? statement.all() : statement.all(to)) : to === null ? statement.all(from) : statement.all(from, to);
    return toRows(rows as RawRow[]);
  }

  pageBySuffix(from: Buffer, to: Buffer, after: Buffer | null, limit: number): Row[] {
    if (!this.#exists) return [];
    const suffix = `substr(k, -${this.#keySuffix})`;
    const place = -1 - limit * 2 - (after === null ? 0 : 1);
    const sql = `SELECT k, v, t FROM ${this.#name} WHERE ${after === null ? `${suffix} >= ?` : `(${suffix}, k) > (?, ?)`} AND ${suffix} <= ? ORDER BY ${suffix}, k LIMIT ${limit}`;
    try {
      let statement = this.#pages.get(place);
      if (statement === undefined) {
        statement = this.#db.prepare<unknown[]>(sql).raw();
        this.#pages.set(place, statement);
      }
      return toRows((after === null ? statement.all(from, to) : statement.all(after.subarray(after.length - this.#keySuffix), after, to)) as RawRow[]);
    } catch (cause) {
      throw this.#owner.failure(cause);
    }
  }

  put(id: string, key: Buffer, value: Buffer, timestamp: number): void {
    if (this.#filter !== null) this.#filter.add(id, id.length - this.#keySuffix);
    if (!this.#exists) {
      this.#owner.create(this);
      this.#exists = true;
    }
    // Not ON CONFLICT DO UPDATE: that costs a sixth more, for new rows and for old ones.
    this.#put ??= this.#db.prepare(`REPLACE INTO ${this.#name} (k, v, t) VALUES (?, ?, ?)`);
    this.#put.run(key, value, timestamp);
  }

  delete(_id: string, key: Buffer): void {
    if (!this.#exists) return;
    this.#delete ??= this.#db.prepare(`DELETE FROM ${this.#name} WHERE k = ?`);
    this.#delete.run(key);
  }

  count(): number {
    if (!this.#exists) return 0;
    try {
      return this.#db.prepare(`SELECT count(*) FROM ${this.#name}`).pluck().get() as number;
    } catch (cause) {
      throw this.#owner.failure(cause);
    }
  }

  /** The table was dropped, or a rollback undid its creation. The next write creates it again. */
  forget(): void {
    this.#exists = false;
    this.#filter = new KeyFilter();
    this.#get = this.#put = this.#delete = null;
    this.#pages.clear();
  }
}

export type RawRow = [key: Buffer, value: Buffer, timestamp: number];

/** In place: rows are read by the thousand. */
export function toRows(rows: (RawRow | Row)[]): Row[] {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as RawRow;
    rows[i] = { key: row[0], value: row[1], timestamp: row[2], object: undefined };
  }
  return rows as Row[];
}

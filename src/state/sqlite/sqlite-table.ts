import type Database from 'better-sqlite3';
import type { EngineTable, PageRequest, Row } from '../engine/engine.ts';

type RawRow = [key: Buffer, value: Buffer, timestamp: number];

/**
 * A table `(k BLOB PRIMARY KEY, v BLOB, t INTEGER) WITHOUT ROWID`. BLOBs compare as unsigned bytes, so the primary key's order is that of the keys' bytes.
 * Statements are prepared at their first use and kept: one execution costs about 4 µs, nearly all of it the way into SQLite.
 */
export class SqliteTable implements EngineTable {
  readonly #db: Database.Database;
  readonly #name: string;
  readonly #timeSuffix: number;
  readonly #create: (table: SqliteTable) => void;
  #exists: boolean;
  #get: Database.Statement<[Buffer]> | null = null;
  #put: Database.Statement<[Buffer, Buffer, number]> | null = null;
  #delete: Database.Statement<[Buffer]> | null = null;
  readonly #pages = new Map<string, Database.Statement<unknown[]>>();

  /** `create` makes the table; it is called before the first write when it does not exist. */
  constructor(db: Database.Database, name: string, timeSuffix: number, exists: boolean, create: (table: SqliteTable) => void) {
    this.#db = db;
    this.#name = name;
    this.#timeSuffix = timeSuffix;
    this.#create = create;
    this.#exists = exists;
  }

  get empty(): boolean {
    return !this.#exists;
  }

  get(_id: string, key: Buffer): Row | null {
    if (!this.#exists) return null;
    this.#get ??= this.#db.prepare<[Buffer]>(`SELECT v, t FROM ${this.#name} WHERE k = ?`).raw();
    const row = this.#get.get(key) as [Buffer, number] | undefined;
    return row === undefined ? null : { key, value: row[0], timestamp: row[1], object: undefined };
  }

  page(request: PageRequest): Row[] {
    if (!this.#exists) return [];
    let sql = `SELECT k, v, t FROM ${this.#name}`;
    const parameters: unknown[] = [];
    if (request.from !== null) {
      sql += request.fromExclusive ? ' WHERE k > ?' : ' WHERE k >= ?';
      parameters.push(request.from);
    }
    if (request.to !== null) {
      sql += `${parameters.length === 0 ? ' WHERE' : ' AND'} k ${request.toExclusive ? '<' : '<='} ?`;
      parameters.push(request.to);
    }
    sql += request.reverse ? ' ORDER BY k DESC LIMIT ?' : ' ORDER BY k LIMIT ?';
    parameters.push(request.limit);
    return this.#rows(sql, parameters);
  }

  pageBySuffix(from: Buffer, to: Buffer, after: Buffer | null, limit: number): Row[] {
    if (!this.#exists) return [];
    const suffix = `substr(k, -${this.#timeSuffix})`;
    if (after === null) return this.#rows(`SELECT k, v, t FROM ${this.#name} WHERE ${suffix} >= ? AND ${suffix} <= ? ORDER BY ${suffix}, k LIMIT ?`, [from, to, limit]);
    return this.#rows(`SELECT k, v, t FROM ${this.#name} WHERE (${suffix}, k) > (?, ?) AND ${suffix} <= ? ORDER BY ${suffix}, k LIMIT ?`, [
      after.subarray(after.length - this.#timeSuffix),
      after,
      to,
      limit,
    ]);
  }

  put(_id: string, key: Buffer, value: Buffer, timestamp: number): void {
    if (!this.#exists) {
      this.#create(this);
      this.#exists = true;
    }
    this.#put ??= this.#db.prepare(`INSERT INTO ${this.#name} (k, v, t) VALUES (?, ?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v, t = excluded.t`);
    this.#put.run(key, value, timestamp);
  }

  delete(_id: string, key: Buffer): void {
    if (!this.#exists) return;
    this.#delete ??= this.#db.prepare(`DELETE FROM ${this.#name} WHERE k = ?`);
    this.#delete.run(key);
  }

  count(): number {
    if (!this.#exists) return 0;
    return this.#db.prepare(`SELECT count(*) FROM ${this.#name}`).pluck().get() as number;
  }

  /** The table was dropped, or a rollback undid its creation. The next write creates it again. */
  forget(): void {
    this.#exists = false;
    this.#get = this.#put = this.#delete = null;
    this.#pages.clear();
  }

  #rows(sql: string, parameters: unknown[]): Row[] {
    let statement = this.#pages.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare<unknown[]>(sql).raw();
      this.#pages.set(sql, statement);
    }
    const rows = statement.all(...parameters) as RawRow[];
    return rows.map((row) => ({ key: row[0], value: row[1], timestamp: row[2], object: undefined }));
  }
}

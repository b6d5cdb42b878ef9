import { rmSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { StateStoreError } from '../../errors.ts';
import type { Engine, EngineTable, Row, StoreShape } from '../engine/engine.ts';
import { markCorrupt, type OpenOptions, openDatabase, sqliteCode } from './open-database.ts';
import { type RawRow, SqliteTable, toRows } from './sqlite-table.ts';

/** A WAL above this is written back and cut after a commit. */
const WAL_LIMIT = 32 * 1024 * 1024;

interface OpenStore {
  id: number;
  shape: StoreShape;
  segments: Set<number>;
  tables: Map<number | null, SqliteTable>;
  /** Of `rowsOf`, by the segments asked. */
  unions: Map<string, Database.Statement<unknown[]>>;
}

/** Most segments in one statement. */
const MAX_UNION = 32;

/**
 * One SQLite file: all persistent stores of a task, each a table, or a table a segment. WAL with `synchronous=NORMAL`: a power loss rolls back to an earlier commit,
 * entries and changelog offsets together.
 */
export class SqliteEngine implements Engine {
  readonly persistent = true;
  readonly #options: OpenOptions;
  readonly #db: Database.Database;
  readonly #stores = new Map<string, OpenStore>();
  readonly #facts = new Map<string, string>();
  readonly #setFact: Database.Statement<[string, string, string]>;
  /** Tables and segments made in the open transaction: a rollback takes them back. */
  #created: { store: OpenStore; segment: number | null; table: SqliteTable }[] = [];
  #changedFacts: { key: string; before: string | undefined }[] = [];

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#db = openDatabase(options);
    for (const [store, key, value] of this.#db.prepare('SELECT store, key, value FROM facts').raw().all() as [string, string, string][])
      this.#facts.set(`${store}\0${key}`, value);
    this.#setFact = this.#db.prepare('INSERT INTO facts (store, key, value) VALUES (?, ?, ?) ON CONFLICT (store, key) DO UPDATE SET value = excluded.value');
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  begin(): void {
    this.#guard(() => this.#db.exec('BEGIN IMMEDIATE'));
  }

  commit(): void {
    this.#guard(() => this.#db.exec('COMMIT'));
    this.#created = [];
    this.#changedFacts = [];
    this.#checkpointIfLarge();
  }

  rollback(): void {
    // SQLite itself rolls back on some errors (a full disk among them): then there is nothing left to do.
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    for (const { store, segment, table } of this.#created) {
      table.forget();
      if (segment !== null) store.segments.delete(segment);
      store.unions.clear();
    }
    for (const { key, before } of this.#changedFacts.reverse()) {
      if (before === undefined) this.#facts.delete(key);
      else this.#facts.set(key, before);
    }
    this.#created = [];
    this.#changedFacts = [];
  }

  openStore(name: string, shape: StoreShape): boolean {
    return this.#guard(() => {
      const wanted = JSON.stringify([shape.kind, shape.segmentInterval, shape.timeOrdered]);
      const found = this.#db.prepare('SELECT id, shape FROM stores WHERE name = ?').get(name) as { id: number; shape: string } | undefined;
      const id = found?.id ?? Number(this.#db.prepare('INSERT INTO stores (name, shape) VALUES (?, ?)').run(name, wanted).lastInsertRowid);
      const segments = this.#db.prepare('SELECT segment FROM segments WHERE store = ?').pluck().all(id) as number[];
      this.#stores.set(name, { id, shape, segments: new Set(segments), tables: new Map(), unions: new Map() });
      if (found === undefined || found.shape === wanted) return false;
      this.begin();
      this.clearStore(name);
      this.#db.prepare('UPDATE stores SET shape = ? WHERE id = ?').run(wanted, id);
      this.commit();
      return true;
    }, name);
  }

  table(name: string, segment: number | null): EngineTable {
    const store = this.#store(name);
    let table = store.tables.get(segment);
    if (table === undefined) {
      const sqlName = tableName(store.id, segment);
      const exists =
        segment === null
          ? this.#db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(sqlName) !== undefined
          : store.segments.has(segment);
      table = new SqliteTable(this.#db, sqlName, segment === null ? 0 : store.shape.keySuffix, exists, {
        create: (created) => this.#create(store, segment, created),
        failure: (cause) => describeFailure(cause, this.#options, name),
      });
      store.tables.set(segment, table);
    }
    return table;
  }

  segments(name: string): number[] {
    return [...this.#store(name).segments].sort((a, b) => a - b);
  }

  rowsOf(name: string, segments: readonly number[], from: Buffer, to: Buffer, limit: number): Row[] {
    const store = this.#store(name);
    const existing = segments.filter((segment) => store.segments.has(segment));
    if (existing.length === 0) return [];
    if (existing.length > MAX_UNION) {
      const first = this.rowsOf(name, existing.slice(0, MAX_UNION), from, to, limit);
      return first.length >= limit ? first : [...first, ...this.rowsOf(name, existing.slice(MAX_UNION), from, to, limit - first.length)];
    }
    const key = `${limit}:${existing.join()}`;
    let statement = store.unions.get(key);
    if (statement === undefined) {
      if (store.unions.size > 64) store.unions.clear();
      const parts = existing.map((segment) => `SELECT k, v, t FROM ${tableName(store.id, segment)} WHERE k >= ? AND k <= ?`);
      statement = this.#db.prepare<unknown[]>(`${parts.join(' UNION ALL ')} LIMIT ${limit}`).raw();
      store.unions.set(key, statement);
    }
    const bounds: Buffer[] = [];
    for (let i = 0; i < existing.length; i++) bounds.push(from, to);
    const prepared = statement;
    return this.#guard(() => toRows(prepared.all(...bounds) as RawRow[]), name);
  }

  dropSegment(name: string, segment: number): void {
    const store = this.#store(name);
    store.tables.get(segment)?.forget();
    store.tables.delete(segment);
    store.unions.clear();
    if (!store.segments.delete(segment)) return;
    this.#guard(() => {
      this.#db.exec(`DROP TABLE IF EXISTS ${tableName(store.id, segment)}`);
      this.#db.prepare('DELETE FROM segments WHERE store = ? AND segment = ?').run(store.id, segment);
    }, name);
  }

  clearStore(name: string): void {
    const store = this.#store(name);
    this.#guard(() => {
      for (const segment of [null, ...store.segments]) this.#db.exec(`DROP TABLE IF EXISTS ${tableName(store.id, segment)}`);
      this.#db.prepare('DELETE FROM segments WHERE store = ?').run(store.id);
      this.#db.prepare('DELETE FROM facts WHERE store = ?').run(name);
    }, name);
    store.segments.clear();
    store.unions.clear();
    // Stores hold on to their tables: these begin anew.
    for (const table of store.tables.values()) table.forget();
    for (const key of [...this.#facts.keys()]) if (key.startsWith(`${name}\0`)) this.#facts.delete(key);
  }

  getFact(store: string, key: string): string | undefined {
    return this.#facts.get(`${store}\0${key}`);
  }

  setFact(store: string, key: string, value: string): void {
    const id = `${store}\0${key}`;
    const before = this.#facts.get(id);
    if (before === value) return;
    this.#setFact.run(store, key, value);
    this.#facts.set(id, value);
    this.#changedFacts.push({ key: id, before });
  }

  close(): void {
    if (!this.#db.open) return;
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    try {
      this.#setFact.run('', 'closed', 'clean');
    } catch (error) {
      this.#options.logger.warn(
        { taskId: this.#options.taskId, file: this.#options.file, err: error },
        'the state file could not be marked as closed: it is checked when it is opened again',
      );
    }
    this.#db.close();
  }

  /** Close, and delete the file. */
  destroy(): void {
    this.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#options.file + suffix, { force: true });
  }

  #create(store: OpenStore, segment: number | null, table: SqliteTable): void {
    const name = tableName(store.id, segment);
    this.#db.exec(`CREATE TABLE IF NOT EXISTS ${name} (k BLOB NOT NULL PRIMARY KEY, v BLOB NOT NULL, t INTEGER NOT NULL) WITHOUT ROWID`);
    if (store.shape.timeOrdered) this.#db.exec(`CREATE INDEX IF NOT EXISTS ${name}_time ON ${name} (substr(k, -${store.shape.keySuffix}), k)`);
    if (segment !== null) {
      this.#db.prepare('INSERT OR IGNORE INTO segments (store, segment) VALUES (?, ?)').run(store.id, segment);
      store.segments.add(segment);
    }
    this.#created.push({ store, segment, table });
  }

  #checkpointIfLarge(): void {
    let size = 0;
    try {
      size = statSync(`${this.#options.file}-wal`).size;
    } catch {
      return;
    }
    if (size < WAL_LIMIT) return;
    try {
      this.#db.pragma('wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // The commit stands: the WAL only stays long. The next commit tries again.
      this.#options.logger.warn(
        { taskId: this.#options.taskId, file: this.#options.file, walBytes: size, err: error },
        'the write-ahead log could not be written back to the state file',
      );
    }
  }

  #store(name: string): OpenStore {
    const store = this.#stores.get(name);
    if (store === undefined) throw new StateStoreError('the store is not open in the task file', { taskId: this.#options.taskId, store: name });
    return store;
  }

  #guard<T>(action: () => T, store?: string): T {
    try {
      return action();
    } catch (cause) {
      throw describeFailure(cause, this.#options, store);
    }
  }
}

/** The error to throw for what SQLite says: names the file, the store, and what to do. */
export function describeFailure(cause: unknown, options: { file: string; taskId: string }, store?: string): Error {
  if (cause instanceof StateStoreError) return cause;
  const code = sqliteCode(cause);
  if (code === '') return cause as Error;
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') markCorrupt(options.file);
  const advice =
    code === 'SQLITE_FULL'
      ? 'the disk is full: free some space and restart; nothing of this commit was written and nothing is lost, the changelogs hold it'
      : code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB'
        ? 'the file is corrupt: restart, and it is set aside and rebuilt from the changelogs'
        : code.startsWith('SQLITE_IOERR')
          ? 'the disk reports an I/O error: check it and restart; nothing of this commit was written'
          : 'nothing of this commit was written: check the disk and the rights of the file, and restart';
  return new StateStoreError(`${options.file}: ${code}: ${advice}`, {
    taskId: options.taskId,
    store,
    cause,
    code: code === 'SQLITE_FULL' ? 'ERR_STATE_STORE_FULL' : 'ERR_STATE_STORE',
  });
}

function tableName(store: number, segment: number | null): string {
  return segment === null ? `s${store}` : `s${store}_${segment < 0 ? `m${-segment}` : segment}`;
}

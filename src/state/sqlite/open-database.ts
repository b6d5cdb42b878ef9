import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StateStoreError } from '../../errors.ts';

/** `PRAGMA application_id` of our files: 'MlRc'. Files of others are never written to. */
const APPLICATION_ID = 0x4d6c5263;
/** `PRAGMA user_version`: layout of the tables. Another layout is set aside and rebuilt. */
const LAYOUT = 1;

/** What the state layer needs of a logger; pino's fits. */
export interface StateLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface OpenOptions {
  readonly file: string;
  readonly taskId: string;
  readonly logger: StateLogger;
  /** Bytes of SQLite's page cache. */
  readonly cacheBytes: number;
  /** Most pages of the file; writes beyond it fail as on a full disk. */
  readonly maxPages?: number;
}

/**
 * Opens a task's file, or makes it. A file that is corrupt, or is not ours, is renamed to `<file>.<reason>-<time>` with a log line, and a new one is begun: the
 * contents come back from the changelogs.
 *
 * @throws StateStoreError when another process has it open, or when the folder cannot be written.
 */
export function openDatabase(options: OpenOptions): Database.Database {
  try {
    mkdirSync(dirname(options.file), { recursive: true });
  } catch (cause) {
    throw new StateStoreError(`the folder of ${options.file} cannot be made: choose a stateDir that this process may write`, { taskId: options.taskId, cause });
  }
  if (existsSync(marker(options.file))) {
    setAside(options, 'corrupt', undefined);
    rmSync(marker(options.file), { force: true });
  }
  for (let attempt = 0; ; attempt++) {
    let db: Database.Database | null = null;
    try {
      db = new Database(options.file, { timeout: 2000 });
      const reason = inspect(db);
      if (reason === null) {
        configure(db, options);
        return db;
      }
      close(db);
      setAside(options, reason, undefined);
    } catch (cause) {
      if (db !== null) close(db);
      const code = sqliteCode(cause);
      if (attempt > 0) throw new StateStoreError(`${options.file} cannot be opened (${code || (cause as Error).message})`, { taskId: options.taskId, cause });
      if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT_')) setAside(options, 'corrupt', cause);
      else if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED')
        throw new StateStoreError(`${options.file} is open in another process: give each process its own stateDir, or stop the other one`, {
          taskId: options.taskId,
          cause,
        });
      else
        throw new StateStoreError(`${options.file} cannot be opened (${code || (cause as Error).message}): check the rights and the free space of its disk`, {
          taskId: options.taskId,
          cause,
        });
    }
  }
}

/** Notes that a read or write found the file corrupt: the next open sets it aside. */
export function markCorrupt(file: string): void {
  writeFileSync(marker(file), '');
}

function marker(file: string): string {
  return `${file}.is-corrupt`;
}

export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

/** Null when the file is ours, or empty. */
function inspect(db: Database.Database): string | null {
  const tables = db.prepare('SELECT count(*) FROM sqlite_master').pluck().get() as number;
  const application = db.pragma('application_id', { simple: true }) as number;
  if (tables === 0 && application === 0) return null;
  if (application !== APPLICATION_ID) return 'foreign';
  if (db.pragma('user_version', { simple: true }) !== LAYOUT) return 'other-version';
  // Reads the whole file: only where something may have been torn.
  if (db.prepare("SELECT value FROM facts WHERE store = '' AND key = 'closed'").pluck().get() === 'clean') return null;
  const result = db.prepare('PRAGMA quick_check(1)').pluck().get();
  return result === 'ok' ? null : 'corrupt';
}

function configure(db: Database.Database, options: OpenOptions): void {
  // The lock is held until close, so that no second process writes the file. It is taken by the first write below.
  db.pragma('locking_mode = EXCLUSIVE');
  // Rows are small, and their keys come in no order: with SQLite's 4096 a table that has outgrown the page cache writes twice as much, for a quarter more CPU. Of a new file only.
  db.pragma('page_size = 2048');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma(`cache_size = -${Math.max(256, Math.floor(options.cacheBytes / 1024))}`);
  db.pragma('temp_store = MEMORY');
  // Checkpoints are ours, between commits: an automatic one may fall into the middle of a chunk.
  db.pragma('wal_autocheckpoint = 0');
  if (options.maxPages !== undefined) db.pragma(`max_page_count = ${options.maxPages}`);
  db.exec(`
    BEGIN IMMEDIATE;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${LAYOUT};
    CREATE TABLE IF NOT EXISTS stores (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, shape TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS segments (store INTEGER NOT NULL, segment INTEGER NOT NULL, PRIMARY KEY (store, segment)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS facts (store TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (store, key)) WITHOUT ROWID;
    INSERT INTO facts (store, key, value) VALUES ('', 'closed', 'no') ON CONFLICT (store, key) DO UPDATE SET value = excluded.value;
    COMMIT;
  `);
}

function setAside(options: OpenOptions, reason: string, cause: unknown): void {
  const aside = `${options.file}.${reason}-${Date.now()}`;
  options.logger.error(
    { taskId: options.taskId, file: options.file, movedTo: aside, reason, err: cause },
    `state file is ${reason}: it was set aside and the task's stores are rebuilt from their changelogs`,
  );
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(options.file + suffix)) renameSync(options.file + suffix, aside + suffix);
}

function close(db: Database.Database): void {
  try {
    db.close();
  } catch {
    // The error that brought us here says more than a failure to close.
  }
}

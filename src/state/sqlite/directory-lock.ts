import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StateStoreError } from '../../errors.ts';
import { sqliteCode } from './open-database.ts';

/** Exclusive use of a state directory, until `release` or the end of the process. */
export interface StateDirectoryLock {
  /** A UUID that stays with the directory: it names this instance to the group and in transactional ids, also after a restart. */
  readonly processId: string;
  release(): void;
}

/**
 * Locks a state directory (`stateDir/<applicationId>`) for this process, and makes it if need be. The lock is that of an open SQLite file, `.lock`: the operating system
 * lets go of it when the process dies, however it dies.
 *
 * @throws StateStoreError when another process has the directory, or it cannot be written.
 */
export function lockStateDirectory(directory: string): StateDirectoryLock {
  let db: Database.Database | null = null;
  try {
    mkdirSync(directory, { recursive: true });
    db = new Database(join(directory, '.lock'), { timeout: 0 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('CREATE TABLE IF NOT EXISTS process (id TEXT NOT NULL)');
    // Exclusive locking mode keeps the lock of this transaction after its end.
    db.exec('BEGIN EXCLUSIVE');
    let processId = db.prepare('SELECT id FROM process').pluck().get() as string | undefined;
    if (processId === undefined) {
      processId = randomUUID();
      db.prepare('INSERT INTO process (id) VALUES (?)').run(processId);
    }
    db.exec('COMMIT');
    const held = db;
    return { processId, release: () => void held.close() };
  } catch (cause) {
    db?.close();
    const code = sqliteCode(cause);
    if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED')
      throw new StateStoreError(`the state directory ${directory} is in use by another process: give each instance its own stateDir`, {
        code: 'ERR_STATE_DIRECTORY_LOCKED',
        cause,
      });
    throw new StateStoreError(
      `the state directory ${directory} cannot be used (${code || (cause as Error).message}): check its rights and the free space of its disk`,
      { cause },
    );
  }
}

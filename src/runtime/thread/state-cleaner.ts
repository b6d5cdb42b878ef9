import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';

/** A task's state file, what SQLite keeps beside it, and what was set aside because it was damaged. */
const STATE_FILE = /^(\d+_\d+)\.sqlite/;

/**
 * Delete state of tasks that are not owned and that nobody has written to for `delayMs`: they moved away, and would be restored from far behind, or not at all.
 * @returns the files that were deleted
 */
export function cleanState(directory: string, owned: (task: string) => boolean, delayMs: number, now: number, logger: Logger): string[] {
  const deleted: string[] = [];
  for (const name of readdirSync(directory)) {
    const task = STATE_FILE.exec(name)?.[1];
    if (task === undefined || owned(task)) continue;
    const file = join(directory, name);
    try {
      if (now - statSync(file).mtimeMs < delayMs) continue;
      rmSync(file);
      deleted.push(name);
    } catch (error) {
      logger.warn({ err: error, file }, 'State of a task that is not owned could not be deleted: it will be tried again');
    }
  }
  if (deleted.length > 0) logger.info({ files: deleted }, 'State of tasks that moved away was deleted');
  return deleted;
}

import { join } from 'node:path';
import type { ResolvedConfig } from '../runtime/config.ts';
import type { TaskState } from '../state/contract/task-state.ts';
import { createTaskState } from '../state/task/task-state.ts';

/** State of one task of the test driver: the production engines, SQLite in memory unless the test gave a `stateDir`. */
export function openTestState(taskId: string, config: ResolvedConfig, stateDir: string | undefined): TaskState {
  return createTaskState({
    taskId,
    directory: join(config.stateDir, config.applicationId),
    inMemory: stateDir === undefined,
    logger: config.logger,
    cacheMaxBytes: config.statestoreCacheMaxBytes,
  });
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResolvedConfig } from '../runtime/config.ts';
import type { TaskState } from '../state/contract/task-state.ts';
import { createTaskState } from '../state/task/task-state.ts';

/** State of one task of the test driver, and how to be rid of it. */
export interface TestState {
  readonly state: TaskState;
  /** Close it, and remove it unless the test gave a directory. */
  close(): void;
}

/** `stateDir` undefined: a directory of its own, removed when the driver is closed. */
export function openTestState(taskId: string, config: ResolvedConfig, stateDir: string | undefined): TestState {
  const directory = stateDir === undefined ? mkdtempSync(join(tmpdir(), 'millrace-test-')) : join(stateDir, config.applicationId);
  const state = createTaskState({ taskId, directory, logger: config.logger, cacheMaxBytes: config.statestoreCacheMaxBytes });
  return {
    state,
    close() {
      try {
        state.close();
      } finally {
        if (stateDir === undefined) rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

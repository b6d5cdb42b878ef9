import type { Purger } from '../commit/purger.ts';
import type { Restorer } from '../restore/restorer.ts';
import type { TaskId } from '../topics/topic-layout.ts';
import type { OwnedTask } from './owned-task.ts';
import type { OwnedTasks } from './owned-tasks.ts';
import type { Readiness } from './readiness.ts';
import type { SourceFetcher } from './source-fetcher.ts';
import type { TaskFactory } from './task-factory.ts';
import type { TaskStarter } from './task-starter.ts';

export interface TaskLifecycleParts {
  readonly tasks: OwnedTasks;
  readonly factory: TaskFactory;
  readonly starter: TaskStarter;
  readonly restorer: Restorer;
  readonly fetcher: SourceFetcher;
  readonly purger: Purger;
  readonly readiness: Readiness;
}

/** Starts tasks, lets them run once they are restored, and closes them: each with all that belongs to it. */
export class TaskLifecycle {
  private readonly parts: TaskLifecycleParts;

  constructor(parts: TaskLifecycleParts) {
    this.parts = parts;
  }

  start(ids: readonly TaskId[]): void {
    const { tasks, factory, starter, readiness } = this.parts;
    const owners: OwnedTask[] = [];
    for (const id of ids) {
      if (tasks.get(id.id) !== undefined) continue;
      const owner = factory.create(id);
      tasks.add(owner);
      owners.push(owner);
    }
    readiness.note();
    if (owners.length > 0) void starter.start(owners);
  }

  /** The restorer has read all stores of a task. */
  async run(owner: OwnedTask): Promise<void> {
    const { tasks, starter, fetcher } = this.parts;
    if (owner.phase === 'closed') return;
    starter.restored(owner, Date.now());
    for (const position of owner.positions.values()) owner.task.setCommitted(position);
    owner.task.initialize();
    await fetcher.add(owner);
    tasks.nowRuns(owner);
    owner.logger.info('The task runs');
  }

  /** What was not committed is dropped with the state's buffers. */
  async close(owners: readonly OwnedTask[]): Promise<void> {
    const { tasks, fetcher, restorer, purger, readiness } = this.parts;
    if (owners.length === 0) return;
    const running = owners.filter((owner) => owner.phase === 'running');
    tasks.remove(owners);
    await fetcher.remove(running);
    const now = Date.now();
    for (const owner of owners) {
      await restorer.remove(owner);
      purger.forget(owner);
      try {
        if (running.includes(owner)) {
          owner.task.close();
          for (const changelog of owner.changelogs) owner.state.markCaughtUp(changelog.store, now);
        }
      } catch (error) {
        owner.logger.error({ err: error }, 'The task could not be closed cleanly');
      } finally {
        owner.state.close();
      }
      owner.logger.info('The task is closed');
    }
    readiness.note();
  }
}

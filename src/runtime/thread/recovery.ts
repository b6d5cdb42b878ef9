import type { Logger } from 'pino';
import type { Committer } from '../commit/committer.ts';
import type { CommitOutcome } from '../commit/interval.ts';
import type { Purger } from '../commit/purger.ts';
import type { GroupMember } from '../group/member.ts';
import type { KafkaRecordCollector } from '../kafka-record-collector.ts';
import { sleep } from '../retry.ts';
import type { CommitUnderWay } from './commit-under-way.ts';
import type { InputPositions } from './input-positions.ts';
import type { LoopSignals } from './loop-signals.ts';
import type { OwnedTasks } from './owned-tasks.ts';
import type { SourceFetcher } from './source-fetcher.ts';
import type { TaskLifecycle } from './task-lifecycle.ts';

export interface RecoveryParts {
  readonly logger: Logger;
  readonly signals: LoopSignals;
  readonly member: GroupMember;
  readonly tasks: OwnedTasks;
  readonly lifecycle: TaskLifecycle;
  readonly positions: InputPositions;
  readonly fetcher: SourceFetcher;
  readonly collector: KafkaRecordCollector;
  readonly committer: Committer;
  readonly commit: CommitUnderWay;
  readonly purger: Purger;
}

export type FailedCommit = Exclude<CommitOutcome, { kind: 'committed' }>;

const FIRST_RETRY_PAUSE_MS = 50;
const LONGEST_RETRY_PAUSE_MS = 2000;

/** Starts over after a commit that failed. */
export class Recovery {
  private readonly parts: RecoveryParts;
  private inARow = 0;

  constructor(parts: RecoveryParts) {
    this.parts = parts;
  }

  /** A commit has succeeded: the next that fails is the first in a row. */
  committed(): void {
    this.inARow = 0;
  }

  /** Everything since the last commit is dropped, of all tasks, and they go on from the committed offsets as the coordinator has them. */
  async recover(failed: FailedCommit): Promise<void> {
    const { tasks, lifecycle, committer, commit, collector, positions, fetcher, logger, purger, member, signals } = this.parts;
    this.inARow++;
    logger.warn(
      { err: failed.error, inARow: this.inARow },
      `A commit was ${failed.kind === 'fatal' ? 'refused for good' : 'aborted'}: its tasks go on from their committed offsets`,
    );
    await commit.ended();
    // Where the reason was another one, a commit was under way beside it: how that ended counts too.
    const beside = commit.takeOutcome();
    const fatal = failed.kind === 'fatal' || beside?.kind === 'fatal';
    const changesSent = failed.changesSent === true || (beside !== undefined && beside.kind !== 'committed' && beside.changesSent === true);
    collector.discard();
    for (const { state } of tasks.running) state.discard();
    purger.discard();
    if (fatal) await committer.restart();
    if (this.inARow > 1) {
      await sleep(Math.min(FIRST_RETRY_PAUSE_MS * 2 ** this.inARow, LONGEST_RETRY_PAUSE_MS));
      member.waited();
    }
    if (member.consumer.assignmentLost()) {
      // The revocation is on its way; until it is here nothing is processed.
      await lifecycle.close(tasks.all);
      return;
    }
    if (changesSent && !signals.stopping) {
      await this.restartRunning();
      return;
    }
    const running = tasks.running;
    const committed = await positions.committed(running);
    await positions.resolve(running, committed);
    await fetcher.reset();
    for (const owner of running) owner.task.revive([...owner.positions.values()]);
  }

  /**
   * At least once, an interval that was not committed is in the changelogs all the same. State that does not hold it would go another way from there on: sessions, say, that were
   * merged in the store and not in the changelog would be found by whoever restores them, and be counted twice. So the tasks read their changelogs to the end first.
   */
  private async restartRunning(): Promise<void> {
    const { tasks, lifecycle } = this.parts;
    const running = [...tasks.running];
    await lifecycle.close(running);
    lifecycle.start(running.map(({ id }) => id));
  }
}

import type { Logger } from 'pino';
import type { RebalanceEvent, TopicPartition } from '../../kafka/contract.ts';
import type { Committer } from '../commit/committer.ts';
import { type Descriptor, tasksOfPartition } from '../group/descriptor.ts';
import type { GroupMember } from '../group/member.ts';
import type { Registry } from '../group/registry.ts';
import type { KafkaRecordCollector } from '../kafka-record-collector.ts';
import type { TaskId, TopicLayout } from '../topics/topic-layout.ts';
import type { CommitUnderWay } from './commit-under-way.ts';
import type { OwnedTask } from './owned-task.ts';
import type { OwnedTasks } from './owned-tasks.ts';
import type { Readiness } from './readiness.ts';
import type { TaskLifecycle } from './task-lifecycle.ts';

export interface RebalanceHandlerParts {
  readonly logger: Logger;
  readonly layout: TopicLayout;
  readonly tasksPartitions: number;
  readonly member: GroupMember;
  readonly registry: Registry;
  /** This member's own descriptor. */
  readonly describe: (generation: number) => Descriptor;
  readonly tasks: OwnedTasks;
  readonly lifecycle: TaskLifecycle;
  readonly readiness: Readiness;
  readonly collector: KafkaRecordCollector;
  readonly committer: Committer;
  readonly commit: CommitUnderWay;
}

/** Takes on the tasks that the group assigns, and hands over those that it revokes. */
export class RebalanceHandler {
  private readonly parts: RebalanceHandlerParts;

  constructor(parts: RebalanceHandlerParts) {
    this.parts = parts;
  }

  /** `commitAll`: the loop's, for tasks that are revoked. */
  async handle(event: RebalanceEvent, commitAll: () => Promise<void>): Promise<void> {
    const { member, logger, readiness } = this.parts;
    const partitions = event.partitions.map(({ partition }) => partition);
    if (event.kind === 'assign') {
      logger.info({ partitions, tasks: this.tasksOf(event.partitions).map(({ id }) => id) }, 'Tasks were assigned');
      member.accept(event.partitions);
      await this.assigned(event.partitions);
    } else {
      logger.info(
        { partitions, lost: event.lost },
        event.lost ? 'Tasks were lost: they are closed without a commit' : 'Tasks were revoked: they are committed and closed',
      );
      if (event.lost || member.consumer.assignmentLost()) await this.dropInterval();
      else if (this.ownersOf(event.partitions).length > 0) await commitAll();
      // Asked again after the commit, which starts the tasks anew when it is aborted.
      await this.parts.lifecycle.close(this.ownersOf(event.partitions));
      member.release(event.partitions);
    }
    readiness.groupAnswered();
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const { member, registry, describe, tasksPartitions, lifecycle } = this.parts;
    if (partitions.length === 0) return;
    await registry.agree(describe, member.owned.size === tasksPartitions);
    lifecycle.start(this.tasksOf(partitions));
  }

  /** The tasks are others' by now: what they did since the last commit is no longer theirs to write. */
  private async dropInterval(): Promise<void> {
    const { collector, committer, commit } = this.parts;
    await commit.ended();
    const outcome = commit.takeOutcome();
    collector.discard();
    if (outcome?.kind === 'fatal') await committer.restart();
  }

  private tasksOf(partitions: readonly TopicPartition[]): TaskId[] {
    return partitions.flatMap(({ partition }) => tasksOfPartition(this.parts.layout.tasks, partition, this.parts.tasksPartitions));
  }

  private ownersOf(partitions: readonly TopicPartition[]): OwnedTask[] {
    return this.tasksOf(partitions).flatMap(({ id }) => this.parts.tasks.get(id) ?? []);
  }
}

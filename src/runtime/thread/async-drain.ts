import type { Committer } from '../commit/committer.ts';
import type { ResolvedConfig } from '../config.ts';
import type { GroupMember } from '../group/member.ts';
import type { KafkaRecordCollector } from '../kafka-record-collector.ts';
import { yieldToEventLoop } from '../retry.ts';
import type { LoopSignals } from './loop-signals.ts';
import type { OwnedTasks } from './owned-tasks.ts';
import type { Waker } from './waker.ts';

export interface AsyncDrainParts {
  readonly config: ResolvedConfig;
  readonly waker: Waker;
  readonly signals: LoopSignals;
  readonly member: GroupMember;
  readonly tasks: OwnedTasks;
  readonly collector: KafkaRecordCollector;
  readonly committer: Committer;
}

/** Part of the time that the group waits for this member in which asynchronous work may end before its tasks are handed over; the rest is for the commit. */
const DRAIN_PART = 0.8;

/** The waiting for asynchronous operators: what they hold cannot be committed. */
export class AsyncDrain {
  private readonly parts: AsyncDrainParts;

  constructor(parts: AsyncDrainParts) {
    this.parts = parts;
  }

  /** Whether they hold nothing, also nothing of what comes out of caches when they are flushed. */
  async isDrained(): Promise<boolean> {
    const { tasks, config } = this.parts;
    const waiting = tasks.running.filter(({ task }) => task.isAsync);
    if (waiting.some(({ task }) => task.asyncPending > 0)) return false;
    for (const { task } of waiting) await task.prepareCommitAsync(config.eventLoopBudgetMs);
    return waiting.every(({ task }) => task.asyncPending === 0);
  }

  /** Wait until they hold nothing, in place of the loop. False: that took longer than the group would wait for this member, or nobody wants to wait. */
  async drain(): Promise<boolean> {
    const { tasks, member, collector, committer, config, waker, signals } = this.parts;
    const deadline = Date.now() + DRAIN_PART * config.maxPollIntervalMs;
    while (!(await this.isDrained())) {
      const now = Date.now();
      if (now > deadline || signals.abandoned) return false;
      member.turn(now);
      signals.throwFailure();
      let delivered = false;
      for (const { task } of tasks.running) if (task.deliverAsync(performance.now() + config.eventLoopBudgetMs)) delivered = true;
      collector.drain(performance.now() + config.eventLoopBudgetMs);
      committer.poll();
      if (delivered) await yieldToEventLoop();
      else await waker.wait(config.pollMs);
    }
    return true;
  }
}

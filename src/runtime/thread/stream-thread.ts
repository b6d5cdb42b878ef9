import type { Logger } from 'pino';
import { StreamsError } from '../../errors.ts';
import type { RebalanceEvent, TopicPartition } from '../../kafka/contract.ts';
import { KafkaClientError, KafkaErrorCode } from '../../kafka/errors.ts';
import type { Committer } from '../commit/committer.ts';
import type { CommitOutcome } from '../commit/interval.ts';
import type { Purger } from '../commit/purger.ts';
import type { ResolvedConfig } from '../config.ts';
import { type Descriptor, tasksOfPartition } from '../group/descriptor.ts';
import type { GroupMember } from '../group/member.ts';
import type { Registry } from '../group/registry.ts';
import { type KafkaRecordCollector, UnknownTopicError } from '../kafka-record-collector.ts';
import type { Restorer } from '../restore/restorer.ts';
import { sleep, yieldToEventLoop } from '../retry.ts';
import type { TaskId, TopicLayout } from '../topics/topic-layout.ts';
import type { TopicMetadata } from '../topics/topic-metadata.ts';
import type { InputPositions } from './input-positions.ts';
import type { OwnedTask } from './owned-task.ts';
import type { OwnedTasks } from './owned-tasks.ts';
import type { SourceFetcher } from './source-fetcher.ts';
import { cleanState } from './state-cleaner.ts';
import type { TaskFactory } from './task-factory.ts';
import type { TaskStarter } from './task-starter.ts';
import type { Waker } from './waker.ts';

export interface StreamThreadParts {
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly layout: TopicLayout;
  readonly tasksPartitions: number;
  readonly waker: Waker;
  readonly member: GroupMember;
  readonly registry: Registry;
  /** `<stateDir>/<applicationId>`. */
  readonly directory: string;
  /** This member's own descriptor. */
  readonly describe: (generation: number) => Descriptor;
  readonly tasks: OwnedTasks;
  readonly factory: TaskFactory;
  readonly starter: TaskStarter;
  readonly restorer: Restorer;
  readonly positions: InputPositions;
  readonly fetcher: SourceFetcher;
  readonly collector: KafkaRecordCollector;
  readonly committer: Committer;
  readonly purger: Purger;
  readonly metadata: TopicMetadata;
  /** Every owned task runs, or no longer so. */
  readonly onReady: (ready: boolean) => void;
}

/** Records processed between two looks at the clock. */
const CLOCK_EVERY = 16;
/** How often stores are marked as caught up, so that a crash does not make them look old. */
const MAINTENANCE_EVERY_MS = 600_000;
const FIRST_RETRY_PAUSE_MS = 50;
const LONGEST_RETRY_PAUSE_MS = 2000;
/** Part of the time that the group waits for this member in which asynchronous work may end before its tasks are handed over; the rest is for the commit. */
const QUIESCE_PART = 0.8;

/**
 * The loop. A turn handles rebalances, takes what was fetched, processes for at most the event loop's budget, punctuates and commits when it is due; while a commit is under way at the
 * brokers, the next interval is processed. Everything that takes time runs beside it: fetching, restoring, committing.
 */
export class StreamThread {
  private readonly parts: StreamThreadParts;
  private readonly transactional: boolean;
  private readonly tasks: OwnedTasks;
  private stopping = false;
  private failure: unknown;
  private committing: Promise<void> | undefined;
  private outcome: CommitOutcome | undefined;
  private lastCommit = Date.now();
  private lastMaintenance = Date.now();
  private abortsInARow = 0;
  private joined = false;
  /** A commit waits for asynchronous operators: their tasks take no new records. */
  private draining = false;
  private abandoned = false;
  private ready = false;
  /** The loop has ended: that no task waits any more does not mean that all of them run. */
  private ended = false;
  private readonly restored: OwnedTask[] = [];

  constructor(parts: StreamThreadParts) {
    this.parts = parts;
    this.tasks = parts.tasks;
    this.transactional = parts.config.processingGuarantee === 'exactly_once_v2';
  }

  /** Runs until `stop`, or until an error that stops the service, which it throws. Tasks are closed then, and committed in the first case. */
  async run(): Promise<void> {
    try {
      while (!this.stopping) await this.turn();
      await this.settleCommit();
      await this.commitAll();
    } catch (error) {
      this.ended = true;
      await this.committing?.catch(() => undefined);
      await this.closeTasks(this.tasks.all).catch((closing: unknown) => this.parts.logger.error({ err: closing }, 'A task could not be closed cleanly'));
      throw error;
    }
    this.ended = true;
    await this.closeTasks(this.tasks.all);
  }

  stop(): void {
    this.stopping = true;
    this.parts.waker.wake();
  }

  /** Do not wait for asynchronous operators when closing: their calls are cancelled, and what was not committed is processed again. */
  abandonAsync(): void {
    this.abandoned = true;
    this.parts.waker.wake();
  }

  /** An error of something that runs beside the loop. */
  fail(error: unknown): void {
    this.failure ??= error ?? new Error('unknown failure');
    this.parts.waker.wake();
  }

  /** The restorer has read all stores of a task. */
  taskRestored(owner: OwnedTask): void {
    this.restored.push(owner);
    this.parts.waker.wake();
  }

  private async turn(): Promise<void> {
    const { member, fetcher, collector, committer, config, waker } = this.parts;
    const now = Date.now();
    member.turn(now);
    this.throwFailure();
    for (let event = member.nextEvent(); event !== undefined; event = member.nextEvent()) await this.rebalance(event);
    if (this.outcome !== undefined) await this.settleCommit();
    if (!this.transactional && member.suspect && !(await member.stillMember(this.tasks.committedPositions())))
      await this.recover({ kind: 'aborted', error: new Error('membership lost') });
    while (this.restored.length > 0) await this.startTask(this.restored.shift() as OwnedTask);
    this.noteReady();

    let busy = false;
    try {
      const preparing = fetcher.deliver();
      if (preparing !== undefined) await preparing;
      // The next batch is on its way while this one is processed.
      fetcher.pump(now);
      busy = this.process(now);
      fetcher.resumeDrained();
      fetcher.pump(now);
    } catch (error) {
      await this.processingFailed(error);
    }
    collector.drain(performance.now() + config.eventLoopBudgetMs);
    committer.poll();
    if (this.commitDue(now)) await this.commitWhenQuiet(now);
    else this.draining = false;
    this.maintain(now);
    if (busy || fetcher.hasReady) await yieldToEventLoop();
    else await waker.wait(this.idleMs(now));
  }

  /** Process and punctuate until there is nothing to do, or the budget is used up. */
  private process(now: number): boolean {
    const { config, collector } = this.parts;
    const running = this.tasks.running;
    if (!this.mayProcess()) return false;
    // A commit under way takes the other half.
    const deadline = performance.now() + config.eventLoopBudgetMs / (this.committing === undefined ? 1 : 2);
    // The interval grows while its commit waits: not without bound.
    const full = this.draining && this.uncommittedBytes() >= config.statestoreUncommittedMaxBytes;
    let processed = 0;
    for (let progress = true; progress; ) {
      progress = false;
      for (const { task } of running) {
        if (full && !task.isAsync) continue;
        if (task.isAsync) {
          if (task.deliverAsync(deadline)) {
            progress = true;
            processed++;
            if (performance.now() > deadline) return true;
          }
          if (this.draining) continue;
        }
        // A few records at a time, so that tasks take turns.
        for (let i = 0; i < 4 * CLOCK_EVERY && task.process(now); i++) {
          progress = true;
          task.punctuateStreamTime();
          if (++processed % CLOCK_EVERY === 0 && performance.now() > deadline) return true;
        }
        if (collector.backedUp) return true;
      }
    }
    for (const { task } of running) if (!this.draining || !task.isAsync) task.punctuateWallClock(now);
    return processed > 0;
  }

  /** Output that waits for a commit under way is bounded, and a full producer stops processing. */
  private mayProcess(): boolean {
    const { collector, config } = this.parts;
    if (collector.backedUp) return false;
    return this.committing === undefined || this.uncommittedBytes() < config.statestoreUncommittedMaxBytes;
  }

  private uncommittedBytes(): number {
    let bytes = this.parts.collector.pendingBytes;
    for (const { state } of this.tasks.running) bytes += state.uncommittedBytes;
    return bytes;
  }

  private commitDue(now: number): boolean {
    const { config, collector } = this.parts;
    if (this.committing !== undefined || this.outcome !== undefined) return false;
    const running = this.tasks.running;
    const due =
      now - this.lastCommit >= config.commitIntervalMs ||
      running.some(({ task }) => task.commitRequested) ||
      this.uncommittedBytes() > config.statestoreUncommittedMaxBytes;
    return due && (collector.hasPending || running.some(({ task }) => task.commitNeeded));
  }

  /** Begins the commit, or lets asynchronous work go on that it has to wait for. Others of the tasks go on as well. */
  private async commitWhenQuiet(now: number): Promise<void> {
    const quiet = await this.guarded(() => this.isQuiet());
    this.draining = quiet === false;
    if (quiet) await this.beginCommit(now);
  }

  /** Whether asynchronous operators hold nothing, also nothing of what comes out of caches when they are flushed. */
  private async isQuiet(): Promise<boolean> {
    const waiting = this.tasks.running.filter(({ task }) => task.isAsync);
    if (waiting.some(({ task }) => task.asyncPending > 0)) return false;
    for (const { task } of waiting) await task.prepareCommitAsync(this.parts.config.eventLoopBudgetMs);
    return waiting.every(({ task }) => task.asyncPending === 0);
  }

  /** Wait until asynchronous operators hold nothing. False: that took longer than the group would wait for this member, or nobody wants to wait. */
  private async quiesce(): Promise<boolean> {
    const { member, collector, committer, config, waker } = this.parts;
    const deadline = Date.now() + QUIESCE_PART * config.maxPollIntervalMs;
    while (!(await this.isQuiet())) {
      const now = Date.now();
      if (now > deadline || this.abandoned) return false;
      member.turn(now);
      this.throwFailure();
      let delivered = false;
      for (const { task } of this.tasks.running) if (task.deliverAsync(performance.now() + config.eventLoopBudgetMs)) delivered = true;
      collector.drain(performance.now() + config.eventLoopBudgetMs);
      committer.poll();
      if (delivered) await yieldToEventLoop();
      else await waker.wait(config.pollMs);
    }
    return true;
  }

  /** Freezes the interval; the rest goes on beside the loop. */
  private async beginCommit(now: number): Promise<void> {
    const { committer, waker } = this.parts;
    this.draining = false;
    this.lastCommit = now;
    const interval = await this.guarded(() => committer.freeze(this.tasks.running, now));
    if (interval === undefined) return;
    this.committing = committer
      .run(interval)
      .then((outcome) => {
        this.outcome = outcome;
      })
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.committing = undefined;
        waker.wake();
      });
  }

  /** Wait for a commit under way, and react to how it ended. */
  private async settleCommit(): Promise<void> {
    await this.committing;
    this.throwFailure();
    const outcome = this.outcome;
    this.outcome = undefined;
    if (outcome === undefined) return;
    if (outcome.kind === 'committed') this.abortsInARow = 0;
    else await this.recover(outcome);
  }

  /** Commit everything, and wait for it. False: it was aborted, and the tasks stand at their last commit again. */
  private async commitAll(): Promise<boolean> {
    await this.settleCommit();
    if (this.tasks.running.length === 0) return true;
    const quiet = await this.guarded(() => this.quiesce());
    if (quiet !== true) {
      if (quiet === false) await this.dropAsync();
      return false;
    }
    await this.beginCommit(Date.now());
    await this.committing;
    this.throwFailure();
    const outcome = this.outcome as CommitOutcome | undefined;
    this.outcome = undefined;
    if (outcome === undefined || outcome.kind === 'committed') return true;
    await this.recover(outcome);
    return false;
  }

  /** Asynchronous work does not end: the interval cannot be committed. */
  private async dropAsync(): Promise<void> {
    const { logger, collector } = this.parts;
    const tasks = this.tasks.running.filter(({ task }) => task.asyncPending > 0).map(({ name }) => name);
    logger.warn({ tasks }, 'Calls of asynchronous operators did not end in time: they are cancelled, and what was not committed is processed again');
    if (this.stopping) collector.discard();
    else await this.recover({ kind: 'aborted', error: new StreamsError('Calls of asynchronous operators did not end in time', { code: 'ERR_ASYNC_TIMEOUT' }) });
  }

  /** Everything since the last commit is dropped, of all tasks, and they go on from the committed offsets as the coordinator has them. */
  private async recover(outcome: Exclude<CommitOutcome, { kind: 'committed' }>): Promise<void> {
    const { committer, collector, positions, fetcher, logger, purger, member } = this.parts;
    this.abortsInARow++;
    this.draining = false;
    logger.warn(
      { err: outcome.error, inARow: this.abortsInARow },
      `A commit was ${outcome.kind === 'fatal' ? 'refused for good' : 'aborted'}: its tasks go on from their committed offsets`,
    );
    await this.committing;
    this.outcome = undefined;
    collector.discard();
    for (const { state } of this.tasks.running) state.discard();
    purger.discard();
    if (outcome.kind === 'fatal') await committer.restart();
    if (this.abortsInARow > 1) {
      await sleep(Math.min(FIRST_RETRY_PAUSE_MS * 2 ** this.abortsInARow, LONGEST_RETRY_PAUSE_MS));
      member.waited();
    }
    if (member.consumer.assignmentLost()) {
      // The revocation is on its way; until it is here nothing is processed.
      await this.closeTasks(this.tasks.all);
      return;
    }
    if (outcome.changesSent === true && !this.stopping) {
      await this.restartRunning();
      return;
    }
    const running = this.tasks.running;
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
    const running = [...this.tasks.running];
    await this.closeTasks(running);
    this.startTasks(running.map(({ id }) => id));
  }

  private startTasks(ids: readonly TaskId[]): void {
    const { factory, starter } = this.parts;
    const owners: OwnedTask[] = [];
    for (const id of ids) {
      if (this.tasks.get(id.id) !== undefined) continue;
      const owner = factory.create(id);
      this.tasks.add(owner);
      owners.push(owner);
    }
    this.noteReady();
    if (owners.length > 0) void starter.start(owners);
  }

  private async rebalance(event: RebalanceEvent): Promise<void> {
    const { member, logger } = this.parts;
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
      await this.revoked(event.partitions, event.lost || member.consumer.assignmentLost());
      member.release(event.partitions);
    }
    this.joined = true;
    this.noteReady();
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const { member, registry, describe, tasksPartitions } = this.parts;
    if (partitions.length === 0) return;
    await registry.agree(describe, member.owned.size === tasksPartitions);
    this.startTasks(this.tasksOf(partitions));
  }

  private async revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    const { collector, committer } = this.parts;
    // Asked again after the commit, which starts the tasks anew when it is aborted.
    const leaving = (): OwnedTask[] => this.tasksOf(partitions).flatMap(({ id }) => this.tasks.get(id) ?? []);
    if (lost) {
      await this.committing;
      const fatal = (this.outcome as CommitOutcome | undefined)?.kind === 'fatal';
      this.outcome = undefined;
      collector.discard();
      if (fatal) await committer.restart();
    } else if (leaving().length > 0) {
      await this.commitAll();
    }
    await this.closeTasks(leaving());
  }

  private tasksOf(partitions: readonly TopicPartition[]): TaskId[] {
    return partitions.flatMap(({ partition }) => tasksOfPartition(this.parts.layout.tasks, partition, this.parts.tasksPartitions));
  }

  /** What was not committed is dropped with the state's buffers. */
  private async closeTasks(owners: readonly OwnedTask[]): Promise<void> {
    const { fetcher, restorer, purger } = this.parts;
    if (owners.length === 0) return;
    const running = owners.filter((owner) => owner.phase === 'running');
    this.tasks.remove(owners);
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
    this.noteReady();
  }

  private async startTask(owner: OwnedTask): Promise<void> {
    const { starter, fetcher } = this.parts;
    if (owner.phase === 'closed') return;
    starter.restored(owner, Date.now());
    for (const position of owner.positions.values()) owner.task.setCommitted(position);
    owner.task.initialize();
    await fetcher.add(owner);
    this.tasks.nowRuns(owner);
    owner.logger.info('The task runs');
  }

  /** Errors of the record path stop the service, but for those that a fresh start cures. */
  private async processingFailed(error: unknown): Promise<void> {
    if (error instanceof KafkaClientError && (error.kafkaCode === KafkaErrorCode.autoOffsetReset || error.kafkaCode === KafkaErrorCode.offsetOutOfRange)) {
      await this.settleCommit();
      await this.recover({ kind: 'aborted', error });
      return;
    }
    const unknown = unknownTopic(error);
    if (unknown !== undefined && (await this.parts.metadata.refresh(new Set([unknown]))).length === 0) {
      await this.settleCommit();
      await this.recover({ kind: 'aborted', error: error as Error });
      return;
    }
    throw error;
  }

  private async guarded<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      await this.processingFailed(error);
      return undefined;
    }
  }

  private maintain(now: number): void {
    const { purger, config, logger, directory } = this.parts;
    purger.purgeWhenDue(now);
    if (now - this.lastMaintenance < MAINTENANCE_EVERY_MS || this.committing !== undefined) return;
    this.lastMaintenance = now;
    cleanState(directory, (task) => this.tasks.get(task) !== undefined, config.stateCleanupDelayMs, now, logger);
    for (const { state, changelogs } of this.tasks.running) for (const changelog of changelogs) state.markCaughtUp(changelog.store, now);
  }

  /** How long the loop may sleep when there is nothing to do. */
  private idleMs(now: number): number {
    const { config } = this.parts;
    let wait = config.pollMs;
    for (const { task } of this.tasks.running) {
      // A commit waits for calls of this task, whose ends wake the loop.
      if (this.draining && task.isAsync) continue;
      if (task.nextWallClockPunctuation !== undefined) wait = Math.min(wait, task.nextWallClockPunctuation - now);
      if (task.commitNeeded && this.committing === undefined && !this.draining) wait = Math.min(wait, this.lastCommit + config.commitIntervalMs - now);
    }
    return Math.max(1, wait);
  }

  private noteReady(): void {
    if (this.ended) return;
    if (!this.joined) this.joined = this.parts.member.gotNothing(Date.now());
    const ready = this.joined && this.tasks.allRunning && !this.parts.member.hasEvents;
    if (ready === this.ready) return;
    this.ready = ready;
    this.parts.onReady(ready);
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

function unknownTopic(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof UnknownTopicError) return cause.topic;
  return undefined;
}

import type { Logger } from 'pino';
import { StreamsError } from '../../errors.ts';
import type { Committer } from '../commit/committer.ts';
import type { Purger } from '../commit/purger.ts';
import type { ResolvedConfig } from '../config.ts';
import type { GroupMember } from '../group/member.ts';
import type { KafkaRecordCollector } from '../kafka-record-collector.ts';
import { yieldToEventLoop } from '../retry.ts';
import type { TopicMetadata } from '../topics/topic-metadata.ts';
import type { AsyncDrain } from './async-drain.ts';
import type { CommitUnderWay } from './commit-under-way.ts';
import { isCurable } from './curable-errors.ts';
import type { LoopSignals } from './loop-signals.ts';
import type { OwnedTask } from './owned-task.ts';
import type { OwnedTasks } from './owned-tasks.ts';
import type { Readiness } from './readiness.ts';
import type { RebalanceHandler } from './rebalance-handler.ts';
import type { FailedCommit, Recovery } from './recovery.ts';
import type { SourceFetcher } from './source-fetcher.ts';
import { cleanState } from './state-cleaner.ts';
import type { TaskLifecycle } from './task-lifecycle.ts';
import type { Waker } from './waker.ts';

export interface StreamThreadParts {
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  /** `<stateDir>/<applicationId>`. */
  readonly directory: string;
  readonly waker: Waker;
  readonly signals: LoopSignals;
  readonly member: GroupMember;
  readonly rebalances: RebalanceHandler;
  readonly tasks: OwnedTasks;
  readonly lifecycle: TaskLifecycle;
  readonly readiness: Readiness;
  readonly fetcher: SourceFetcher;
  readonly collector: KafkaRecordCollector;
  readonly committer: Committer;
  readonly commit: CommitUnderWay;
  readonly asyncDrain: AsyncDrain;
  readonly recovery: Recovery;
  readonly purger: Purger;
  readonly metadata: TopicMetadata;
}

/** Records processed between two looks at the clock. */
const CLOCK_EVERY = 16;
/** How often stores are marked as caught up, so that a crash does not make them look old. */
const MAINTENANCE_EVERY_MS = 600_000;

/**
 * The loop. A turn handles rebalances, takes what was fetched, processes for at most the event loop's budget, punctuates and commits when it is due; while a commit is under way at the
 * brokers, the next interval is processed. Everything that takes time runs beside it: fetching, restoring, committing.
 */
export class StreamThread {
  private readonly parts: StreamThreadParts;
  private readonly transactional: boolean;
  private readonly tasks: OwnedTasks;
  private readonly signals: LoopSignals;
  private readonly commit: CommitUnderWay;
  private lastCommit = Date.now();
  private lastMaintenance = Date.now();
  /** A commit waits for asynchronous operators: their tasks take no new records. */
  private draining = false;
  private readonly restored: OwnedTask[] = [];

  constructor(parts: StreamThreadParts) {
    this.parts = parts;
    this.tasks = parts.tasks;
    this.signals = parts.signals;
    this.commit = parts.commit;
    this.transactional = parts.config.processingGuarantee === 'exactly_once_v2';
  }

  /** Runs until it is told to stop, or until an error that stops the service, which it throws. Tasks are closed then, and committed in the first case. */
  async run(): Promise<void> {
    const { readiness, lifecycle, logger } = this.parts;
    try {
      while (!this.signals.stopping) await this.turn();
      await this.settleCommit();
      await this.commitAll();
    } catch (error) {
      readiness.end();
      await this.commit.ended();
      await lifecycle.close(this.tasks.all).catch((closing: unknown) => logger.error({ err: closing }, 'A task could not be closed cleanly'));
      throw error;
    }
    readiness.end();
    await lifecycle.close(this.tasks.all);
  }

  /** The restorer has read all stores of a task. */
  taskRestored(owner: OwnedTask): void {
    this.restored.push(owner);
    this.parts.waker.wake();
  }

  private async turn(): Promise<void> {
    const { member, rebalances, lifecycle, readiness, fetcher, collector, committer, config, waker } = this.parts;
    const now = Date.now();
    member.turn(now);
    this.signals.throwFailure();
    for (let event = member.nextEvent(); event !== undefined; event = member.nextEvent()) await rebalances.handle(event, () => this.commitAll());
    if (this.commit.hasOutcome) await this.settleCommit();
    if (!this.transactional && member.suspect && !(await member.stillMember(this.tasks.committedPositions())))
      await this.recover({ kind: 'aborted', error: new Error('membership lost') });
    while (this.restored.length > 0) await lifecycle.run(this.restored.shift() as OwnedTask);
    readiness.note();

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
    if (this.commitDue(now)) {
      // Flushing caches takes as long as processing did: the event loop gets a turn between the two.
      if (busy) await yieldToEventLoop();
      await this.commitWhenDrained(now);
    } else {
      this.draining = false;
    }
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
    const deadline = performance.now() + config.eventLoopBudgetMs / (this.commit.isRunning ? 2 : 1);
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
    return !this.commit.isRunning || this.uncommittedBytes() < config.statestoreUncommittedMaxBytes;
  }

  private uncommittedBytes(): number {
    let bytes = this.parts.collector.pendingBytes;
    for (const { state } of this.tasks.running) bytes += state.uncommittedBytes;
    return bytes;
  }

  private commitDue(now: number): boolean {
    const { config, collector } = this.parts;
    if (this.commit.isRunning || this.commit.hasOutcome) return false;
    const running = this.tasks.running;
    const due =
      now - this.lastCommit >= config.commitIntervalMs ||
      running.some(({ task }) => task.commitRequested) ||
      this.uncommittedBytes() > config.statestoreUncommittedMaxBytes;
    return due && (collector.hasPending || running.some(({ task }) => task.commitNeeded));
  }

  /** Begins the commit, or lets asynchronous work go on that it has to wait for. Others of the tasks go on as well. */
  private async commitWhenDrained(now: number): Promise<void> {
    const drained = await this.guarded(() => this.parts.asyncDrain.isDrained());
    this.draining = drained === false;
    if (drained) await this.beginCommit(now);
  }

  /** Freezes the interval; the rest goes on beside the loop. */
  private async beginCommit(now: number): Promise<void> {
    this.draining = false;
    this.lastCommit = now;
    const interval = await this.guarded(() => this.parts.committer.freeze(this.tasks.running, now));
    if (interval !== undefined) this.commit.begin(interval);
  }

  /** Wait for a commit under way, and react to how it ended. */
  private async settleCommit(): Promise<void> {
    await this.commit.ended();
    this.signals.throwFailure();
    const outcome = this.commit.takeOutcome();
    if (outcome === undefined) return;
    if (outcome.kind === 'committed') this.parts.recovery.committed();
    else await this.recover(outcome);
  }

  /** Commit everything, and wait for it. When that fails, the tasks stand at their last commit again. */
  private async commitAll(): Promise<void> {
    await this.settleCommit();
    if (this.tasks.running.length === 0) return;
    const drained = await this.guarded(() => this.parts.asyncDrain.drain());
    if (drained === false) await this.dropAsync();
    if (drained !== true) return;
    await this.beginCommit(Date.now());
    await this.commit.ended();
    this.signals.throwFailure();
    const outcome = this.commit.takeOutcome();
    if (outcome !== undefined && outcome.kind !== 'committed') await this.recover(outcome);
  }

  /** Asynchronous work does not end: the interval cannot be committed. */
  private async dropAsync(): Promise<void> {
    const { logger, collector } = this.parts;
    const tasks = this.tasks.running.filter(({ task }) => task.asyncPending > 0).map(({ name }) => name);
    logger.warn({ tasks }, 'Calls of asynchronous operators did not end in time: they are cancelled, and what was not committed is processed again');
    if (this.signals.stopping) collector.discard();
    else await this.recover({ kind: 'aborted', error: new StreamsError('Calls of asynchronous operators did not end in time', { code: 'ERR_ASYNC_TIMEOUT' }) });
  }

  /** No commit waits for asynchronous operators after it: what they hold is forgotten. */
  private async recover(failed: FailedCommit): Promise<void> {
    this.draining = false;
    await this.parts.recovery.recover(failed);
  }

  /** Errors of the record path stop the service, but for those that a fresh start cures. */
  private async processingFailed(error: unknown): Promise<void> {
    if (!(await isCurable(error, this.parts.metadata))) throw error;
    await this.settleCommit();
    await this.recover({ kind: 'aborted', error: error as Error });
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
    if (now - this.lastMaintenance < MAINTENANCE_EVERY_MS || this.commit.isRunning) return;
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
      if (task.commitNeeded && !this.commit.isRunning && !this.draining) wait = Math.min(wait, this.lastCommit + config.commitIntervalMs - now);
    }
    return Math.max(1, wait);
  }
}

import type { Logger } from 'pino';
import { IllegalStateError, StreamsError } from '../../errors.ts';
import {
  type Admin,
  type KafkaClients,
  type MembershipConsumer,
  type Producer,
  partitionKey,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../kafka/contract.ts';
import { KafkaClientError, KafkaErrorCode } from '../../kafka/errors.ts';
import type { FrozenWrites } from '../../state/contract/task-state.ts';
import type { ResolvedConfig } from '../config.ts';
import type { KafkaRecordCollector, OutgoingRecord } from '../kafka-record-collector.ts';
import { COMMITTED_META } from '../restore/restore-plan.ts';
import { isRetriable, retrying, yieldToEventLoop } from '../retry.ts';
import type { OwnedTask } from '../thread/owned-task.ts';
import type { CommitInterval, CommitOutcome } from './interval.ts';
import { produceAll, producerFailure } from './produce-all.ts';

export interface CommitterOptions {
  readonly clients: KafkaClients;
  readonly admin: Admin;
  readonly membership: MembershipConsumer;
  readonly collector: KafkaRecordCollector;
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly transactionalId: string;
  /** Look up partition counts of topics that are not known yet. Returns those that do not exist. */
  readonly resolveTopics: (topics: ReadonlySet<string>) => Promise<string[]>;
  /** Called before changelog records of an at-least-once interval are produced. False: this member may have been replaced, drop the interval. */
  readonly stillMember: () => Promise<boolean>;
  /** At-least-once: asked before each record, since the process may be frozen between any two. */
  readonly mayProduce: () => boolean;
  /** An output record was refused and the production handler says to go on without it. */
  readonly onDropped: (topic: string) => void;
  /** Changelog end offsets are known and the interval is committed. */
  readonly onCommitted: (interval: CommitInterval, changelogEnds: ReadonlyMap<string, number>) => void;
}

const FULL_COMMIT_INTERVAL_MS = 6 * 3_600_000;
/** Turns of the event loop in which the reports of refused records arrive. */
const REPORT_TURNS = 3;

/**
 * The commit protocol. State is written last, so that it is only ever behind Kafka, never ahead:
 *
 *     1. freeze     caches flush downstream; dirty entries are serialised, set aside and logged     `freeze`
 *     2. Kafka      exactly-once: begin, produce, flush, (3), sendOffsets, commit                     `run`
 *                   else produce, flush, (3), commit offsets
 *     3. ends       one listOffsets of the changelogs touched
 *     4. SQLite     entries and end offsets, one transaction a task
 *
 * The ends are asked for before the group accepts the offsets: a process that is frozen, and replaced, after its commit would otherwise take the end of what its successor
 * has written for its own, and skip that for ever. When the offsets are accepted, nobody else had written before.
 *
 * While `run` is under way the next interval may be processed: its output waits in the collector.
 */
export class Committer {
  private readonly options: CommitterOptions;
  private readonly transactional: boolean;
  /** A commit under way shares the event loop with the processing of the next interval: each takes half of the budget. */
  private readonly budgetMs: number;
  private producer: Producer | undefined;

  constructor(options: CommitterOptions) {
    this.options = options;
    this.budgetMs = options.config.eventLoopBudgetMs / 2;
    this.transactional = options.config.processingGuarantee === 'exactly_once_v2';
  }

  /** Connect a producer; under exactly-once also wait for, or abort, what an earlier process of this state directory left open. */
  async start(): Promise<void> {
    const { clients, config, logger, collector } = this.options;
    const producer = clients.producer({
      ...(this.transactional ? { transactionalId: this.options.transactionalId } : { overrides: deliveryTimeout(config) }),
      transactionTimeoutMs: config.transactionTimeoutMs,
    });
    this.producer = producer;
    await producer.connect(config.requestTimeoutMs);
    if (this.transactional)
      await retrying('initialise transactions', { timeoutMs: config.taskTimeoutMs, logger }, () => producer.initTransactions(config.requestTimeoutMs));
    collector.useProducer(producer);
  }

  /** After a fatal error: a new producer takes over the transactional id. */
  async restart(): Promise<void> {
    await this.close();
    await this.start();
  }

  poll(): void {
    this.producer?.poll();
  }

  async close(): Promise<void> {
    await this.producer?.close(this.options.config.requestTimeoutMs);
    this.producer = undefined;
  }

  /** Step 1. Nothing may be processed until it resolves. Undefined when there is nothing to commit. */
  async freeze(tasks: readonly OwnedTask[], now: number): Promise<CommitInterval | undefined> {
    const { config, collector } = this.options;
    for (const { task } of tasks) await task.prepareCommitAsync(config.eventLoopBudgetMs);
    const frozen = new Map<OwnedTask, FrozenWrites>();
    const offsets: TopicPartitionOffset[] = [];
    let deadline = performance.now() + config.eventLoopBudgetMs;
    for (const owner of tasks) {
      if (!owner.allCommitted) owner.state.setMeta(COMMITTED_META, '1');
      const writes = owner.state.freeze();
      if (writes !== null) frozen.set(owner, writes);
      // Offsets of idle partitions expire at the broker, since nobody subscribes to them: name them all now and then.
      const full = !owner.allCommitted || now - owner.lastFullCommit > FULL_COMMIT_INTERVAL_MS;
      if (full) owner.lastFullCommit = now;
      offsets.push(...owner.task.offsetsToCommit(full));
      owner.task.committed();
      if (performance.now() > deadline) {
        await yieldToEventLoop();
        deadline = performance.now() + config.eventLoopBudgetMs;
      }
    }
    const pending = collector.hasPending;
    const outgoing = collector.take();
    if (!pending && offsets.length === 0 && frozen.size === 0) return undefined;
    // Without offsets a transaction would not be fenced by the group.
    if (offsets.length === 0) for (const owner of tasks) offsets.push(...owner.positions.values());
    return { tasks, outgoing, offsets, frozen };
  }

  /**
   * Steps 2 to 4.
   * @throws when the service has to stop: the outcome stayed unknown, a record was refused for good, or the state cannot be written.
   */
  async run(interval: CommitInterval): Promise<CommitOutcome> {
    const ends = new Map<string, number>();
    const outcome = this.transactional ? await this.commitTransaction(interval, ends) : await this.commitAtLeastOnce(interval, ends);
    if (outcome.kind !== 'committed') return outcome;
    for (const owner of interval.tasks) owner.allCommitted = true;
    const byTask = new Map(interval.tasks.flatMap((owner) => owner.inputs.map((input) => [partitionKey(input), owner] as const)));
    for (const offset of interval.offsets) byTask.get(partitionKey(offset))?.setPosition(offset);
    await this.applyState(interval, ends);
    return outcome;
  }

  private async commitTransaction(interval: CommitInterval, ends: Map<string, number>): Promise<CommitOutcome> {
    const { config, membership } = this.options;
    const producer = this.producer as Producer;
    const { outputs, changes } = interval.outgoing;
    let refused: Error | undefined;
    try {
      await this.resolvePartitions(outputs);
      await this.repeat('begin a transaction', () => producer.beginTransaction());
      await produceAll(producer, known(outputs), this.budgetMs, always, (record, error) => {
        refused ??= this.refused(record, error);
      });
      await produceAll(producer, changes, this.budgetMs, always, (record, error) => {
        refused ??= this.refused(record, error, true);
      });
      if (refused === undefined) {
        await this.askEnds(interval, ends, () => this.repeat('flush the producer', () => producer.flush(config.requestTimeoutMs)));
        await this.repeat('send offsets to the transaction', () => producer.sendOffsetsToTransaction(interval.offsets, membership, config.requestTimeoutMs));
        await this.repeat('commit the transaction', () => producer.commitTransaction(config.requestTimeoutMs));
        return { kind: 'committed' };
      }
    } catch (error) {
      if (!isReaction(error)) throw error;
      if (error.reaction === 'fatal') return { kind: 'fatal', error };
      const refusal = await this.whyRefused(producer);
      const aborted = await this.abort(producer, error);
      if (aborted.kind === 'fatal') return aborted;
      // The transaction failed because a record was refused: it would be refused again.
      if (refusal !== undefined) throw refusal;
      return aborted;
    }
    await this.abort(producer, refused);
    throw refused;
  }

  /** Reports of refused records travel on another road than the error of the transaction, and an abort discards them. */
  private async whyRefused(producer: Producer): Promise<StreamsError | undefined> {
    for (let turn = 0; turn < REPORT_TURNS; turn++) {
      producer.poll();
      await yieldToEventLoop();
    }
    const failure = producer.takeFailures().find(({ error }) => permanently(error));
    return failure === undefined ? undefined : this.refusedByBroker(failure);
  }

  private async abort(producer: Producer, reason: Error): Promise<CommitOutcome> {
    try {
      await this.repeat('abort the transaction', () => producer.abortTransaction(this.options.config.requestTimeoutMs));
      return { kind: 'aborted', error: reason };
    } catch (error) {
      if (!isReaction(error)) throw error;
      return { kind: 'fatal', error };
    }
  }

  private async commitAtLeastOnce(interval: CommitInterval, ends: Map<string, number>): Promise<CommitOutcome> {
    const { config, collector } = this.options;
    const producer = this.producer as Producer;
    const { outputs, changes } = interval.outgoing;
    let refused: Error | undefined;
    let changesSent = false;
    collector.hold();
    try {
      const direct = collector.takeFailure();
      if (direct !== undefined) {
        const failed = producerFailure(direct.error);
        if (failed !== undefined) throw failed;
        refused = this.refused(direct.record, direct.error);
      }
      await this.resolvePartitions(outputs);
      if (!(await this.options.stillMember()))
        return { kind: 'aborted', error: new IllegalStateError('This member was replaced while the process stood still') };
      await produceAll(producer, known(outputs), this.budgetMs, this.options.mayProduce, (record, error) => {
        refused ??= this.refused(record, error);
      });
      changesSent = changes.length > 0;
      await produceAll(producer, changes, this.budgetMs, this.options.mayProduce, (record, error) => {
        refused ??= this.refused(record, error, true);
      });
      if (refused !== undefined) throw refused;
      await this.repeat('flush the producer', () => producer.flush(config.requestTimeoutMs));
      this.checkDelivered(producer, new Set(changes.map(({ topic }) => topic)));
      await this.askEnds(interval, ends);
      await this.commitOffsets(interval.offsets);
      return { kind: 'committed' };
    } catch (error) {
      if (!isReaction(error)) throw error;
      return { kind: error.reaction === 'fatal' ? 'fatal' : 'aborted', error, changesSent };
    } finally {
      collector.release();
    }
  }

  /**
   * A rebalance that this member takes part in makes its commits fail until it has heard of the new generation; they are repeated then. Its tasks stay its own meanwhile: others get
   * them only after it has released them, or when it has lost them, which it knows.
   */
  private commitOffsets(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    const { config, logger, membership } = this.options;
    const retriable = (error: unknown): boolean =>
      isRetriable(error) || (isReaction(error) && error.kafkaCode === KafkaErrorCode.illegalGeneration && !membership.assignmentLost());
    return retrying('commit offsets', { timeoutMs: config.taskTimeoutMs, logger, retriable }, () => membership.commit(offsets, config.requestTimeoutMs));
  }

  /** Step 3. `delivered` sees to it that the interval's records are in the log before. */
  private async askEnds(interval: CommitInterval, ends: Map<string, number>, delivered?: () => Promise<void>): Promise<void> {
    const { admin, config } = this.options;
    const touched: TopicPartition[] = [];
    for (const [owner, writes] of interval.frozen) {
      for (const changelog of owner.changelogs)
        if (!changelog.isSource && writes.stores.includes(changelog.store)) touched.push({ topic: changelog.topic, partition: changelog.partition });
    }
    if (touched.length === 0) return;
    await delivered?.();
    const found = await this.repeat('list the ends of the changelogs', () => admin.listOffsets(touched, 'latest', 'read_uncommitted', config.requestTimeoutMs));
    for (const [key, end] of found) ends.set(key, end);
  }

  /** Step 4. */
  private async applyState(interval: CommitInterval, ends: ReadonlyMap<string, number>): Promise<void> {
    const { onCommitted } = this.options;
    onCommitted(interval, ends);
    for (const [owner, writes] of interval.frozen) {
      if (owner.phase === 'closed') continue;
      const offsets = new Map<string, number>();
      for (const changelog of owner.changelogs) {
        // A source that serves as changelog stands where its own committed offset does.
        const end = changelog.isSource ? owner.positions.get(partitionKey(changelog))?.offset : ends.get(partitionKey(changelog));
        if (end !== undefined) offsets.set(changelog.store, end);
      }
      await owner.state.apply(writes, offsets);
    }
  }

  /** Records to topics that were unknown when they were produced get their partition now. */
  private async resolvePartitions(records: readonly OutgoingRecord[]): Promise<void> {
    const unknown = new Set<string>();
    for (const record of records) if (record.partition < 0) unknown.add(record.topic);
    if (unknown.size === 0) return;
    const missing = new Set(await this.options.resolveTopics(unknown));
    for (const record of records) {
      if (record.partition >= 0) continue;
      if (missing.has(record.topic)) {
        const stop = this.refused(record, new StreamsError('The topic does not exist: create it', { code: 'ERR_UNKNOWN_TOPIC', topic: record.topic }));
        if (stop !== undefined) throw stop;
      } else {
        record.partition = this.options.collector.partitionFor(record.topic, record.key);
      }
    }
  }

  /** What the production handler says of a record that was refused: undefined to go on without it, else the error that stops the service. */
  private refused(record: OutgoingRecord, error: Error, isChangelog = false): StreamsError | undefined {
    const handler = this.options.config.productionExceptionHandler;
    if (!isChangelog) {
      const response = typeof handler === 'function' ? handler(undefined, record, error) : handler;
      if ((typeof response === 'string' ? response : response.action) === 'continue') {
        this.options.logger.warn({ topic: record.topic, partition: record.partition, err: error }, 'An output record was refused and is dropped');
        this.options.onDropped(record.topic);
        return undefined;
      }
    }
    // The client's own message says which topic and partition.
    return new StreamsError(`An output record cannot be sent: ${error.message}`, {
      code: 'ERR_PRODUCTION',
      topic: record.topic,
      partition: record.partition,
      cause: error,
    });
  }

  private refusedByBroker(failure: { topic: string; partition: number; error: Error }): StreamsError {
    return new StreamsError(`A record was refused: ${failure.error.message}`, {
      code: 'ERR_PRODUCTION',
      topic: failure.topic,
      partition: failure.partition,
      cause: failure.error,
    });
  }

  /** `flush` succeeds although records were refused: only the failure reports tell. */
  private checkDelivered(producer: Producer, changelogs: ReadonlySet<string>): void {
    for (const failure of producer.takeFailures()) {
      if (this.options.config.productionExceptionHandler !== 'fail' && !changelogs.has(failure.topic)) {
        const stop = this.refused({ topic: failure.topic, partition: failure.partition, key: null, value: null, timestamp: null, headers: [] }, failure.error);
        if (stop === undefined) continue;
        throw stop;
      }
      // Not delivered in time, for which nobody is to blame: the interval is processed again.
      if (isReaction(failure.error) && failure.error.kafkaCode === KafkaErrorCode.messageTimedOut) throw failure.error;
      throw this.refusedByBroker(failure);
    }
  }

  /** Retriable errors repeat the same call and nothing else: the outcome of the first may be success. */
  private repeat<T>(what: string, call: () => Promise<T>): Promise<T> {
    return retrying(what, { timeoutMs: this.options.config.taskTimeoutMs, logger: this.options.logger }, call);
  }
}

/**
 * At-least-once is fenced by nothing. What lies in the producer's queue when the process is frozen must not go out when it wakes up, long replaced: old values would overwrite new
 * ones. So a record that was not sent within half of the session timeout is given up, and the interval is processed again.
 */
function deliveryTimeout(config: ResolvedConfig): { [property: string]: number } {
  if (config.kafka['message.timeout.ms'] !== undefined || config.kafka['delivery.timeout.ms'] !== undefined) return {};
  return { 'message.timeout.ms': Math.max(1000, Math.floor(config.sessionTimeoutMs / 2)) };
}

/** Under exactly-once the transaction is the fence. */
function always(): boolean {
  return true;
}

function known(records: readonly OutgoingRecord[]): readonly OutgoingRecord[] {
  return records.some((record) => record.partition < 0) ? records.filter((record) => record.partition >= 0) : records;
}

function isReaction(error: unknown): error is KafkaClientError {
  return error instanceof KafkaClientError;
}

function permanently(error: Error): boolean {
  return error instanceof KafkaClientError && (error.kafkaCode === KafkaErrorCode.messageTooLarge || error.kafkaCode === 29 || error.kafkaCode === 87);
}

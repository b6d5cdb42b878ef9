import type { Logger } from 'pino';
import { IllegalStateError } from '../../errors.ts';
import type { ConsumedMessage, TopicPartition, TopicPartitionOffset } from '../../kafka/contract.ts';
import { NO_HEADERS } from '../../processor/headers.ts';
import { RecordContext } from '../../processor/record-context.ts';
import type { StateStore } from '../../state/contract/stores.ts';
import type { TaskState } from '../../state/contract/task-state.ts';
import type { ResolvedConfig } from '../config.ts';
import type { NodePlan, StorePlan } from '../plan.ts';
import type { RecordCollector } from '../record-collector.ts';
import { type AsyncSupport, TaskAsyncWork } from './async-work.ts';
import { ErrorHandling } from './error-handling.ts';
import { PartitionGroup } from './partition-group.ts';
import { decodePartitionMetadata, encodePartitionMetadata } from './partition-metadata.ts';
import { PrepareBatch } from './prepare-batch.ts';
import { PunctuationQueue, type PunctuationSchedule } from './punctuation-queue.ts';
import { RecordQueue } from './record-queue.ts';
import { NO_RECORD, TaskContext } from './task-context.ts';
import type { TaskMetrics } from './task-metrics.ts';
import { TaskNodes } from './task-nodes.ts';

export interface StreamTaskOptions {
  /** `subtopology_partition`, for example `0_3`. */
  readonly id: string;
  readonly partition: number;
  /** The sub-topology's nodes, parents before children. */
  readonly nodes: readonly NodePlan[];
  readonly stores: readonly StorePlan[];
  readonly inputs: readonly TopicPartition[];
  readonly collector: RecordCollector;
  readonly state: TaskState;
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number;
  readonly metrics: TaskMetrics;
  /** Needed where the topology may have asynchronous operators. @default nobody is woken */
  readonly async?: AsyncSupport;
}

/**
 * One partition of one sub-topology: its input queues, its nodes, its stores, its clocks. It knows no consumer and no producer; whoever owns it
 * feeds it messages, lets it process, and commits what it says:
 *
 *     openStores → (restore) → setCommitted* → initialize → { add*, process*, punctuate*, prepareCommit, offsetsToCommit, committed }* → close
 *                                                  ↑ after an abort: revive
 *
 * Processing is synchronous, one record at a time, in the order of timestamps over its partitions.
 */
export class StreamTask {
  readonly id: string;
  readonly partition: number;
  readonly metrics: TaskMetrics;
  private readonly options: StreamTaskOptions;
  private readonly context: TaskContext;
  private readonly errors: ErrorHandling;
  private readonly asyncWork: TaskAsyncWork;
  private readonly group: PartitionGroup;
  private readonly streamTimePunctuators = new PunctuationQueue();
  private readonly wallClockPunctuators = new PunctuationQueue();
  private preparation: PrepareBatch;
  private readonly runPunctuator = (schedule: PunctuationSchedule, now: number): void => this.punctuate(schedule, now);
  private nodes: TaskNodes;
  private dirty = false;

  constructor(options: StreamTaskOptions) {
    this.options = options;
    this.id = options.id;
    this.partition = options.partition;
    this.metrics = options.metrics;
    this.context = new TaskContext(options);
    this.context.schedule = (type, schedule) => (type === 'stream-time' ? this.streamTimePunctuators : this.wallClockPunctuators).schedule(schedule);
    this.errors = new ErrorHandling(this.context);
    this.asyncWork = new TaskAsyncWork(this.context, this.errors, options.async);
    this.context.asyncWork = this.asyncWork;
    this.group = new PartitionGroup(options.config.maxTaskIdleMs);
    this.nodes = new TaskNodes(options.nodes, this.context, this.errors);
    this.preparation = new PrepareBatch(this.nodes);
    this.createQueues();
  }

  /** Build the stores and register them with the task's state; restoring them is next. */
  openStores(): void {
    const { stores, state, config } = this.options;
    // A cache without room would pass everything on at once, but not as a store without one does: it forgets deletions of what is not there.
    const caching = config.statestoreCacheMaxBytes > 0;
    for (const { builder, changelogTopic } of stores) {
      const store = builder.build({ caching });
      state.register(store);
      state.init(store, this.context, changelogTopic !== undefined);
    }
  }

  /** True when serdes of its sinks or stores want to prepare before they encode. Known when the stores are open. */
  get needsPrepareEncode(): boolean {
    return this.context.encoders.size > 0;
  }

  /** Let serdes do the I/O that encoding needs, such as registering schemas. To be awaited before `initialize`. */
  prepareEncode(): Promise<void> {
    return this.context.prepareEncode();
  }

  /** Initialise the processors. The stores are restored. */
  initialize(): void {
    this.initNodes();
  }

  /** What was last committed for an input: where it goes on, the partition's time, and what operators keep in the metadata. */
  setCommitted(committed: TopicPartitionOffset): void {
    const queue = this.group.queue(committed.topic);
    if (queue === undefined || queue.partition !== committed.partition) return;
    const { partitionTime, processorMetadata } = decodePartitionMetadata(committed.metadata);
    queue.nextOffset = committed.offset;
    queue.partitionTime = partitionTime;
    const kept = this.context.processorMetadata;
    for (const [key, value] of processorMetadata) kept.set(key, Math.max(value, kept.get(key) ?? value));
  }

  /** True when a serde of its sources wants to see messages before they are decoded. */
  get needsPrepare(): boolean {
    return this.preparation.needed;
  }

  /** Let serdes do their I/O for a polled batch. To be awaited before the batch is added. */
  prepare(messages: readonly ConsumedMessage[]): Promise<void> {
    return this.preparation.run(messages);
  }

  /** Whether a source of the sub-topology reads a topic, by name or by pattern. */
  reads(topic: string): boolean {
    return this.nodes.sourceOf(topic) !== undefined;
  }

  /** Put a message at the end of its partition's queue. */
  add(topic: string, partition: number, message: ConsumedMessage): void {
    const queue = this.group.queue(topic) ?? this.createQueue(topic, partition);
    this.group.add(queue, message);
  }

  buffered(topic: string, _partition?: number): number {
    return this.group.queue(topic)?.length ?? 0;
  }

  get bufferedTotal(): number {
    return this.group.bufferedTotal;
  }

  /** Fetching of an input has reached the broker's end: its empty queue no longer holds up the others (see `maxTaskIdleMs`). */
  caughtUp(topic: string, _partition: number, _endOffset: number): void {
    const queue = this.group.queue(topic);
    if (queue !== undefined) queue.caughtUp = true;
  }

  /** Whether `process` would take a record now. */
  isProcessable(now: number): boolean {
    return !this.asyncWork.full && this.group.isProcessable(now);
  }

  /** Take one record through the sub-topology. False: there is none to take now. */
  process(now: number): boolean {
    if (this.asyncWork.full) return false;
    const queue = this.group.next(now);
    if (queue === undefined) return false;
    const ahead = queue.ahead;
    const message = queue.shift();
    const timestamp = queue.source.process(message, queue.partitionTime, ahead);
    if (timestamp > queue.partitionTime) queue.partitionTime = timestamp;
    queue.nextOffset = message.offset + 1;
    queue.moved = true;
    this.dirty = true;
    this.metrics.processed++;
    this.group.taken(queue);
    return true;
  }

  /** The task has asynchronous operators. Known when it is initialised. */
  get isAsync(): boolean {
    return this.asyncWork.used;
  }

  /** Records that asynchronous operators have taken and whose results have not gone on. A commit waits until there are none, see `prepareCommit`. */
  get asyncPending(): number {
    return this.asyncWork.pending;
  }

  /** All those results are there: only `deliverAsync` is left to do. */
  get asyncSettled(): boolean {
    return this.asyncWork.settled;
  }

  /** Let results of asynchronous operators go on, until `deadline` of `performance.now()`. Returns whether any did. */
  deliverAsync(deadline: number): boolean {
    if (!this.asyncWork.deliver(deadline)) return false;
    this.dirty = true;
    return true;
  }

  /** Let all results go on in the order of their records; to be called when they are `asyncSettled`. */
  deliverAsyncInOrder(): void {
    this.dirty = true;
    this.asyncWork.deliverInOrder();
  }

  /** Highest timestamp seen, -1 before the first record. */
  get streamTime(): number {
    return this.context.streamTime;
  }

  /** Run stream-time punctuators that are due. Returns whether any ran. */
  punctuateStreamTime(): boolean {
    return this.context.streamTime >= 0 && this.streamTimePunctuators.punctuate(this.context.streamTime, this.runPunctuator);
  }

  /** Run wall-clock punctuators that are due at `now`. Returns whether any ran. */
  punctuateWallClock(now: number): boolean {
    return this.wallClockPunctuators.punctuate(now, this.runPunctuator);
  }

  /** Wall-clock time at which the next punctuator is due; undefined when there is none. */
  get nextWallClockPunctuation(): number | undefined {
    return this.wallClockPunctuators.nextTime;
  }

  /** A processor has asked for a commit. */
  get commitRequested(): boolean {
    return this.context.commitRequested;
  }

  /** Something was processed since the last commit. */
  get commitNeeded(): boolean {
    return this.dirty;
  }

  /** Flush caches downstream, as the first step of a commit. Asynchronous operators may take what comes out of them: then it is to be repeated when nothing is pending. */
  prepareCommit(): void {
    this.enterFlush();
    try {
      this.options.state.flushCaches();
    } catch (error) {
      throw this.errors.placed(error);
    }
  }

  /** As {@link prepareCommit}, but gives the event loop a turn after every `budgetMs`. */
  async prepareCommitAsync(budgetMs: number): Promise<void> {
    const { state } = this.options;
    if (state.flushCachesAsync === undefined) {
      this.prepareCommit();
      return;
    }
    this.enterFlush();
    try {
      await state.flushCachesAsync(budgetMs);
    } catch (error) {
      throw this.errors.placed(error);
    }
  }

  /**
   * The next offset of each input that moved since the last commit; of every input whose position is known when operators have changed what they
   * keep in the metadata, or when `all` is set (a recommit, so that brokers do not expire offsets of idle partitions).
   */
  offsetsToCommit(all = false): TopicPartitionOffset[] {
    if (this.asyncWork.pending > 0)
      throw new IllegalStateError('Records of asynchronous operators are under way: their offsets cannot be committed', { taskId: this.id });
    const everything = all || this.context.processorMetadataMoved;
    const offsets: TopicPartitionOffset[] = [];
    const kept = this.context.metadataToCommit();
    for (const queue of this.group.all) {
      if (!queue.moved && !everything) continue;
      if (queue.nextOffset < 0) continue;
      const { topic, partition } = queue;
      // The head of the queue, if there is one, is behind markers of transactions that need not be read again.
      const offset = queue.head()?.offset ?? queue.nextOffset;
      offsets.push({ topic, partition, offset, metadata: encodePartitionMetadata(queue.partitionTime, kept) });
    }
    return offsets;
  }

  /** The commit succeeded. */
  committed(): void {
    for (const queue of this.group.all) queue.moved = false;
    this.context.processorMetadataMoved = false;
    this.context.commitRequested = false;
    this.dirty = false;
  }

  /**
   * Start over from what is committed, after an abort: queues, stream time, punctuators and processors are dropped, and processors made and
   * initialised afresh. The stores stay; `TaskState.discard()` has taken them back.
   */
  revive(committed: readonly TopicPartitionOffset[]): void {
    this.closeProcessors();
    this.asyncWork.reset();
    this.group.clear();
    this.resetContext();
    this.nodes = new TaskNodes(this.options.nodes, this.context, this.errors);
    this.preparation = new PrepareBatch(this.nodes);
    for (const queue of this.group.all) queue.source = this.sourceOf(queue.topic);
    for (const offset of committed) this.setCommitted(offset);
    this.initNodes();
  }

  /** Close the processors. The state is closed by its owner. */
  close(): void {
    this.streamTimePunctuators.clear();
    this.wallClockPunctuators.clear();
    this.group.clear();
    this.asyncWork.reset();
    this.nodes.close();
  }

  private initNodes(): void {
    // What a processor writes to its stores in `init` carries the wall clock, as in Java.
    this.context.recordContext = new RecordContext('', -1, -1, this.options.now(), NO_HEADERS, false);
    this.nodes.init();
    this.context.recordContext = NO_RECORD;
  }

  private createQueues(): void {
    for (const { topic, partition } of this.options.inputs) this.createQueue(topic, partition);
  }

  private createQueue(topic: string, partition: number): RecordQueue {
    const queue = new RecordQueue(topic, partition, this.sourceOf(topic));
    this.group.addQueue(queue);
    return queue;
  }

  private sourceOf(topic: string): RecordQueue['source'] {
    const source = this.nodes.sourceOf(topic);
    if (source === undefined) throw new IllegalStateError(`No source of the task's sub-topology reads topic ${topic}`, { taskId: this.id, topic });
    return source;
  }

  /** An error of a user's `close` must not keep a task from starting over. */
  private closeProcessors(): void {
    try {
      this.nodes.close();
    } catch (error) {
      this.options.logger.warn({ err: error }, 'A processor threw while it was closed');
    }
  }

  private resetContext(): void {
    const context = this.context;
    this.streamTimePunctuators.clear();
    this.wallClockPunctuators.clear();
    context.recordContext = NO_RECORD;
    context.message = null;
    context.streamTime = -1;
    context.processorMetadata = new Map();
    this.committed();
  }

  private punctuate(schedule: PunctuationSchedule, now: number): void {
    this.dirty = true;
    this.metrics.punctuated++;
    this.context.message = null;
    this.context.recordContext = new RecordContext('', -1, -1, now, NO_HEADERS, false);
    try {
      schedule.punctuator(now);
    } catch (error) {
      this.errors.processing(error, schedule.node.name, null);
    }
  }

  private enterFlush(): void {
    this.context.message = null;
    this.context.recordContext = NO_RECORD;
  }
}

import type { Logger } from 'pino';
import { type ConsumedMessage, type FetchConsumer, type KafkaClients, partitionKey, type TopicPartition } from '../../kafka/contract.ts';
import type { StateStore } from '../../state/contract/stores.ts';
import type { LogIdentity, TaskState } from '../../state/contract/task-state.ts';
import { createTaskState } from '../../state/task/task-state.ts';
import type { ResolvedConfig } from '../config.ts';
import type { GlobalPlan } from '../plan.ts';
import { yieldToEventLoop } from '../retry.ts';
import { globalCollector } from '../task/global-collector.ts';
import { StreamTask } from '../task/stream-task.ts';
import { TaskMetrics } from '../task/task-metrics.ts';
import type { InputPositions } from '../thread/input-positions.ts';

const TASK_ID = 'global';
const CONSUME_MAX = 1000;
const POSITION_META = 'position/';
/** How often what was read is written to the state file. */
const APPLY_EVERY_MS = 1000;

export interface GlobalTablesOptions {
  readonly plan: GlobalPlan;
  readonly clients: KafkaClients;
  readonly positions: InputPositions;
  readonly partitionCounts: ReadonlyMap<string, number>;
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly directory: string;
  readonly identity: LogIdentity;
  readonly onError: (error: unknown) => void;
}

/**
 * Global tables and stores: every instance reads every partition of their topics, to the end before it runs, and follows them from then on. Not synchronised with the tasks' time, and
 * without changelog: the topic is it. What is on disk goes on from the positions that were written with it.
 */
export class GlobalTables {
  private readonly options: GlobalTablesOptions;
  private readonly state: TaskState;
  private readonly task: StreamTask;
  private readonly consumer: FetchConsumer;
  private readonly next = new Map<string, { topic: string; partition: number; offset: number }>();
  private following: Promise<void> | undefined;
  private closed = false;
  private appliedAt = 0;

  constructor(options: GlobalTablesOptions) {
    const { plan, config, directory } = options;
    const logger = options.logger.child({ task: TASK_ID });
    this.options = options;
    this.state = createTaskState({ taskId: TASK_ID, directory, logger, cacheMaxBytes: 0, budgetMs: config.eventLoopBudgetMs });
    this.task = new StreamTask({
      id: TASK_ID,
      partition: 0,
      nodes: plan.nodes,
      stores: plan.stores,
      inputs: plan.sourceTopics.map((topic) => ({ topic, partition: 0 })),
      collector: globalCollector(logger),
      state: this.state,
      // Topics are read as they come: none waits for another.
      config: { ...config, maxTaskIdleMs: -1 },
      logger,
      globalStores: new Map(),
      now: Date.now,
      metrics: new TaskMetrics(),
    });
    this.consumer = options.clients.fetcher({
      isolation: options.positions.isolation,
      groupId: config.applicationId,
      maxPrefetchBytes: Math.ceil(config.fetchMaxPrefetchBytes / 4),
    });
  }

  get stores(): ReadonlyMap<string, StateStore> {
    return this.state.stores;
  }

  /** Open the stores and read their topics to the end. */
  async load(): Promise<void> {
    const { config, plan, identity, positions, partitionCounts, logger } = this.options;
    this.task.openStores();
    if (this.task.needsPrepareEncode) await this.task.prepareEncode();
    const rebuilt = new Set(this.state.identify(identity));
    this.task.initialize();
    const partitions: TopicPartition[] = plan.sourceTopics.flatMap((topic) =>
      Array.from({ length: partitionCounts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
    );
    const [begin, end] = await Promise.all([
      positions.list(partitions, 'earliest', 'read_uncommitted'),
      positions.list(partitions, 'latest', 'read_uncommitted'),
    ]);
    for (const partition of partitions) {
      const key = partitionKey(partition);
      const stored = this.storedPosition(partition, rebuilt);
      const first = begin.get(key) as number;
      const last = end.get(key) as number;
      const offset = stored !== undefined && stored >= first && stored <= last ? stored : first;
      this.next.set(key, { ...partition, offset });
    }
    await this.consumer.connect(config.requestTimeoutMs);
    await this.consumer.incrementalAssign([...this.next.values()]);
    const behind = (): boolean =>
      partitions.some((partition) => (this.next.get(partitionKey(partition)) as { offset: number }).offset < (end.get(partitionKey(partition)) as number));
    while (behind() && !this.closed) await this.step();
    await this.apply();
    logger.info({ topics: plan.sourceTopics }, 'Global tables are loaded');
  }

  /** Keep up with the topics from now on. */
  follow(): void {
    this.following = this.run().catch((error: unknown) => this.options.onError(error));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.following;
    await this.consumer.close();
    this.task.close();
    this.state.close();
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      await this.step();
      if (Date.now() - this.appliedAt > APPLY_EVERY_MS && this.task.commitNeeded) await this.apply();
    }
    await this.apply();
  }

  private async step(): Promise<void> {
    const messages = await this.consumer.consume(CONSUME_MAX, this.options.config.pollMs);
    const ends = this.consumer.takeEndOfPartitions();
    if (messages.length > 0) await this.processBatch(messages);
    for (const { topic, partition, offset } of ends) {
      const next = this.next.get(partitionKey({ topic, partition }));
      if (next !== undefined && offset > next.offset) next.offset = offset;
    }
  }

  private async processBatch(messages: readonly ConsumedMessage[]): Promise<void> {
    if (this.task.needsPrepare) await this.task.prepare(messages);
    for (const message of messages) this.task.add(message.topic, message.partition, message);
    let deadline = performance.now() + this.options.config.eventLoopBudgetMs;
    for (let processed = 1; this.task.process(Date.now()); processed++) {
      if (processed % 16 === 0 && performance.now() > deadline) {
        await yieldToEventLoop();
        deadline = performance.now() + this.options.config.eventLoopBudgetMs;
      }
    }
    for (const message of messages) (this.next.get(partitionKey(message)) as { offset: number }).offset = message.offset + 1;
    if (this.state.uncommittedBytes > this.options.config.statestoreUncommittedMaxBytes) await this.apply();
  }

  private async apply(): Promise<void> {
    this.appliedAt = Date.now();
    this.task.prepareCommit();
    for (const [key, { offset }] of this.next) this.state.setMeta(POSITION_META + key, String(offset));
    const frozen = this.state.freeze();
    this.task.committed();
    if (frozen !== null) await this.state.apply(frozen, new Map(frozen.stores.map((store) => [store, 0])));
  }

  /** Undefined when the topic has to be read from its beginning: its store is in memory only, or was rebuilt. */
  private storedPosition(partition: TopicPartition, rebuilt: ReadonlySet<string>): number | undefined {
    for (const { builder, changelogTopic } of this.options.plan.stores) {
      if (changelogTopic !== partition.topic) continue;
      if (this.state.stores.get(builder.name)?.persistent !== true || rebuilt.has(builder.name)) return undefined;
    }
    const stored = this.state.getMeta(POSITION_META + partitionKey(partition));
    return stored === undefined ? undefined : Number(stored);
  }
}

import { IllegalStateError } from '../errors.ts';
import type { ConsumedMessage } from '../kafka/contract.ts';
import type { Headers } from '../processor/headers.ts';
import { checkAsyncLimits } from '../runtime/async-limits.ts';
import { type ResolvedConfig, resolveConfig, type StreamsConfig } from '../runtime/config.ts';
import type { RunnableTopology, SinkNodePlan, TopologyPlan } from '../runtime/plan.ts';
import type { AsyncSupport } from '../runtime/task/async-work.ts';
import { globalCollector } from '../runtime/task/global-collector.ts';
import { StreamTask } from '../runtime/task/stream-task.ts';
import { TaskMetrics } from '../runtime/task/task-metrics.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';
import type {
  KeyValueStore,
  SessionStore,
  StateStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
  WindowStore,
} from '../state/contract/stores.ts';
import type { TaskState } from '../state/contract/task-state.ts';
import { type Duration, toMillis } from '../time.ts';
import { plainKeyValueStore, plainWindowStore } from './plain-stores.ts';
import type { ProducedRecord } from './produced-record.ts';
import { recordText } from './record-text.ts';
import { TestCollector } from './test-collector.ts';
import { type InputTopicOptions, TestInputTopic } from './test-input-topic.ts';
import { TestOutputTopic } from './test-output-topic.ts';
import { openTestState } from './test-state.ts';

export interface TopologyTestDriverOptions {
  /** Epoch milliseconds. @default 0 */
  initialWallClockMs?: number;
  /**
   * Freeze what aggregators, reducers, mergers, adders and subtractors are given as their aggregate, and what they return: one that changes it in place instead of returning a new
   * object throws a TypeError that says so. Contents of Maps, Sets and Buffers cannot be frozen. @default true
   */
  freezeAggregates?: boolean;
}

/** Counters of the whole topology since the driver was made. */
export interface TestMetrics {
  /** Kafka Streams' `dropped-records-total` over all tasks. */
  readonly droppedRecords: number;
  readonly processedRecords: number;
  readonly sentRecords: number;
  readonly punctuations: number;
}

/**
 * Runs a topology without a broker: the production task, its stores in memory, and topics that are arrays. Everything that follows from an input
 * record is processed before `pipeInput` returns, repartition topics and tables included; a commit follows each record, so record caches hide nothing.
 *
 * All sub-topologies run in one task `0_0` and all topics have one partition. The wall clock stands still unless it is advanced.
 *
 * Asynchronous operators (`mapAsync` and the like) are the exception: a call begins in `pipeInput`, and what follows from its result happens in {@link drain}, or in
 * `await input.pipeInputAsync(…)`, which does both. Results go on when all that are under way have come, in the order of their records, so the output does not depend on
 * which call was faster. Pauses before retries are left out; timeouts are real.
 *
 * @example
 * const driver = new TopologyTestDriver(builder.build());
 * const input = driver.createInputTopic('words', serdes.string, serdes.string);
 * const output = driver.createOutputTopic('counts', serdes.string, serdes.long);
 * input.pipeInput('a', 'x', 10);
 * output.expectKeyValues([['a', 1]]);
 * driver.close();
 */
export class TopologyTestDriver {
  private readonly config: ResolvedConfig;
  private readonly plan: TopologyPlan;
  private readonly collector = new TestCollector();
  private readonly metric = new TaskMetrics();
  private readonly taskState: TaskState;
  private readonly task: StreamTask;
  private readonly globalState: TaskState | undefined;
  private readonly global: StreamTask | undefined;
  private readonly outputs = new Map<string, ProducedRecord[]>();
  private readonly offsets = new Map<string, number>();
  private readonly changelogOf = new Map<string, string>();
  private readonly producedNames = new Set<string>();
  /** Topics that the task has a queue for: those it names, and those that have matched a pattern. */
  private readonly taskInputs: Set<string>;
  private produced: ProducedRecord[] = [];
  /** What `snapshot` has not shown yet. */
  private unshown: ProducedRecord[] = [];
  private draining: Promise<void> | undefined;
  private onWake = (): void => {};
  private wallClock: number;
  private closed = false;

  /**
   * @param config as for `KafkaStreams`, except that applicationId and bootstrapServers may be left out, that SQLite's files are in memory unless
   * `stateDir` is given, and that `emitIntervalMs` is 0 by default.
   * @throws TopologyError, ConfigError
   */
  constructor(topology: RunnableTopology, config: Partial<StreamsConfig> = {}, options: TopologyTestDriverOptions = {}) {
    // Kafka Streams' driver does not hold back results of closed windows either: its wall clock stands still.
    this.config = resolveConfig({ emitIntervalMs: 0, ...config }, { forDriver: true });
    this.wallClock = options.initialWallClockMs ?? 0;
    this.plan = topology.plan({ applicationId: this.config.applicationId });
    checkAsyncLimits(this.plan, this.config.maxPollIntervalMs);
    const now = (): number => this.wallClock;
    const taskConfig = { ...this.config, freezeAggregates: options.freezeAggregates ?? true };
    const shared = { config: taskConfig, logger: this.config.logger, collector: this.collector, metrics: this.metric, now };
    const { global } = this.plan;
    if (global !== undefined) {
      this.globalState = openTestState('global', this.config, config.stateDir);
      const inputs = global.sourceTopics.map((topic) => ({ topic, partition: 0 }));
      const settings = { ...this.config, maxTaskIdleMs: -1 };
      this.global = new StreamTask({
        ...shared,
        ...global,
        config: settings,
        collector: globalCollector(this.config.logger),
        id: 'global',
        partition: 0,
        inputs,
        state: this.globalState,
        globalStores: new Map(),
      });
      this.global.openStores();
    }
    const nodes = this.plan.subtopologies.flatMap((sub) => sub.nodes);
    const stores = [...new Map(this.plan.subtopologies.flatMap((sub) => sub.stores).map((store) => [store.builder.name, store])).values()];
    for (const { builder, changelogTopic } of stores) if (changelogTopic !== undefined) this.changelogOf.set(builder.name, changelogTopic);
    this.taskState = openTestState('0_0', this.config, config.stateDir);
    this.taskInputs = new Set(nodes.flatMap((node) => (node.kind === 'source' && node.pattern === undefined ? node.topics : [])));
    const inputs = [...this.taskInputs].map((topic) => ({ topic, partition: 0 }));
    const globalStores = this.globalState?.stores ?? new Map();
    this.task = new StreamTask({ ...shared, id: '0_0', partition: 0, nodes, stores, inputs, state: this.taskState, globalStores, async: this.asyncSupport() });
    this.task.openStores();
    this.global?.initialize();
    this.task.initialize();
    this.settle();
  }

  /** An input topic with its serdes. */
  createInputTopic<K, V>(topic: string, keySerde: Serde<K>, valueSerde: Serde<V>, options: InputTopicOptions = {}): TestInputTopic<K, V> {
    return new TestInputTopic(this, topic, keySerde, valueSerde, options.startTimestamp ?? this.wallClock, options.autoAdvance ?? 0);
  }

  /** An output topic with its serdes; internal topics may be read too. */
  createOutputTopic<K, V>(topic: string, keySerde: Serde<K>, valueSerde: Serde<V>): TestOutputTopic<K, V> {
    return new TestOutputTopic(topic, keySerde, valueSerde, () => this.queueOf(topic));
  }

  /**
   * Put a record of bytes into an input topic, and process all that follows from it.
   * @throws IllegalStateError when nothing reads the topic; StreamsError when processing fails.
   */
  pipeRaw(topic: string, key: Buffer | null, value: Buffer | null, timestamp: number, headers: Headers): void {
    this.checkOpen();
    if (!this.feed({ topic, partition: 0, key, value, timestamp, headers })) {
      throw new IllegalStateError(`Nothing in the topology reads topic ${topic}: it reads ${this.inputTopics().join(', ') || 'no topic'}`, { topic });
    }
    this.settle();
  }

  /**
   * Wait for the calls of asynchronous operators, and process all that follows from their results, until nothing is under way.
   * @throws StreamsError when processing fails, a call's retries being used up included.
   */
  async drain(): Promise<void> {
    this.checkOpen();
    while (this.task.asyncPending > 0) {
      // A round may be under way for somebody else already.
      this.draining ??= this.drainRound().finally(() => {
        this.draining = undefined;
      });
      await this.draining;
    }
  }

  /** Move the wall clock: due wall-clock punctuators run, each at most once. */
  advanceWallClockTime(duration: Duration): void {
    this.checkOpen();
    this.wallClock += toMillis(duration);
    this.task.punctuateWallClock(this.wallClock);
    this.commit();
    this.settle();
  }

  /** All records produced since the last call, internal topics included, in the order of production. Typed output topics are not affected. */
  takeProduced(): ProducedRecord[] {
    const produced = this.produced;
    this.produced = [];
    return produced;
  }

  /**
   * Everything that was produced since the last call, as text for a snapshot: a record a line, topic, key, value, `@` and timestamp, headers, in the order of production. Keys and
   * values are shown as the topology's sinks wrote them; where that is not known (a topic chosen for each record, a changelog) as text, or as hexadecimal. Typed output topics
   * and `takeProduced` are not affected.
   *
   * @param options `internal`: changelog and repartition topics too. @default false
   *
   * @example
   * t.assert.snapshot(driver.snapshot());
   */
  snapshot(options: { internal?: boolean } = {}): string {
    const records = this.unshown;
    this.unshown = [];
    const internal = new Set(this.plan.subtopologies.flatMap((sub) => sub.internalTopics.map(({ name }) => name)));
    const lines = records
      .filter(({ topic }) => options.internal === true || !internal.has(topic))
      .map((record) => `${record.topic}  ${recordText(this.shown(record, 'key'), this.shown(record, 'value'), record.timestamp, record.headers)}`);
    return lines.join('\n');
  }

  /** Names of all topics written to so far, internal ones included. */
  producedTopicNames(): Set<string> {
    return new Set(this.producedNames);
  }

  /**
   * A store by name, as its processors see it.
   * @throws IllegalStateError when there is none; the message lists those that exist.
   */
  getStateStore<S extends StateStore = StateStore>(name: string): S {
    this.checkOpen();
    const store = this.getAllStateStores().get(name);
    if (store === undefined)
      throw new IllegalStateError(`There is no such state store: there are ${[...this.getAllStateStores().keys()].join(', ') || 'none'}`, { store: name });
    return store as S;
  }

  /** All stores by name, global ones included. */
  getAllStateStores(): Map<string, StateStore> {
    return new Map([...(this.globalState?.stores ?? []), ...this.taskState.stores]);
  }

  /** A key-value store of plain values; of a timestamped one, its values without their timestamps. */
  getKeyValueStore<K, V>(name: string): KeyValueStore<K, V> {
    return plainKeyValueStore<K, V>(this.getStateStore(name), this.builderOf(name)?.kind);
  }

  getTimestampedKeyValueStore<K, V>(name: string): TimestampedKeyValueStore<K, V> {
    return this.getStateStore(name);
  }

  getVersionedKeyValueStore<K, V>(name: string): VersionedKeyValueStore<K, V> {
    return this.getStateStore(name);
  }

  /** A window store of plain values; of a timestamped one, its values without their timestamps. */
  getWindowStore<K, V>(name: string): WindowStore<K, V> {
    return plainWindowStore<K, V>(this.getStateStore(name), this.builderOf(name)?.kind);
  }

  getTimestampedWindowStore<K, V>(name: string): TimestampedWindowStore<K, V> {
    return this.getStateStore(name);
  }

  getSessionStore<K, V>(name: string): SessionStore<K, V> {
    return this.getStateStore(name);
  }

  /** What a store was built from. @internal */
  builderOf(name: string): StoreBuilder | undefined {
    const plans = [...this.plan.subtopologies.flatMap((sub) => sub.stores), ...(this.plan.global?.stores ?? [])];
    return plans.find(({ builder }) => builder.name === name)?.builder;
  }

  metrics(): TestMetrics {
    const { dropped, processed, sent, punctuated } = this.metric;
    return { droppedRecords: dropped, processedRecords: processed, sentRecords: sent, punctuations: punctuated };
  }

  /** Close processors and stores. A second call does nothing. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.task.close();
      this.global?.close();
    } finally {
      this.taskState.close();
      this.globalState?.close();
    }
  }

  private async drainRound(): Promise<void> {
    while (!this.task.asyncSettled) {
      await new Promise<void>((resolve) => {
        this.onWake = resolve;
      });
    }
    if (this.closed) return;
    this.task.deliverAsyncInOrder();
    this.commit();
    this.settle();
  }

  private asyncSupport(): AsyncSupport {
    return {
      wake: () => this.onWake(),
      pause: (_ms, then) => {
        const immediate = setImmediate(then);
        return () => clearImmediate(immediate);
      },
    };
  }

  /** Process what is queued, record by record, each followed by a commit and by feeding back what it produced. */
  private settle(): void {
    this.capture();
    while (this.nextIsReady()) {
      this.task.process(this.wallClock);
      this.task.punctuateStreamTime();
      this.commit();
      this.capture();
    }
  }

  private nextIsReady(): boolean {
    // Queues that are empty hold up the others only as long as `maxTaskIdleMs` says: there is no broker with more.
    if (this.task.bufferedTotal === 0) return false;
    for (const topic of this.taskInputs) if (this.task.buffered(topic) === 0) this.task.caughtUp(topic, 0, this.offsets.get(topic) ?? 0);
    return this.task.isProcessable(this.wallClock);
  }

  private commit(): void {
    if (!this.task.commitNeeded) return;
    this.task.prepareCommit();
    // What asynchronous operators hold is not processed yet; caches are flushed all the same, so that they hide nothing.
    if (this.task.asyncPending > 0) return;
    const state = this.taskState;
    const frozen = state.freeze();
    if (frozen !== null) state.applySync(frozen, this.changelogEnds());
    this.task.committed();
  }

  private capture(): void {
    for (const record of this.collector.take()) {
      this.produced.push(record);
      this.unshown.push(record);
      this.producedNames.add(record.topic);
      this.queueOf(record.topic).push(record);
      if (!this.feed(record)) this.nextOffset(record.topic);
    }
  }

  /** Hand a record to whatever in the topology reads its topic. */
  private feed(record: ProducedRecord): boolean {
    const toTask = this.task.reads(record.topic);
    const toGlobal = this.global?.reads(record.topic) ?? false;
    if (!toTask && !toGlobal) return false;
    const message = this.message(record);
    if (toTask) {
      this.taskInputs.add(record.topic);
      this.task.add(record.topic, 0, message);
    }
    if (toGlobal) this.applyGlobal(message);
    return true;
  }

  private applyGlobal(message: ConsumedMessage): void {
    if (this.global === undefined || this.globalState === undefined) return;
    this.global.add(message.topic, message.partition, message);
    while (this.global.process(this.wallClock));
    this.global.prepareCommit();
    const frozen = this.globalState.freeze();
    if (frozen !== null) this.globalState.applySync(frozen, new Map());
    this.global.committed();
  }

  private message({ topic, key, value, timestamp, headers }: ProducedRecord): ConsumedMessage {
    const message = { topic, partition: 0, offset: this.nextOffset(topic), key, value, timestamp: timestamp ?? this.wallClock };
    return headers.length === 0 ? message : { ...message, headers: headers.map(([name, data]) => ({ [name]: data })) };
  }

  private nextOffset(topic: string): number {
    const offset = this.offsets.get(topic) ?? 0;
    this.offsets.set(topic, offset + 1);
    return offset;
  }

  /** End of the changelog of each store. */
  private changelogEnds(): Map<string, number> {
    return new Map([...this.changelogOf].map(([store, topic]) => [store, this.offsets.get(topic) ?? 0]));
  }

  /** A key or value as its sink's serde reads it; bytes where there is none. */
  private shown({ topic, headers, ...record }: ProducedRecord, part: 'key' | 'value'): unknown {
    const data = record[part];
    if (data === null) return null;
    const { defaultKeySerde, defaultValueSerde } = this.config;
    for (const { nodes } of this.plan.subtopologies) {
      const sink = nodes.find((node): node is SinkNodePlan => node.kind === 'sink' && node.topic === topic);
      if (sink === undefined) continue;
      const serde: Serde<unknown> | undefined = (part === 'key' ? sink.keySerde : sink.valueSerde) ?? (part === 'key' ? defaultKeySerde : defaultValueSerde);
      return (serde?.withDefaults?.(defaultKeySerde, defaultValueSerde) ?? serde)?.deserialize(topic, data, headers) ?? data;
    }
    return data;
  }

  private inputTopics(): string[] {
    const nodes = [...this.plan.subtopologies.flatMap((sub) => sub.nodes), ...(this.plan.global?.nodes ?? [])];
    return nodes.flatMap((node) => (node.kind === 'source' ? (node.pattern === undefined ? node.topics : [String(node.pattern)]) : []));
  }

  private queueOf(topic: string): ProducedRecord[] {
    const queue = this.outputs.get(topic);
    if (queue !== undefined) return queue;
    const created: ProducedRecord[] = [];
    this.outputs.set(topic, created);
    return created;
  }

  private checkOpen(): void {
    if (this.closed) throw new IllegalStateError('The test driver is closed');
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsumedMessage, TopicPartitionOffset } from '../../src/kafka/contract.ts';
import type { Headers } from '../../src/processor/headers.ts';
import { type ResolvedConfig, resolveConfig, type StreamsConfig } from '../../src/runtime/config.ts';
import type { RunnableTopology, StorePlan, SubtopologyPlan } from '../../src/runtime/plan.ts';
import type { RecordCollector } from '../../src/runtime/record-collector.ts';
import { StreamTask } from '../../src/runtime/task/stream-task.ts';
import { TaskMetrics } from '../../src/runtime/task/task-metrics.ts';
import type { StateStore } from '../../src/state/contract/stores.ts';
import type { FrozenWrites, TaskState } from '../../src/state/contract/task-state.ts';
import { createTaskState } from '../../src/state/task/task-state.ts';

/** A record of a topic. `sequence` orders the records of all topics: tasks read in this order, whatever falls between. */
export interface LogRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers: Headers;
  readonly sequence: number;
}

export interface HarnessOptions {
  /** Records that are processed between two commits. @default 1 */
  readonly commitEvery?: number;
  readonly config?: Partial<StreamsConfig>;
}

/** What may happen to the application: see the methods of {@link TaskHarness} of the same names. */
export type Fate = 'abort' | 'abortFrozen' | 'crash' | 'crashBeforeApply' | 'lose';

/** Changelog records handed to a store at a time while it is restored. */
const RESTORE_BATCH = 7;
/** Stands in for the producer's clock where a record has no timestamp. */
const WALL_CLOCK = 0;

class Running {
  readonly task: StreamTask;
  readonly state: TaskState;
  readonly inputs: readonly string[];
  readonly stores: readonly StorePlan[];

  constructor(task: StreamTask, state: TaskState, inputs: readonly string[], stores: readonly StorePlan[]) {
    this.task = task;
    this.state = state;
    this.inputs = inputs;
    this.stores = stores;
  }
}

/**
 * An application of production tasks and production state without a broker: a task for each sub-topology, topics of one partition that are arrays, and exactly-once commits, in
 * which outputs, changelog records and offsets appear together or not at all. Unlike in the test driver a commit comes after so many records, can be aborted, and the
 * application can die at any point and come back with or without its state directory.
 *
 * Tasks read all topics in one order, that of `sequence`, so what runs twice reads the same. The wall clock stands still.
 */
export class TaskHarness implements RecordCollector {
  readonly metrics = new TaskMetrics();
  /** Records processed, those that were processed again included. */
  processed = 0;
  private readonly topology: RunnableTopology;
  private readonly config: ResolvedConfig;
  private readonly commitEvery: number;
  private readonly directory = mkdtempSync(join(tmpdir(), 'millrace-harness-'));
  /** Committed records. */
  private readonly topics = new Map<string, LogRecord[]>();
  private readonly committed = new Map<string, TopicPartitionOffset>();
  /** What each input is to be read from next. */
  private readonly positions = new Map<string, number>();
  private readonly subtopologies: readonly SubtopologyPlan[];
  private pending: Omit<LogRecord, 'sequence'>[] = [];
  private running: Running[] = [];
  private sequence = 0;
  private sinceCommit = 0;

  constructor(topology: RunnableTopology, options: HarnessOptions = {}) {
    this.topology = topology;
    this.config = resolveConfig({ emitIntervalMs: 0, maxTaskIdleMs: -1, stateDir: this.directory, ...options.config }, { forDriver: true });
    this.commitEvery = options.commitEvery ?? 1;
    this.subtopologies = this.topology.plan({ applicationId: this.config.applicationId }).subtopologies;
    this.start();
  }

  /** Append a record to an input topic. It is processed by `run`. */
  pipe(topic: string, key: Buffer | null, value: Buffer | null, timestamp: number, headers: Headers = []): void {
    this.append({ topic, key, value, timestamp, headers });
  }

  /** Process all there is and all that follows from it, with commits on the way and at the end. `before` is called before each record. */
  run(before: () => void = () => {}): void {
    for (;;) {
      before();
      if (this.step()) {
        if (++this.sinceCommit >= this.commitEvery) this.commit();
      } else if (this.running.some(({ task }) => task.commitNeeded)) {
        this.commit();
      } else {
        return;
      }
    }
  }

  /** Process the next record. False: there is none. */
  step(): boolean {
    let next: LogRecord | undefined;
    let reader: Running | undefined;
    for (const candidate of this.running) {
      for (const topic of candidate.inputs) {
        const record = this.topics.get(topic)?.[this.positions.get(topic) ?? 0];
        if (record === undefined || (next !== undefined && record.sequence > next.sequence)) continue;
        next = record;
        reader = candidate;
      }
    }
    if (next === undefined || reader === undefined) return false;
    const offset = this.positions.get(next.topic) ?? 0;
    this.positions.set(next.topic, offset + 1);
    reader.task.add(next.topic, 0, messageOf(next, offset));
    reader.task.process(WALL_CLOCK);
    reader.task.punctuateStreamTime();
    this.processed++;
    return true;
  }

  /** The transaction is committed, and the state files are written. */
  commit(): void {
    for (const { state, stores, writes } of this.transaction()) {
      const ends = new Map<string, number>();
      for (const { builder, changelogTopic, changelogIsSource } of stores) {
        if (changelogTopic === undefined) continue;
        if (changelogIsSource) ends.set(builder.name, this.committed.get(changelogTopic)?.offset ?? 0);
        else if (writes.stores.includes(builder.name)) ends.set(builder.name, this.topics.get(changelogTopic)?.length ?? 0);
      }
      state.applySync(writes, ends);
    }
  }

  /** The transaction is aborted before anything was frozen: the tasks start over from their committed offsets. */
  abort(): void {
    this.discard();
  }

  /** The transaction is aborted when caches are flushed and buffers are frozen. */
  abortFrozen(): void {
    this.freeze();
    this.discard();
  }

  /** The process dies, and comes back with its state directory. */
  crash(): void {
    this.stop((state) => state.close());
  }

  /** The process dies between the commit in Kafka and the state files, and comes back with its state directory. */
  crashBeforeApply(): void {
    this.transaction();
    this.crash();
  }

  /** The process dies, and comes back with an empty state directory. */
  lose(): void {
    this.stop((state) => state.destroy());
  }

  /** Committed records of a topic. */
  records(topic: string): readonly LogRecord[] {
    return this.topics.get(topic) ?? [];
  }

  /** Names of all topics with records. */
  topicNames(): string[] {
    return [...this.topics.keys()].sort();
  }

  get stores(): ReadonlyMap<string, StateStore> {
    return new Map(this.running.flatMap(({ state }) => [...state.stores]));
  }

  /** Changelog topics of the stores that have one which is not an input too. */
  get changelogs(): readonly { readonly store: string; readonly topic: string; readonly kind: string }[] {
    return this.subtopologies.flatMap(({ stores }) =>
      stores.flatMap(({ builder, changelogTopic, changelogIsSource }) =>
        changelogTopic === undefined || changelogIsSource ? [] : [{ store: builder.name, topic: changelogTopic, kind: builder.kind }],
      ),
    );
  }

  close(): void {
    for (const { task, state } of this.running) {
      task.close();
      state.close();
    }
    this.running = [];
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** @internal Collector of the tasks. */
  send(topic: string, _partition: number | undefined, key: Buffer | null, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    // Copies: what was sent may not change afterwards.
    this.pending.push({ topic, key: copy(key), value: copy(value), timestamp: timestamp ?? WALL_CLOCK, headers });
  }

  /** @internal Collector of the tasks. */
  partitionsFor(): number {
    return 1;
  }

  private freeze(): { task: StreamTask; state: TaskState; stores: readonly StorePlan[]; writes: FrozenWrites | null }[] {
    for (const { task } of this.running) task.prepareCommit();
    return this.running.map(({ task, state, stores }) => ({ task, state, stores, writes: state.freeze() }));
  }

  /** Everything of a commit but the state files. */
  private transaction(): { state: TaskState; stores: readonly StorePlan[]; writes: FrozenWrites }[] {
    this.sinceCommit = 0;
    const frozen = this.freeze();
    for (const { task } of frozen) {
      for (const offset of task.offsetsToCommit()) this.committed.set(offset.topic, offset);
      task.committed();
    }
    for (const record of this.pending) this.append(record);
    this.pending = [];
    return frozen.flatMap(({ state, stores, writes }) => (writes === null ? [] : [{ state, stores, writes }]));
  }

  private discard(): void {
    this.pending = [];
    this.sinceCommit = 0;
    for (const { state } of this.running) state.discard();
    this.rewind();
    for (const { task, inputs } of this.running) task.revive(this.committedOf(inputs));
  }

  private stop(end: (state: TaskState) => void): void {
    this.pending = [];
    this.sinceCommit = 0;
    for (const { state } of this.running) end(state);
    this.running = [];
    this.start();
  }

  private start(): void {
    this.rewind();
    for (const subtopology of this.subtopologies) {
      const id = `${subtopology.id}_0`;
      const { nodes, stores } = subtopology;
      const inputs = [...subtopology.sourceTopics, ...subtopology.repartitionSources];
      const { logger, statestoreCacheMaxBytes: cacheMaxBytes } = this.config;
      const state = createTaskState({ taskId: id, directory: this.directory, logger, cacheMaxBytes });
      const task = new StreamTask({
        id,
        partition: 0,
        nodes,
        stores,
        inputs: inputs.map((topic) => ({ topic, partition: 0 })),
        collector: this,
        state,
        config: this.config,
        logger,
        globalStores: new Map(),
        now: () => WALL_CLOCK,
        metrics: this.metrics,
      });
      this.running.push(new Running(task, state, inputs, stores));
      task.openStores();
      for (const store of stores) this.restore(state, store);
      for (const offset of this.committedOf(inputs)) task.setCommitted(offset);
      task.initialize();
    }
  }

  private restore(state: TaskState, { builder, changelogTopic, changelogIsSource }: StorePlan): void {
    if (changelogTopic === undefined) return;
    const log = this.records(changelogTopic);
    const end = changelogIsSource ? (this.committed.get(changelogTopic)?.offset ?? 0) : log.length;
    const from = state.position(builder.name).changelogOffset ?? 0;
    for (let at = from; at < end; at += RESTORE_BATCH) {
      const next = Math.min(end, at + RESTORE_BATCH);
      const records = log.slice(at, next).flatMap(({ key, ...record }, index) => (key === null ? [] : [{ ...record, key, offset: at + index }]));
      state.restore(builder.name, records, next);
    }
  }

  private rewind(): void {
    this.positions.clear();
    for (const [topic, { offset }] of this.committed) this.positions.set(topic, offset);
  }

  private committedOf(inputs: readonly string[]): TopicPartitionOffset[] {
    return inputs.flatMap((topic) => this.committed.get(topic) ?? []);
  }

  private append(record: Omit<LogRecord, 'sequence'>): void {
    const log = this.topics.get(record.topic) ?? [];
    log.push({ ...record, sequence: this.sequence++ });
    this.topics.set(record.topic, log);
  }
}

function messageOf({ topic, key, value, timestamp, headers }: LogRecord, offset: number): ConsumedMessage {
  const message = { topic, partition: 0, offset, key, value, timestamp };
  return headers.length === 0 ? message : { ...message, headers: headers.map(([name, data]) => ({ [name]: data })) };
}

function copy(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}

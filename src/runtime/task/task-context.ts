import type { Logger } from 'pino';
import type { ConsumedMessage } from '../../kafka/contract.ts';
import type { AsyncWork } from '../../processor/async-work.ts';
import { type Headers, NO_HEADERS } from '../../processor/headers.ts';
import { RecordContext } from '../../processor/record-context.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { StateStoreContext } from '../../state/contract/context.ts';
import type { StateStore } from '../../state/contract/stores.ts';
import type { TaskState } from '../../state/contract/task-state.ts';
import { globalStoreView } from '../../state/read-only-view.ts';
import { murmur2 } from '../../util/murmur2.ts';
import type { ResolvedConfig } from '../config.ts';
import type { StorePlan } from '../plan.ts';
import type { RecordCollector } from '../record-collector.ts';
import type { PunctuationSchedule } from './punctuation-queue.ts';
import type { TaskMetrics } from './task-metrics.ts';

/** Where no input record is under processing. */
export const NO_RECORD = new RecordContext('', -1, -1, -1, NO_HEADERS, false);

/** Most times of operators that are kept: brokers take 4096 bytes of commit metadata, and one is 27 of its characters. */
const KEPT_TIMES = 120;

/** Least time between two warnings with the same reason, milliseconds. */
const WARNING_INTERVAL = 10_000;
/** Most reasons that are remembered for it: there are few, unless one names the record. */
const WARNINGS = 256;

export interface TaskContextOptions {
  readonly id: string;
  readonly partition: number;
  readonly stores: readonly StorePlan[];
  readonly collector: RecordCollector;
  readonly state: TaskState;
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  readonly now: () => number;
  readonly metrics: TaskMetrics;
}

/** What the nodes, stores and processor contexts of one task share. */
export class TaskContext implements StateStoreContext {
  readonly applicationId: string;
  readonly taskId: string;
  readonly partition: number;
  readonly defaultKeySerde: Serde<unknown> | undefined;
  readonly defaultValueSerde: Serde<unknown> | undefined;
  readonly taskState: TaskState;
  readonly collector: RecordCollector;
  readonly settings: ResolvedConfig;
  readonly logger: Logger;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  readonly now: () => number;
  readonly metrics: TaskMetrics;

  recordContext: RecordContext = NO_RECORD;
  streamTime = -1;
  /** The input record under processing, as it was read; null in punctuators. */
  message: ConsumedMessage | null = null;
  commitRequested = false;
  /** Numbers that operators keep in the commit metadata. */
  processorMetadata = new Map<string, number>();
  processorMetadataMoved = false;
  /** Stream times of operators, by what they are called in the commit metadata. */
  private readonly keptTimes = new Map<string, () => number>();
  /** Takes new schedules; set by the task. */
  schedule: (type: 'stream-time' | 'wall-clock-time', schedule: PunctuationSchedule) => void = () => {};

  /** What operators have taken and not answered yet; set by the task. */
  asyncWork!: AsyncWork;

  /** Serdes that prepare for the topics they encode for, with the names of those that are known. */
  readonly encoders = new Map<Serde<unknown>, Set<string>>();

  private readonly globalViews = new Map<string, StateStore>();
  private readonly changelogs = new Map<string, string>();
  /** Changelogs that stores write to: a source topic that serves as one already holds the record. */
  private readonly written = new Map<string, string>();
  private readonly warnedAt = new Map<string, number>();

  constructor(options: TaskContextOptions) {
    this.applicationId = options.config.applicationId;
    this.taskId = options.id;
    this.partition = options.partition;
    this.defaultKeySerde = options.config.defaultKeySerde;
    this.defaultValueSerde = options.config.defaultValueSerde;
    this.taskState = options.state;
    this.collector = options.collector;
    this.settings = options.config;
    this.logger = options.logger;
    this.globalStores = options.globalStores;
    this.now = options.now;
    this.metrics = options.metrics;
    for (const { builder, changelogTopic, changelogIsSource } of options.stores) {
      if (changelogTopic === undefined) continue;
      this.changelogs.set(builder.name, changelogTopic);
      if (!changelogIsSource) this.written.set(builder.name, changelogTopic);
    }
  }

  /** A global store, read-only. */
  globalStore(name: string): StateStore | undefined {
    const known = this.globalViews.get(name);
    if (known !== undefined) return known;
    const store = this.globalStores.get(name);
    if (store === undefined) return undefined;
    const view = globalStoreView(store);
    this.globalViews.set(name, view);
    return view;
  }

  /** A store without a changelog is encoded under the name that its changelog would have, as in Java. */
  changelogTopic(storeName: string): string {
    return this.changelogs.get(storeName) ?? `${this.applicationId}-${storeName}-changelog`;
  }

  /** `topic` undefined: it is chosen for each record. */
  encodes(topic: string | undefined, serde: Serde<unknown>): void {
    if (serde.prepareEncode === undefined) return;
    const topics = this.encoders.get(serde) ?? new Set();
    if (topic !== undefined) topics.add(topic);
    this.encoders.set(serde, topics);
  }

  async prepareEncode(): Promise<void> {
    await Promise.all(Array.from(this.encoders, ([serde, topics]) => serde.prepareEncode?.([...topics])));
  }

  logChange(storeName: string, key: Buffer, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    const topic = this.written.get(storeName);
    if (topic !== undefined) this.collector.send(topic, this.partition, key, value, timestamp, headers);
  }

  droppedRecord(reason: string): void {
    this.metrics.dropped++;
    this.warn(reason, {});
  }

  /** Log at most once in a while for each message: what makes one record unusable often does so for all that follow. */
  warn(message: string, fields: object): void {
    const now = this.now();
    const last = this.warnedAt.get(message);
    if (last !== undefined && now - last < WARNING_INTERVAL && now >= last) return;
    if (this.warnedAt.size === WARNINGS) this.warnedAt.clear();
    this.warnedAt.set(message, now);
    const { topic, partition, offset, timestamp } = this.recordContext;
    this.logger.warn({ topic, partition, offset, timestamp, ...fields }, `Skipping a record: ${message}`);
  }

  /** Names are hashed: they may be longer than the room there is. */
  keepTime(name: string, read: () => number): number {
    const key = `#${(murmur2(Buffer.from(name)) >>> 0).toString(36)}`;
    if (this.keptTimes.size < KEPT_TIMES || this.keptTimes.has(key)) this.keptTimes.set(key, read);
    return this.processorMetadata.get(key) ?? -1;
  }

  /** What operators keep with the offsets. */
  metadataToCommit(): ReadonlyMap<string, number> {
    if (this.keptTimes.size === 0) return this.processorMetadata;
    const all = new Map(this.processorMetadata);
    for (const [key, read] of this.keptTimes) {
      const time = read();
      if (time >= 0) all.set(key, time);
    }
    return all;
  }

  config(key: string): unknown {
    return (this.settings as unknown as { readonly [key: string]: unknown })[key];
  }
}

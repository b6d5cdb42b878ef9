import type { Logger } from 'pino';
import { IllegalStateError } from '../../errors.ts';
import type { ConsumedMessage } from '../../kafka/contract.ts';
import type { StateStore } from '../../state/contract/stores.ts';
import type { TaskState } from '../../state/contract/task-state.ts';
import type { ResolvedConfig } from '../config.ts';
import type { GlobalPlan } from '../plan.ts';
import type { RecordCollector } from '../record-collector.ts';
import { ErrorHandling } from './error-handling.ts';
import { PrepareBatch } from './prepare-batch.ts';
import { TaskContext } from './task-context.ts';
import type { TaskMetrics } from './task-metrics.ts';
import { TaskNodes } from './task-nodes.ts';

export interface GlobalTaskOptions {
  readonly plan: GlobalPlan;
  readonly state: TaskState;
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  /** Takes dead letters; global processors send nothing else. */
  readonly collector: RecordCollector;
  readonly now: () => number;
  readonly metrics: TaskMetrics;
}

/** Keeps the global tables and stores of one process: every message of their topics goes through here, in the order of each partition. */
export class GlobalTask {
  private readonly options: GlobalTaskOptions;
  private readonly context: TaskContext;
  private readonly nodes: TaskNodes;
  private readonly preparation: PrepareBatch;
  private readonly partitionTimes = new Map<string, number>();

  constructor(options: GlobalTaskOptions) {
    this.options = options;
    this.context = new TaskContext({ ...options, id: options.state.taskId, partition: -1, stores: options.plan.stores, globalStores: new Map() });
    this.nodes = new TaskNodes(options.plan.nodes, this.context, new ErrorHandling(this.context));
    this.preparation = new PrepareBatch(this.nodes);
  }

  openStores(): void {
    for (const { builder } of this.options.plan.stores) {
      const store = builder.build({ caching: this.options.config.statestoreCacheMaxBytes > 0 });
      this.options.state.register(store);
      store.init(this.context);
    }
  }

  /** As `StreamTask.needsPrepareEncode`. */
  get needsPrepareEncode(): boolean {
    return this.context.encoders.size > 0;
  }

  /** As `StreamTask.prepareEncode`. */
  prepareEncode(): Promise<void> {
    return this.context.prepareEncode();
  }

  initialize(): void {
    this.nodes.init();
  }

  /** By name, for `getStateStore` of the tasks. */
  get stores(): ReadonlyMap<string, StateStore> {
    return this.options.state.stores;
  }

  get needsPrepare(): boolean {
    return this.preparation.needed;
  }

  prepare(messages: readonly ConsumedMessage[]): Promise<void> {
    return this.preparation.run(messages);
  }

  /** Whether a topic feeds a global table or store. */
  reads(topic: string): boolean {
    return this.nodes.sourceOf(topic) !== undefined;
  }

  /** Apply one message at once. */
  process(message: ConsumedMessage): void {
    const source = this.nodes.sourceOf(message.topic);
    if (source === undefined) throw new IllegalStateError('No global table or store reads this topic', { topic: message.topic });
    const key = `${message.topic}-${message.partition}`;
    const partitionTime = this.partitionTimes.get(key) ?? -1;
    const timestamp = source.process(message, partitionTime, undefined);
    if (timestamp > partitionTime) this.partitionTimes.set(key, timestamp);
    this.options.metrics.processed++;
  }

  close(): void {
    this.nodes.close();
  }
}

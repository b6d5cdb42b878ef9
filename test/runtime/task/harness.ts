import { pino } from 'pino';
import type { ConsumedMessage } from '../../../src/kafka/contract.ts';
import type { Headers } from '../../../src/processor/headers.ts';
import type { InternalProcessorContext, Processor } from '../../../src/processor/processor.ts';
import type { StreamRecord } from '../../../src/processor/record.ts';
import { resolveConfig, type StreamsConfig } from '../../../src/runtime/config.ts';
import type { NodePlan, ProcessorNodePlan, SinkNodePlan, SourceNodePlan, StorePlan } from '../../../src/runtime/plan.ts';
import type { RecordCollector } from '../../../src/runtime/record-collector.ts';
import { StreamTask } from '../../../src/runtime/task/stream-task.ts';
import { TaskMetrics } from '../../../src/runtime/task/task-metrics.ts';
import type { Serde } from '../../../src/serdes/serde.ts';
import type { StateStoreContext } from '../../../src/state/contract/context.ts';
import type { StateStore } from '../../../src/state/contract/stores.ts';
import type { TaskState } from '../../../src/state/contract/task-state.ts';

/** Text, except that `bad` cannot be read or written. */
export const text: Serde<string> = {
  name: 'text',
  serialize: (_topic, value) => {
    if (value === 'unwritable') throw new Error('cannot write this');
    return Buffer.from(value);
  },
  deserialize: (_topic, data) => {
    if (data.toString() === 'unreadable') throw new Error('cannot read this');
    return data.toString();
  },
};

export interface Sent {
  topic: string;
  partition: number | undefined;
  key: string | null;
  value: string | null;
  timestamp: number | null;
  headers: Headers;
}

export class Sink implements RecordCollector {
  readonly sent: Sent[] = [];
  partitions = 4;

  send(topic: string, partition: number | undefined, key: Buffer | null, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    this.sent.push({ topic, partition, key: key?.toString() ?? null, value: value?.toString() ?? null, timestamp, headers });
  }

  partitionsFor(): number {
    return this.partitions;
  }

  /** `key=value@timestamp` of all records, and forget them. */
  take(): string[] {
    return this.sent.splice(0).map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`);
  }
}

/** Only the stores it was given; nothing is kept. */
export class FakeState implements Partial<TaskState> {
  readonly taskId = '0_0';
  readonly stores = new Map<string, StateStore>();
  flush: () => void = () => {};

  register(store: StateStore): void {
    this.stores.set(store.name, store);
  }

  init(store: StateStore, context: StateStoreContext): void {
    store.init(context);
  }

  flushCaches(): void {
    this.flush();
  }
}

export function source(name: string, topics: string[], children: string[], more: Partial<SourceNodePlan> = {}): SourceNodePlan {
  return { kind: 'source', name, topics, children, keySerde: text as Serde<unknown>, valueSerde: text as Serde<unknown>, ...more };
}

export function sink(name: string, topic: SinkNodePlan['topic'], more: Partial<SinkNodePlan> = {}): SinkNodePlan {
  return { kind: 'sink', name, topic, children: [], keySerde: text as Serde<unknown>, valueSerde: text as Serde<unknown>, ...more };
}

export type Context = InternalProcessorContext<unknown, unknown>;
type Step = (record: StreamRecord<string, string>, context: Context) => void;

/** A processor node around one function. */
export function processor(
  name: string,
  children: string[],
  step: Step,
  more: { init?: (context: Context) => void; close?: () => void; stores?: string[] } = {},
): ProcessorNodePlan {
  const supplier = (): Processor<string, string> => {
    let context: Context;
    return {
      init(given) {
        context = given as Context;
        more.init?.(context);
      },
      process: (record) => step(record, context),
      close: () => more.close?.(),
    };
  };
  return { kind: 'processor', name, supplier: supplier as ProcessorNodePlan['supplier'], stores: more.stores ?? [], children };
}

export class Harness {
  readonly sink = new Sink();
  readonly state = new FakeState();
  readonly metrics = new TaskMetrics();
  readonly task: StreamTask;
  now = 0;
  private readonly offsets = new Map<string, number>();

  constructor(
    nodes: NodePlan[],
    topics: string[],
    options: { config?: Partial<StreamsConfig>; stores?: StorePlan[]; globalStores?: Map<string, StateStore>; partition?: number } = {},
  ) {
    const partition = options.partition ?? 0;
    this.task = new StreamTask({
      id: `0_${partition}`,
      partition,
      nodes,
      stores: options.stores ?? [],
      inputs: topics.map((topic) => ({ topic, partition })),
      collector: this.sink,
      state: this.state as unknown as TaskState,
      config: resolveConfig({ maxTaskIdleMs: -1, ...options.config }, { forDriver: true }),
      logger: pino({ level: 'silent' }),
      globalStores: options.globalStores ?? new Map(),
      now: () => this.now,
      metrics: this.metrics,
    });
    this.task.openStores();
  }

  start(): this {
    this.task.initialize();
    return this;
  }

  message(topic: string, key: string | null, value: string | null, timestamp: number, headers?: ConsumedMessage['headers']): ConsumedMessage {
    const offset = this.offsets.get(topic) ?? 0;
    this.offsets.set(topic, offset + 1);
    const bytes = (data: string | null): Buffer | null => (data === null ? null : Buffer.from(data));
    return { topic, partition: this.task.partition, offset, key: bytes(key), value: bytes(value), timestamp, headers };
  }

  add(topic: string, key: string | null, value: string | null, timestamp: number, headers?: ConsumedMessage['headers']): void {
    this.task.add(topic, this.task.partition, this.message(topic, key, value, timestamp, headers));
  }

  /** Process all there is, with stream-time punctuation after each record as the driver does. */
  run(): void {
    while (this.task.process(this.now)) this.task.punctuateStreamTime();
  }
}

import { IllegalStateError, StreamsError, TopologyError } from '../../errors.ts';
import type { AsyncWork } from '../../processor/async-work.ts';
import type { Cancellable, InternalProcessorContext, PunctuationType, Punctuator } from '../../processor/processor.ts';
import type { StreamRecord } from '../../processor/record.ts';
import { RecordContext, type RecordMetadata } from '../../processor/record-context.ts';
import type { Serde } from '../../serdes/serde.ts';
import { type Duration, toMillis } from '../../time.ts';
import type { ErrorHandling } from './error-handling.ts';
import type { TaskNode } from './node.ts';
import type { ProcessorNode } from './processor-node.ts';
import { PunctuationSchedule } from './punctuation-queue.ts';
import type { TaskContext } from './task-context.ts';

/** Stores that a node may use, besides the global ones. */
const NO_STORES: ReadonlySet<string> = new Set();

/** The context of one node: where its records go, and what it may ask of the task. */
export class TaskProcessorContext implements InternalProcessorContext {
  readonly applicationId: string;
  readonly taskId: string;
  readonly stateDir: string;
  readonly currentNode: string;
  readonly defaultKeySerde: Serde<unknown> | undefined;
  readonly defaultValueSerde: Serde<unknown> | undefined;
  private readonly task: TaskContext;
  private readonly errors: ErrorHandling;
  private readonly stores: ReadonlySet<string>;
  private children: readonly TaskNode[] = [];
  private node: ProcessorNode | undefined;

  constructor(task: TaskContext, errors: ErrorHandling, nodeName: string, stores: readonly string[] = []) {
    this.task = task;
    this.errors = errors;
    this.currentNode = nodeName;
    this.stores = stores.length === 0 ? NO_STORES : new Set(stores);
    this.applicationId = task.applicationId;
    this.taskId = task.taskId;
    this.stateDir = task.settings.stateDir;
    this.defaultKeySerde = task.defaultKeySerde;
    this.defaultValueSerde = task.defaultValueSerde;
  }

  /** Connect the node's children, and the node that may schedule punctuators. */
  link(children: readonly TaskNode[], node?: ProcessorNode): void {
    this.children = children;
    this.node = node;
  }

  get recordContext(): RecordContext {
    return this.task.recordContext;
  }

  set recordContext(context: RecordContext) {
    this.task.recordContext = context;
  }

  get asyncWork(): AsyncWork {
    return this.task.asyncWork;
  }

  forward(record: StreamRecord<unknown, unknown>, childName?: string): void {
    const current = this.task.recordContext;
    if (record.timestamp === current.timestamp && record.headers === current.headers) {
      this.deliver(record, childName);
      return;
    }
    // Stores below log what they write with the time and headers of the record they were given, not of the task's input.
    this.task.recordContext = new RecordContext(current.topic, current.partition, current.offset, record.timestamp, record.headers, current.hasRecord);
    try {
      this.deliver(record, childName);
    } finally {
      this.task.recordContext = current;
    }
  }

  recordMetadata(): RecordMetadata | undefined {
    const context = this.task.recordContext;
    return context.hasRecord ? context : undefined;
  }

  currentStreamTimeMs(): number {
    return this.task.streamTime;
  }

  currentSystemTimeMs(): number {
    return this.task.now();
  }

  getStateStore<S>(name: string): S {
    const global = this.task.globalStore(name);
    if (global !== undefined) return global as S;
    if (!this.stores.has(name)) {
      throw new TopologyError(
        `No state store ${JSON.stringify(name)} is connected to this processor: name it in process(…, { stores: [...] }), in addStateStore(builder, processorName), or return its builder from the supplier's stores()`,
        { taskId: this.taskId, operator: this.currentNode, store: name },
      );
    }
    const store = this.task.taskState.stores.get(name);
    if (store === undefined) throw new IllegalStateError('The state store is not open', { taskId: this.taskId, operator: this.currentNode, store: name });
    return store as S;
  }

  schedule(interval: Duration, type: PunctuationType, punctuator: Punctuator, startTime?: number): Cancellable {
    const millis = toMillis(interval, 'the interval of a punctuator');
    if (millis < 1)
      throw new StreamsError(`The interval of a punctuator is ${millis} ms: the least is 1 ms`, { taskId: this.taskId, operator: this.currentNode });
    if (this.node === undefined) throw new IllegalStateError('Only a processor can schedule a punctuator', { taskId: this.taskId, operator: this.currentNode });
    const schedule = new PunctuationSchedule(this.node, this.firstRun(millis, type, startTime), millis, punctuator);
    this.task.schedule(type, schedule);
    return schedule;
  }

  commit(): void {
    this.task.commitRequested = true;
  }

  droppedRecord(reason: string): void {
    this.task.metrics.dropped++;
    this.task.warn(reason, { operator: this.currentNode });
  }

  config(key: string): unknown {
    return this.task.config(key);
  }

  processorMetadata(key: string): number | undefined {
    return this.task.processorMetadata.get(key);
  }

  setProcessorMetadata(key: string, value: number): void {
    this.task.processorMetadata.set(key, value);
    this.task.processorMetadataMoved = true;
  }

  keepTime(what: 'stream time' | 'min time', read: () => number): number {
    return this.task.keepTime(what === 'stream time' ? this.currentNode : `${this.currentNode} ${what}`, read);
  }

  /** Stream time is aligned to 0, so that the first record runs it; the wall clock to now, or to the start time. */
  private firstRun(interval: number, type: PunctuationType, startTime: number | undefined): number {
    if (type === 'stream-time') return startTime ?? 0;
    const now = this.task.now();
    if (startTime === undefined) return now + interval;
    return startTime >= now ? startTime : startTime + Math.ceil((now - startTime) / interval) * interval;
  }

  private deliver(record: StreamRecord<unknown, unknown>, childName: string | undefined): void {
    const children = this.children;
    if (childName !== undefined) {
      this.deliverTo(this.childNamed(childName), record);
    } else {
      for (let i = 0; i < children.length; i++) this.deliverTo(children[i] as TaskNode, record);
    }
  }

  private deliverTo(child: TaskNode, record: StreamRecord<unknown, unknown>): void {
    try {
      child.process(record);
    } catch (error) {
      // Throws, unless the application's handler drops the record; then the node above goes on.
      this.errors.processing(error, child.name, record);
    }
  }

  private childNamed(name: string): TaskNode {
    const child = this.children.find((candidate) => candidate.name === name);
    if (child !== undefined) return child;
    throw new TopologyError(
      `forward() to ${JSON.stringify(name)}, which is not a child of this processor: its children are ${this.children.map((c) => c.name).join(', ') || 'none'}`,
      {
        taskId: this.taskId,
        operator: this.currentNode,
      },
    );
  }
}

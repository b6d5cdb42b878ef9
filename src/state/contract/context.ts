import type { Headers } from '../../processor/headers.ts';
import type { RecordContext } from '../../processor/record-context.ts';
import type { Serde } from '../../serdes/serde.ts';

/** What the task gives its stores. Implemented by the runtime; the driver and the tests give simple ones. */
export interface StateStoreContext {
  readonly applicationId: string;
  readonly taskId: string;
  /** Partition of the task, which is that of its changelogs. */
  readonly partition: number;
  readonly defaultKeySerde: Serde<unknown> | undefined;
  readonly defaultValueSerde: Serde<unknown> | undefined;
  /** Name of the store's changelog topic, passed to serdes as the topic. */
  changelogTopic(storeName: string): string;
  /** A store announces, while it is initialised, a serde that it will encode with and the topic it passes to it: what the serde prepares is awaited before the task starts. */
  encodes?(topic: string, serde: Serde<unknown>): void;
  /** Append a record to a store's changelog. Called once for each logged change; the runtime keeps the order and sends at the commit. `timestamp` null: none is given, as Java's buffers do. */
  logChange(storeName: string, key: Buffer, value: Buffer | null, timestamp: number | null, headers: Headers): void;
  /** Context of the record under processing. Stores keep it with a cached entry and set it while they flush. */
  recordContext: RecordContext;
  /** The task's stream time: the highest record timestamp seen. */
  readonly streamTime: number;
  /** An expired or otherwise unusable record: counts in `dropped-records-total`. The reason names nothing of the record, so that its warnings can be rate-limited. */
  droppedRecord(reason: string): void;
  /** Application configuration by key. */
  config(key: string): unknown;
  /** The task's engine state: files, buffers and cache budget shared by its stores. Created by `createTaskState`. */
  readonly taskState: import('./task-state.ts').TaskState;
}

import type { Duration } from '../time.ts';
import type { AsyncWork } from './async-work.ts';
import type { StreamRecord } from './record.ts';
import type { RecordContext, RecordMetadata } from './record-context.ts';

/** Which clock drives a punctuator: the task's stream time (highest record timestamp seen), or the wall clock. */
export type PunctuationType = 'stream-time' | 'wall-clock-time';

/** Called with the time of its clock, epoch milliseconds. */
export type Punctuator = (timestamp: number) => void;

export interface Cancellable {
  cancel(): void;
}

/** What a processor may do besides forwarding; shared by {@link ProcessorContext} and {@link FixedKeyProcessorContext}. */
export interface ProcessingContext {
  readonly applicationId: string;
  /** `subtopology_partition`, for example `0_3`. */
  readonly taskId: string;
  readonly stateDir: string;
  /** Origin of the input record under processing; undefined inside a punctuator. */
  recordMetadata(): RecordMetadata | undefined;
  currentStreamTimeMs(): number;
  currentSystemTimeMs(): number;
  /** A store that is connected to this processor. Throws when it is not. */
  getStateStore<S>(name: string): S;
  /** Call `punctuator` every `interval` of the given clock, first at `startTime` if that is given. */
  schedule(interval: Duration, type: PunctuationType, punctuator: Punctuator, startTime?: number): Cancellable;
  /** Ask for a commit as soon as the record under processing is done. */
  commit(): void;
}

export interface ProcessorContext<KOut = unknown, VOut = unknown> extends ProcessingContext {
  /** Send a record to all children, or to the one named. Returns when they have processed it. */
  forward<K extends KOut, V extends VOut>(record: StreamRecord<K, V>, childName?: string): void;
}

export interface FixedKeyProcessorContext<K = unknown, VOut = unknown> extends ProcessingContext {
  forward<V extends VOut>(record: StreamRecord<K, V>, childName?: string): void;
}

/** A node of a topology. One instance a task. `process` is synchronous. */
export interface Processor<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> {
  init?(context: ProcessorContext<KOut, VOut>): void;
  process(record: StreamRecord<KIn, VIn>): void;
  close?(): void;
}

/** A processor that cannot change the key, so no repartitioning follows it. */
export interface FixedKeyProcessor<K = unknown, VIn = unknown, VOut = unknown> {
  init?(context: FixedKeyProcessorContext<K, VOut>): void;
  process(record: StreamRecord<K, VIn>): void;
  close?(): void;
}

/**
 * What Millrace's own operators see beyond the public context. User processors are handed the same object under the narrower type.
 * @internal
 */
export interface InternalProcessorContext<KOut = unknown, VOut = unknown> extends ProcessorContext<KOut, VOut> {
  /** Context of the input record under processing (a placeholder inside punctuators and cache flushes without one). */
  recordContext: RecordContext;
  /** Name of the node that is running. */
  readonly currentNode: string;
  /** Count a record that an operator drops (late, null key, …): the metric `dropped-records-total`. The reason goes to a rate-limited warning. */
  droppedRecord(reason: string): void;
  /** A configuration value of the application (`StreamsConfig` key, camelCase), for example `emitIntervalMs`. */
  config(key: string): unknown;
  /** What an operator stored with `setProcessorMetadata` before the last commit (Java's ProcessorMetadata; it travels in the offset commit's metadata); undefined when never set. */
  processorMetadata(key: string): number | undefined;
  /** Remember a number of the operator across restarts; committed with the offsets. */
  setProcessorMetadata(key: string, value: number): void;
  /**
   * An operator that judges by a time of its own (what is late, what is due) keeps it across restarts: `read` is called at each commit, and committed with the offsets; -1 is not.
   * Returns what it was at the last commit; -1 when that is not known.
   */
  keepTime(what: 'stream time' | 'min time', read: () => number): number;
  /** For operators whose results come later. */
  readonly asyncWork: AsyncWork;
  /** Encode with the application's default serdes when an operator was given none. */
  readonly defaultKeySerde: import('../serdes/serde.ts').Serde<unknown> | undefined;
  readonly defaultValueSerde: import('../serdes/serde.ts').Serde<unknown> | undefined;
}

import type { Headers } from '../processor/headers.ts';
import type { StreamRecord } from '../processor/record.ts';

/** Where an error happened, for the user's handlers: Kafka Streams' ErrorHandlerContext. */
export interface ErrorHandlerContext {
  readonly taskId: string;
  /** Name of the processor node, as `describe()` shows it. */
  readonly processorNodeId: string;
  /** Origin of the input record. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly headers: Headers;
  /** The input record as it was read; null where it is no longer known (for example in a punctuator). */
  readonly sourceRawKey: Buffer | null;
  readonly sourceRawValue: Buffer | null;
}

/** A record as bytes, for example for a dead letter queue. */
export interface RawRecord {
  readonly topic: string;
  /** Undefined: the default partitioner decides. */
  readonly partition?: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Epoch milliseconds; null: the time of sending. */
  readonly timestamp: number | null;
  readonly headers: Headers;
}

/**
 * What a handler decides: stop the service with the error, or drop the record and go on (it is counted).
 * The long form also sends records of the handler's making, in the same transaction as the rest of the interval.
 */
export type HandlerResponse<Action extends string = 'fail' | 'continue'> =
  | Action
  | { readonly action: Action; readonly deadLetterQueueRecords?: readonly RawRecord[] };

/** A record of an input topic could not be decoded. `record` is what was read. */
export type DeserializationExceptionHandler = (context: ErrorHandlerContext, record: RawRecord, error: Error) => HandlerResponse;

/** A processor or a user function threw. `record` is what it was given; null in a punctuator. */
export type ProcessingExceptionHandler = (context: ErrorHandlerContext, record: StreamRecord<unknown, unknown> | null, error: Error) => HandlerResponse;

/** An output record could not be encoded or sent. `context` is undefined when the input it came from is no longer known. */
export type ProductionExceptionHandler = (context: ErrorHandlerContext | undefined, record: RawRecord, error: Error) => HandlerResponse;

import { AsyncTimeoutError, ProcessingError, SerializationError, StreamsError } from '../../errors.ts';
import type { ConsumedMessage } from '../../kafka/contract.ts';
import type { Headers } from '../../processor/headers.ts';
import type { StreamRecord } from '../../processor/record.ts';
import type { ErrorHandlerContext, HandlerResponse, RawRecord } from '../error-handlers.ts';
import { deadLetterRecord } from './dead-letter.ts';
import type { TaskContext } from './task-context.ts';

/**
 * What a task does with errors on its record path: asks the application's handlers, sends their dead letters, and then either counts the record as
 * dropped and returns, or throws one error that says where it happened.
 */
export class ErrorHandling {
  private readonly task: TaskContext;

  constructor(task: TaskContext) {
    this.task = task;
  }

  /** `record` of an input topic cannot be decoded. Returns when it is to be skipped. */
  deserialization(cause: unknown, operator: string, part: 'key' | 'value', serdeName: string, message: ConsumedMessage, headers: Headers): void {
    const error = asError(cause);
    const context = this.messageContext(operator, message, headers);
    const { topic, partition, offset } = message;
    const failure = (): StreamsError =>
      new SerializationError(
        `The ${part} of a record cannot be decoded as ${serdeName}: ${error.message}. Check the serde of the source, or set deserializationExceptionHandler to skip such records`,
        { taskId: this.task.taskId, operator, topic, partition, offset, cause: error },
      );
    const handler = this.task.settings.deserializationExceptionHandler;
    const record = { topic, partition, key: message.key, value: message.value, timestamp: message.timestamp, headers };
    this.settle('deserialization', () => (typeof handler === 'string' ? handler : handler(context, record, error)), context, error, failure);
    this.task.warn('it cannot be decoded', { operator, topic, partition, offset, err: error });
  }

  /** A processor or a user function threw. Returns when the handler drops the record. Errors of Millrace's own layers, and those already placed, pass through. */
  processing(cause: unknown, operator: string, record: StreamRecord<unknown, unknown> | null): void {
    if (cause instanceof StreamsError && !(cause instanceof SerializationError) && !(cause instanceof AsyncTimeoutError)) throw cause;
    const error = asError(cause);
    const context = this.recordContext(operator);
    const failure = (): StreamsError =>
      this.processingError(
        `${record === null ? 'A punctuator' : 'A processor or one of its functions'} threw ${error.name}: ${error.message}`,
        operator,
        error,
      );
    const handler = this.task.settings.processingExceptionHandler;
    this.settle('processing', () => (typeof handler === 'string' ? handler : handler(context, record, error)), context, error, failure);
    this.task.warn('processing it failed', { operator, err: error });
  }

  /** An output record cannot be encoded. Returns when it is to be dropped. */
  production(cause: unknown, operator: string, what: string, record: RawRecord): void {
    const error = asError(cause);
    const context = this.recordContext(operator);
    const failure = (): StreamsError =>
      new ProcessingError(`${what} for topic ${record.topic}: ${error.message}. Check the serdes given to the sink (or the default ones)`, {
        taskId: this.task.taskId,
        operator,
        ...this.origin(),
        code: 'ERR_PRODUCTION',
        cause: error,
      });
    const handler = this.task.settings.productionExceptionHandler;
    this.settle('production', () => (typeof handler === 'string' ? handler : handler(context, record, error)), context, error, failure);
    this.task.warn('it cannot be encoded', { operator, err: error });
  }

  /** An error of user code that no handler may drop, such as a timestamp extractor's. */
  fatal(cause: unknown, operator: string, what: string, message: ConsumedMessage): StreamsError {
    const error = asError(cause);
    const { topic, partition, offset } = message;
    return new ProcessingError(`${what} threw ${error.name}: ${error.message}`, { taskId: this.task.taskId, operator, topic, partition, offset, cause: error });
  }

  /** An error of a processor outside of the record path (`init`, `close`, a cache flush), with the place where it happened. */
  placed(cause: unknown, operator?: string): StreamsError {
    if (cause instanceof StreamsError) return cause;
    const error = asError(cause);
    return new ProcessingError(`${error.name}: ${error.message}`, { taskId: this.task.taskId, operator, ...this.origin(), cause: error });
  }

  private settle(kind: string, ask: () => HandlerResponse, context: ErrorHandlerContext, error: Error, failure: () => StreamsError): void {
    let response: HandlerResponse;
    try {
      response = ask();
    } catch (thrown) {
      throw this.processingError(`The ${kind} exception handler itself threw ${asError(thrown).message}`, context.processorNodeId, thrown);
    }
    const action = typeof response === 'object' && response !== null ? response.action : response;
    if (action !== 'fail' && action !== 'continue') {
      throw this.processingError(
        `The ${kind} exception handler answered ${JSON.stringify(response)}: it must answer 'fail' or 'continue', or { action, deadLetterQueueRecords }`,
        context.processorNodeId,
        error,
      );
    }
    for (const letter of this.deadLetters(response, context, error)) {
      this.task.collector.send(letter.topic, letter.partition, letter.key, letter.value, letter.timestamp, letter.headers);
    }
    if (action === 'fail') throw failure();
    this.task.metrics.dropped++;
  }

  private deadLetters(response: HandlerResponse, context: ErrorHandlerContext, error: Error): readonly RawRecord[] {
    if (typeof response === 'object' && response.deadLetterQueueRecords !== undefined) return response.deadLetterQueueRecords;
    const topic = this.task.settings.errorsDeadLetterQueueTopicName;
    return topic === undefined ? [] : [deadLetterRecord(topic, context, error)];
  }

  private messageContext(operator: string, message: ConsumedMessage, headers: Headers): ErrorHandlerContext {
    const { topic, partition, offset, timestamp, key, value } = message;
    return { taskId: this.task.taskId, processorNodeId: operator, topic, partition, offset, timestamp, headers, sourceRawKey: key, sourceRawValue: value };
  }

  private recordContext(operator: string): ErrorHandlerContext {
    const { topic, partition, offset, timestamp, headers } = this.task.recordContext;
    const message = this.task.message;
    return {
      taskId: this.task.taskId,
      processorNodeId: operator,
      topic,
      partition,
      offset,
      timestamp,
      headers,
      sourceRawKey: message?.key ?? null,
      sourceRawValue: message?.value ?? null,
    };
  }

  private processingError(message: string, operator: string, cause: unknown): ProcessingError {
    return new ProcessingError(message, { taskId: this.task.taskId, operator, ...this.origin(), cause });
  }

  private origin(): { topic?: string; partition?: number; offset?: number } {
    const { topic, partition, offset, hasRecord } = this.task.recordContext;
    return hasRecord ? { topic, partition, offset } : {};
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

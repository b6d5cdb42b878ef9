import type { Header } from '../../processor/headers.ts';
import type { ErrorHandlerContext, RawRecord } from '../error-handlers.ts';

/** Longest stack trace that is sent, characters: a record has to stay small. */
const MAX_STACK = 16_384;

/**
 * The record for the dead letter queue: key and value of the input record as they were read, its headers, and what went wrong in headers with the
 * names of Kafka Streams. Exception names and messages are JavaScript's.
 */
export function deadLetterRecord(topic: string, context: ErrorHandlerContext, error: Error): RawRecord {
  const headers: Header[] = [
    ...context.headers,
    header('exception', error.name),
    header('message', error.message),
    header('stacktrace', (error.stack ?? String(error)).slice(0, MAX_STACK)),
    // In a punctuator there is no input record: no topic, and -1 for the rest.
    header('topic', context.offset < 0 ? null : context.topic),
    header('partition', String(context.partition)),
    header('offset', String(context.offset)),
  ];
  return { topic, key: context.sourceRawKey, value: context.sourceRawValue, timestamp: context.timestamp, headers };
}

function header(name: string, value: string | null): Header {
  return [`__streams.errors.${name}`, value === null ? null : Buffer.from(value)];
}

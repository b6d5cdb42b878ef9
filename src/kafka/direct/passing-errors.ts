import { KafkaClientError } from '../errors.ts';

/** Of a broker that starts before it knows its users, too: who was let in once is let in again. */
const AUTHENTICATION_FAILED = -169;

/** Asking again, perhaps somebody else, may help: a broker is not there for a while. */
export function isPassing(error: unknown): boolean {
  return error instanceof KafkaClientError && (error.reaction !== 'fatal' || error.kafkaCode === AUTHENTICATION_FAILED);
}

/** What a broker says of a partition when the log has moved, or its leader, or the broker itself is at a loss. */
export const ASK_AGAIN: ReadonlySet<number> = new Set([-1, 3, 5, 6, 7, 8, 9, 13, 14, 56, 72, 74, 75, 78, 100]);

import type { Logger } from 'pino';
import { StreamsError } from '../errors.ts';
import { KafkaClientError } from '../kafka/errors.ts';

export interface BackoffOptions {
  /** For how long failures are retried. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Ends the retrying early, for example when the service stops. */
  readonly cancelled?: () => boolean;
  /** @default any retriable Kafka error */
  readonly retriable?: (error: unknown) => boolean;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

/** True when the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  return error instanceof KafkaClientError && error.reaction === 'retriable';
}

/** Repeat a call while its failures are retriable. @throws the last error, named a timeout once `timeoutMs` have passed. */
export async function retrying<T>(what: string, options: BackoffOptions, call: () => Promise<T>): Promise<T> {
  const retriable = options.retriable ?? isRetriable;
  const started = Date.now();
  let pause = FIRST_PAUSE_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (!retriable(error) || options.cancelled?.()) throw error;
      if (Date.now() - started >= options.timeoutMs) {
        throw new StreamsError(`Could not ${what} within ${options.timeoutMs} ms (taskTimeoutMs), after ${attempt} attempts: ${(error as Error).message}`, {
          code: 'ERR_TIMEOUT',
          cause: error,
        });
      }
      const level = attempt === 1 || attempt % 10 === 0 ? 'warn' : 'debug';
      options.logger[level]({ err: error, attempt }, `Could not ${what}: trying again`);
      await sleep(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One turn of the event loop: timers, sockets and other people's callbacks run. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

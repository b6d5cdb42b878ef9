import { ConfigError } from '../../errors.ts';
import type { Headers } from '../../processor/headers.ts';
import { type Duration, toMillis } from '../../time.ts';

/** How an asynchronous operator calls its function. */
export interface AsyncOptions {
  /** Calls under way at once, in each task. While there are so many records in the operator, its task takes no others. @default 16 */
  concurrency?: number;
  /**
   * `'key'`: records of one key are called one after the other and go on in their order; those with a null key count as of one key. `'none'`: there is no order. Between
   * keys, results go on in the order in which they come. @default 'key'
   */
  order?: 'key' | 'none';
  /** Longest time of one call; then its signal is aborted and it has failed, with an {@link AsyncTimeoutError}. What it returns later is ignored. @default '30s' */
  timeout?: Duration;
  /** Further calls after one that failed. @default 0 */
  retries?: number;
  /** Pauses between them. */
  backoff?: AsyncBackoff;
  /** Which errors another call may cure; an {@link AsyncTimeoutError} is one of those asked about. @default all */
  retryOn?: (error: unknown) => boolean;
}

/** Pause before the nth retry: `initial` × `factor`^(n-1), at most `max`, shortened by a random part. */
export interface AsyncBackoff {
  /** @default '100ms' */
  initial?: Duration;
  /** @default '10s' */
  max?: Duration;
  /** At least 1. @default 2 */
  factor?: number;
  /** The part of each pause that chance decides, 0 to 1, so that calls which failed together are not repeated together. @default 0.5 */
  jitter?: number;
}

/** What an asynchronous function is told besides the record. */
export interface AsyncCallContext {
  /** Aborted when the call has timed out, or its result is of no use any more because the task moved away, started over or is closed. Hand it to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** 1 for the first call for a record, 2 for the first retry. */
  readonly attempt: number;
  /** Where the record came from; empty and -1 if from a punctuator. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Event time, epoch milliseconds. */
  readonly timestamp: number;
  readonly headers: Headers;
}

/** {@link AsyncOptions} with defaults filled in and durations in milliseconds. */
export interface AsyncSettings {
  readonly concurrency: number;
  readonly orderByKey: boolean;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  readonly jitter: number;
  readonly retryOn: (error: unknown) => boolean;
}

/** @throws ConfigError that names the option, its value and what is allowed. */
export function asyncSettings(options: AsyncOptions = {}): AsyncSettings {
  const { concurrency = 16, order = 'key', timeout = '30s', retries = 0, backoff = {}, retryOn = () => true } = options;
  const { initial = '100ms', max = '10s', factor = 2, jitter = 0.5 } = backoff;
  check('concurrency', concurrency, Number.isSafeInteger(concurrency) && concurrency >= 1, 'a whole number, at least 1');
  check('order', order, order === 'key' || order === 'none', "'key' or 'none'");
  check('retries', retries, Number.isSafeInteger(retries) && retries >= 0, 'a whole number, at least 0');
  check('retryOn', retryOn, typeof retryOn === 'function', 'a function (error) => boolean');
  check('backoff.factor', factor, Number.isFinite(factor) && factor >= 1, 'a number, at least 1');
  check('backoff.jitter', jitter, jitter >= 0 && jitter <= 1, 'a number from 0 to 1');
  return Object.freeze({
    concurrency,
    orderByKey: order === 'key',
    timeoutMs: millis('timeout', timeout, 1),
    retries,
    initialMs: millis('backoff.initial', initial, 0),
    maxMs: millis('backoff.max', max, 0),
    factor,
    jitter,
    retryOn,
  });
}

/** Longest pause before the nth retry, before chance shortens it. */
export function longestPause(settings: AsyncSettings, retry: number): number {
  return Math.min(settings.maxMs, settings.initialMs * settings.factor ** (retry - 1));
}

/** Longest time that one record can take: every call times out, every pause is as long as it can be. */
export function longestCall(settings: AsyncSettings): number {
  let total = settings.timeoutMs * (settings.retries + 1);
  for (let retry = 1; retry <= settings.retries; retry++) {
    const pause = longestPause(settings, retry);
    // They do not grow any more.
    if (pause === longestPause(settings, retry + 1)) return total + pause * (settings.retries - retry + 1);
    total += pause;
  }
  return total;
}

function millis(option: string, value: Duration, least: number): number {
  const result = toMillis(value, `${option} of an asynchronous operator`);
  // A timer of Node's holds 31 bits, and runs at once when given more.
  check(option, value, result >= least && result <= 0x7fffffff, `a duration of at least ${least} ms, at most 24 days`);
  return result;
}

function check(option: string, value: unknown, allowed: boolean, what: string): void {
  if (!allowed)
    throw new ConfigError(`${option} of an asynchronous operator is ${typeof value === 'function' ? 'a function' : JSON.stringify(value)}: give ${what}`);
}

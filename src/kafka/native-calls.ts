import { IllegalStateError } from '../errors.ts';
import { type NativeError, timeoutError, toClientError } from './errors.ts';

type Callback<T> = (error: NativeError | null | undefined, result?: T) => void;

/** How much longer than the deadline given to the client its answer is awaited. */
const GRACE_MS = 1000;

/**
 * The calls that a client has under way on other threads. Each gets a deadline of its own, since the client's are not always kept,
 * and a client is freed only after the last of them has come back: freeing it earlier crashes the process.
 */
export class NativeCalls {
  readonly #redact: (text: string) => string;
  #pending = 0;
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(redact: (text: string) => string) {
    this.#redact = redact;
  }

  /** No call is admitted any more. */
  close(): void {
    this.#closed = true;
  }

  /** Start a call. Rejects with a KafkaClientError on an error or after the deadline. */
  run<T>(operation: string, timeoutMs: number, start: (done: Callback<T>) => void): Promise<T> {
    if (this.#closed) return Promise.reject(new IllegalStateError(`Could not ${operation}: the Kafka client is closed`));
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => reject(timeoutError(operation, timeoutMs)), timeoutMs + GRACE_MS);
      this.#pending++;
      let returned = false;
      const finish = (): void => {
        if (returned) return;
        returned = true;
        clearTimeout(timer);
        this.#pending--;
        if (this.#pending === 0) for (const wake of this.#idle.splice(0)) wake();
      };
      try {
        start((error, result) => {
          finish();
          if (error) reject(this.error(error, operation));
          else resolve(result as T);
        });
      } catch (error) {
        finish();
        reject(this.error(error as NativeError, operation));
      }
    });
  }

  /** A native error as callers see it, without secrets. */
  error(error: NativeError, operation: string): Error {
    const clean = this.#redact(error.message);
    if (clean !== error.message) (error as { message: string }).message = clean;
    return toClientError(error, operation);
  }

  /** True when every call came back within the time. */
  async drain(timeoutMs: number): Promise<boolean> {
    if (this.#pending === 0) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, false);
    });
    const idle = new Promise<true>((resolve) => this.#idle.push(() => resolve(true)));
    const drained = await Promise.race([idle, late]);
    clearTimeout(timer);
    return drained;
  }
}

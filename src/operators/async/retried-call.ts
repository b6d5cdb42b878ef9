import { AsyncTimeoutError } from '../../errors.ts';
import type { AsyncLane } from '../../processor/async-work.ts';
import type { RecordContext } from '../../processor/record-context.ts';
import { type AsyncCallContext, type AsyncSettings, longestPause } from './async-options.ts';

export interface RetriedCallOptions<R> {
  readonly settings: AsyncSettings;
  readonly origin: RecordContext;
  /** Calls for another attempt, after a pause. */
  readonly retry: AsyncLane['retry'];
  /** The user's function for one record. */
  readonly run: (context: AsyncCallContext) => PromiseLike<R> | R;
  /** Exactly one of the two is called, once and never from `start`, unless the call is cancelled. */
  readonly succeeded: (result: R) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Calls a function until it succeeds, its retries are used up, or it is cancelled. Own code instead of a retry library: timeout, retry, cancellation and the discarding of late
 * answers are one state machine, which those spread over several promises.
 */
export class RetriedCall<R> {
  readonly #options: RetriedCallOptions<R>;
  #attempt = 0;
  /** Of the attempt under way: answers of any other are late. */
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopPause: (() => void) | undefined;

  constructor(options: RetriedCallOptions<R>) {
    this.#options = options;
  }

  start(): void {
    const { settings, origin, run } = this.#options;
    const { topic, partition, offset, timestamp, headers } = origin;
    const controller = new AbortController();
    const context = { signal: controller.signal, attempt: ++this.#attempt, topic, partition, offset, timestamp, headers };
    this.#controller = controller;
    this.#timer = setTimeout(() => this.#timedOut(controller), settings.timeoutMs);
    let answer: Promise<R>;
    try {
      answer = Promise.resolve(run(context));
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(
      (result) => {
        if (this.#end(controller)) this.#options.succeeded(result);
      },
      (error: unknown) => {
        if (this.#end(controller)) this.#attemptFailed(error);
      },
    );
  }

  /** Neither result nor error is wanted any more. */
  cancel(): void {
    const controller = this.#controller;
    this.#stopPause?.();
    if (controller !== undefined && this.#end(controller)) controller.abort();
  }

  #timedOut(controller: AbortController): void {
    if (!this.#end(controller)) return;
    const error = new AsyncTimeoutError(this.#options.settings.timeoutMs, this.#attempt);
    controller.abort(error);
    this.#attemptFailed(error);
  }

  /** Whether this attempt is the one under way; then it is over. */
  #end(controller: AbortController): boolean {
    if (controller !== this.#controller) return false;
    this.#controller = undefined;
    clearTimeout(this.#timer);
    return true;
  }

  #attemptFailed(error: unknown): void {
    const { settings, retry, failed } = this.#options;
    let again = false;
    try {
      again = this.#attempt <= settings.retries && settings.retryOn(error);
    } catch (thrown) {
      failed(thrown);
      return;
    }
    if (!again) {
      failed(error);
      return;
    }
    const longest = longestPause(settings, this.#attempt);
    this.#stopPause = retry(error, longest * (1 - settings.jitter * Math.random()), () => {
      this.#stopPause = undefined;
      this.start();
    });
  }
}

import type { Waker } from './waker.ts';

/** What the loop is told from beside it, at any time: to stop, not to wait, that something has failed. Each wakes it. */
export class LoopSignals {
  stopping = false;
  /** See `abandonAsync`. */
  abandoned = false;
  private readonly waker: Waker;
  private failure: unknown;

  constructor(waker: Waker) {
    this.waker = waker;
  }

  stop(): void {
    this.stopping = true;
    this.waker.wake();
  }

  /** Do not wait for asynchronous operators when closing: their calls are cancelled, and what was not committed is processed again. */
  abandonAsync(): void {
    this.abandoned = true;
    this.waker.wake();
  }

  /** An error of something that runs beside the loop. */
  fail(error: unknown): void {
    this.failure ??= error ?? new Error('unknown failure');
    this.waker.wake();
  }

  throwFailure(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

import type { Committer } from '../commit/committer.ts';
import type { CommitInterval, CommitOutcome } from '../commit/interval.ts';
import type { LoopSignals } from './loop-signals.ts';
import type { Waker } from './waker.ts';

/** The commit that goes on beside the loop, one at a time, and how it ended. */
export class CommitUnderWay {
  private readonly committer: Committer;
  private readonly signals: LoopSignals;
  private readonly waker: Waker;
  private running: Promise<void> | undefined;
  private outcome: CommitOutcome | undefined;

  constructor(committer: Committer, signals: LoopSignals, waker: Waker) {
    this.committer = committer;
    this.signals = signals;
    this.waker = waker;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** It has ended, and nobody has taken the outcome yet. */
  get hasOutcome(): boolean {
    return this.outcome !== undefined;
  }

  begin(interval: CommitInterval): void {
    this.running = this.committer
      .run(interval)
      .then((outcome) => {
        this.outcome = outcome;
      })
      .catch((error: unknown) => this.signals.fail(error))
      .finally(() => {
        this.running = undefined;
        this.waker.wake();
      });
  }

  /** To be awaited: nothing is under way then. Never rejects, the signals have the error. */
  ended(): Promise<void> | undefined {
    return this.running;
  }

  /** How it ended, once; undefined also when it has thrown. */
  takeOutcome(): CommitOutcome | undefined {
    const outcome = this.outcome;
    this.outcome = undefined;
    return outcome;
  }
}

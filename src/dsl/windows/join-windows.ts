import { TopologyError } from '../../errors.ts';
import { type Duration, toMillis } from '../../time.ts';
import { graceMillis } from './time-windows.ts';

/**
 * When two records of a stream-stream join belong together: the right one is at most `before` earlier and at most `after` later than the left one.
 * Immutable.
 */
export class JoinWindows {
  readonly beforeMs: number;
  readonly afterMs: number;
  /** How long, in stream time, late records may still join. */
  readonly graceMs: number;

  private constructor(beforeMs: number, afterMs: number, graceMs: number) {
    if (beforeMs + afterMs < 0) {
      throw new TopologyError(`Join window ends before it starts (before ${beforeMs} ms, after ${afterMs} ms): their sum must not be negative`);
    }
    this.beforeMs = beforeMs;
    this.afterMs = afterMs;
    this.graceMs = graceMs;
    Object.freeze(this);
  }

  /** Symmetric: `before` and `after` are the time difference. */
  static ofTimeDifferenceAndGrace(timeDifference: Duration, grace: Duration): JoinWindows {
    const difference = toMillis(timeDifference, 'time difference');
    return new JoinWindows(difference, difference, graceMillis(grace));
  }

  /** A record that arrives when its join window is over, in stream time, does not join. */
  static ofTimeDifferenceWithNoGrace(timeDifference: Duration): JoinWindows {
    return JoinWindows.ofTimeDifferenceAndGrace(timeDifference, 0);
  }

  /** How much earlier the right record may be. Negative: it has to be later by at least that much. */
  before(duration: Duration): JoinWindows {
    return new JoinWindows(toMillis(duration, 'before'), this.afterMs, this.graceMs);
  }

  /** How much later the right record may be. Negative: it has to be earlier by at least that much. */
  after(duration: Duration): JoinWindows {
    return new JoinWindows(this.beforeMs, toMillis(duration, 'after'), this.graceMs);
  }

  /** Length of the window in milliseconds. */
  get sizeMs(): number {
    return this.beforeMs + this.afterMs;
  }
}

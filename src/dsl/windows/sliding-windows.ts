import { TopologyError } from '../../errors.ts';
import { type Duration, toMillis } from '../../time.ts';
import { graceMillis } from './time-windows.ts';

/**
 * Windows that move with the records: two records are in one window when their times differ by at most the time difference. Both ends are inclusive.
 * Immutable.
 */
export class SlidingWindows {
  readonly timeDifferenceMs: number;
  /** How long after its end, in stream time, a window still takes late records. */
  readonly graceMs: number;

  private constructor(timeDifferenceMs: number, graceMs: number) {
    this.timeDifferenceMs = timeDifferenceMs;
    this.graceMs = graceMs;
    Object.freeze(this);
  }

  /** @throws TopologyError when either is negative. */
  static ofTimeDifferenceAndGrace(timeDifference: Duration, grace: Duration): SlidingWindows {
    const timeDifferenceMs = toMillis(timeDifference, 'time difference');
    if (timeDifferenceMs < 0) throw new TopologyError(`Time difference of sliding windows is ${timeDifferenceMs} ms: it must not be negative`);
    return new SlidingWindows(timeDifferenceMs, graceMillis(grace));
  }

  /** A record that arrives after its windows have ended, in stream time, is dropped. */
  static ofTimeDifferenceWithNoGrace(timeDifference: Duration): SlidingWindows {
    return SlidingWindows.ofTimeDifferenceAndGrace(timeDifference, 0);
  }
}

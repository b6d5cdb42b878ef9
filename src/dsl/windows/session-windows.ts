import { TopologyError } from '../../errors.ts';
import { type Duration, toMillis } from '../../time.ts';
import { graceMillis } from './time-windows.ts';

/**
 * Sessions: periods of activity of a key that end after a gap without a record. A record between two sessions merges them. Both ends of a session are inclusive.
 * Immutable.
 */
export class SessionWindows {
  readonly gapMs: number;
  /** How long after end and gap, in stream time, a session still takes late records. */
  readonly graceMs: number;

  private constructor(gapMs: number, graceMs: number) {
    this.gapMs = gapMs;
    this.graceMs = graceMs;
    Object.freeze(this);
  }

  /** @throws TopologyError when the gap is not positive or the grace negative. */
  static ofInactivityGapAndGrace(gap: Duration, grace: Duration): SessionWindows {
    const gapMs = toMillis(gap, 'inactivity gap');
    if (gapMs <= 0) throw new TopologyError(`Inactivity gap is ${gapMs} ms: it must be positive`);
    return new SessionWindows(gapMs, graceMillis(grace));
  }

  /** A record that arrives after its session has ended, in stream time, is dropped. */
  static ofInactivityGapWithNoGrace(gap: Duration): SessionWindows {
    return SessionWindows.ofInactivityGapAndGrace(gap, 0);
  }
}

import { TopologyError } from '../../errors.ts';
import { type Duration, toMillis } from '../../time.ts';

/**
 * Windows of a fixed size, aligned to the epoch: tumbling, or hopping when they advance by less than their size. A window is `[start, end)`.
 * Immutable.
 *
 * @example
 * TimeWindows.ofSizeAndGrace('5m', '30s')                       // tumbling
 * TimeWindows.ofSizeWithNoGrace('1h').advanceBy('10m')          // hopping
 */
export class TimeWindows {
  readonly sizeMs: number;
  readonly advanceMs: number;
  /** How long after its end, in stream time, a window still takes late records. */
  readonly graceMs: number;

  private constructor(sizeMs: number, advanceMs: number, graceMs: number) {
    this.sizeMs = sizeMs;
    this.advanceMs = advanceMs;
    this.graceMs = graceMs;
    Object.freeze(this);
  }

  /** @throws TopologyError when the size is not positive or the grace negative. */
  static ofSizeAndGrace(size: Duration, grace: Duration): TimeWindows {
    const sizeMs = toMillis(size, 'window size');
    if (sizeMs <= 0) throw new TopologyError(`Window size is ${sizeMs} ms: it must be positive`);
    return new TimeWindows(sizeMs, sizeMs, graceMillis(grace));
  }

  /** A record that arrives after its window has ended, in stream time, is dropped. */
  static ofSizeWithNoGrace(size: Duration): TimeWindows {
    return TimeWindows.ofSizeAndGrace(size, 0);
  }

  /**
   * Makes them hopping: a new window starts every `advance`, and windows overlap.
   * @throws TopologyError unless 0 < advance ≤ size.
   */
  advanceBy(advance: Duration): TimeWindows {
    const advanceMs = toMillis(advance, 'window advance');
    if (advanceMs <= 0 || advanceMs > this.sizeMs) {
      throw new TopologyError(`Window advance is ${advanceMs} ms: it must be more than zero and not more than the window size of ${this.sizeMs} ms`);
    }
    return new TimeWindows(this.sizeMs, advanceMs, this.graceMs);
  }
}

/** @internal */
export function graceMillis(grace: Duration): number {
  const graceMs = toMillis(grace, 'grace period');
  if (graceMs < 0) throw new TopologyError(`Grace period is ${graceMs} ms: it must not be negative`);
  return graceMs;
}

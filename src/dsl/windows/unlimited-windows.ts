import { TopologyError } from '../../errors.ts';

/** One window for all time, from a start on. Records before the start fall in no window. Immutable. */
export class UnlimitedWindows {
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly unlimited = true;

  private constructor(startMs: number) {
    this.startMs = startMs;
    Object.freeze(this);
  }

  /** Starts at the epoch. */
  static of(): UnlimitedWindows {
    return new UnlimitedWindows(0);
  }

  /**
   * @param start epoch milliseconds, or a date.
   * @throws TopologyError when it is negative.
   */
  startOn(start: number | Date): UnlimitedWindows {
    const startMs = Number(start);
    if (!(startMs >= 0)) throw new TopologyError(`Start of unlimited windows is ${String(start)}: it must not be before the epoch`);
    return new UnlimitedWindows(startMs);
  }
}

/** What the two sides of a stream join know together of time. */
export class StreamJoinTimeTracker {
  /** Highest timestamp of both sides; -1 before the first record. */
  streamTime = -1;
  /**
   * Where the next scan of the outer-join store is worth while: the timestamp at which the last scan stopped, or a lower one added since. Infinity: the store was empty.
   * As in Kafka Streams not always the lowest there is: a scan that has passed records of one side, still open, goes on for those of the other.
   */
  minTime = Number.POSITIVE_INFINITY;
  /** Wall clock before which no scan starts, epoch milliseconds. */
  nextScanAt = 0;

  advance(timestamp: number): void {
    if (timestamp > this.streamTime) this.streamTime = timestamp;
  }

  /** Whether a record that waits for `spanMs` may be due. */
  mayBeDue(spanMs: number): boolean {
    // For an empty store the sum overflows in Java, and it scans: the emit interval counts from then on.
    if (this.minTime === Number.POSITIVE_INFINITY) return spanMs > 0;
    return this.minTime + spanMs < this.streamTime;
  }

  added(timestamp: number): void {
    if (timestamp < this.minTime) this.minTime = timestamp;
  }
}

/**
 * Hands one tracker to both sides of a join in a task. The sides meet by task id; a pair is forgotten as soon as both have it, so a task that starts again
 * (another assignment, an aborted interval) gets a fresh one.
 */
export class TimeTrackers {
  readonly #waiting = new Map<string, { readonly tracker: StreamJoinTimeTracker; readonly leftSide: boolean }>();

  take(taskId: string, leftSide: boolean): StreamJoinTimeTracker {
    const waiting = this.#waiting.get(taskId);
    if (waiting !== undefined && waiting.leftSide !== leftSide) {
      this.#waiting.delete(taskId);
      return waiting.tracker;
    }
    const tracker = new StreamJoinTimeTracker();
    this.#waiting.set(taskId, { tracker, leftSide });
    return tracker;
  }
}

/** One for each stream join, shared by its two sides. */
export function streamJoinTimeTrackers(): TimeTrackers {
  return new TimeTrackers();
}

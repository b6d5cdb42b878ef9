/** What the two sides of a stream join know together of time. */
export class StreamJoinTimeTracker {
  /** Highest timestamp of both sides; -1 before the first record. */
  streamTime = -1;
  /** A lower bound of what the outer-join store holds, as of the last scan; -1 when it is not known (then a scan is worth it). */
  minTime = -1;
  /** Wall clock before which no scan starts, epoch milliseconds. */
  nextScanAt = 0;

  advance(timestamp: number): void {
    if (timestamp > this.streamTime) this.streamTime = timestamp;
  }

  added(timestamp: number): void {
    if (this.minTime === -1 || timestamp < this.minTime) this.minTime = timestamp;
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

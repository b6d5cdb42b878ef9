/**
 * For one changelog partition that is purged by stream time: how far stream time has come in its records, and marks `[end offset, stream time]` that say up to which time
 * everything before an offset lies. Kept in the task's state file, as JSON.
 */
export class PurgeMarks {
  private now: number;
  private marks: [offset: number, streamTime: number][];

  constructor(stored: string | undefined) {
    const parsed = parse(stored);
    this.now = parsed.now;
    this.marks = parsed.marks;
  }

  /** The highest event time among the keys of its records: the store's own stream time. */
  get streamTime(): number {
    return this.now;
  }

  /** A record's window was written. */
  observe(time: number): void {
    if (time > this.now) this.now = time;
  }

  /**
   * All records before `end` are of now or earlier. A new mark is made when stream time has moved by `spacing` since the last, so that there are few.
   * Returns whether anything changed.
   */
  mark(end: number, spacing: number): boolean {
    const last = this.marks[this.marks.length - 1];
    if (this.now < 0 || (last !== undefined && this.now < last[1] + spacing)) return false;
    this.marks.push([end, this.now]);
    return true;
  }

  /** The offset before which every record is older than `retention`; those marks are forgotten. Undefined when there is nothing to purge. */
  takeExpired(retention: number): number | undefined {
    let expired: number | undefined;
    while (this.marks.length > 0 && (this.marks[0] as [number, number])[1] < this.now - retention) expired = (this.marks.shift() as [number, number])[0];
    return expired;
  }

  toString(): string {
    return JSON.stringify({ now: this.now, marks: this.marks });
  }
}

function parse(stored: string | undefined): { now: number; marks: [number, number][] } {
  if (stored === undefined) return { now: -1, marks: [] };
  return JSON.parse(stored) as { now: number; marks: [number, number][] };
}

/**
 * The event time in a changelog key, by which its store expires it: a window's start (`key|start8|seq4`) or a session's end (`key|end8|start8`).
 * -1 when the key is too short to be one.
 */
export function changelogKeyTime(key: Buffer | null, kind: 'window' | 'session'): number {
  const from = kind === 'window' ? 12 : 16;
  if (key === null || key.length < from) return -1;
  const at = key.length - from;
  return key.readInt32BE(at) * 0x1_0000_0000 + key.readUInt32BE(at + 4);
}

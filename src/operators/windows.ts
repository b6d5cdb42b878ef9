/*
 * What the operators need to know of a window definition. The DSL's window classes satisfy these; all numbers are milliseconds.
 */

/** Tumbling (`advanceMs === sizeMs`) and hopping windows, aligned to the epoch. */
export interface TimeWindowSpec {
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;
}

/** One window without an end. Records before `startMs` fall in no window. */
export interface UnlimitedWindowSpec {
  readonly startMs: number;
}

/** Windows of a record and those up to `timeDifferenceMs` before or after it. */
export interface SlidingWindowSpec {
  readonly timeDifferenceMs: number;
  readonly graceMs: number;
}

/** Sessions that end after `gapMs` without a record. */
export interface SessionWindowSpec {
  readonly gapMs: number;
  readonly graceMs: number;
}

/** A right record joins a left one when `left - beforeMs <= right <= left + afterMs`. Either may be negative. */
export interface JoinWindowSpec {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;
}

/** When a windowed aggregate sends results: at each update, or once when the window has closed. */
export type EmitStrategySpec = 'window-update' | 'window-close';

/** End of an unlimited window. */
export const UNLIMITED_END = Number.MAX_SAFE_INTEGER;

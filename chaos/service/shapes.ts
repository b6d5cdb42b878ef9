/* What the service under chaos and those who watch it have in common. */

export interface Event {
  /** 0, 1, 2, … in the order in which they were written. */
  readonly id: number;
  readonly user: string;
  readonly page: string;
  /** Event time, epoch milliseconds. */
  readonly at: number;
}

export interface Tally {
  readonly count: number;
  /** Of the ids. */
  readonly sum: number;
}

export type Workload = 'sessions' | 'windows' | 'all';

export const GAP_MS = 30 * 60_000;
/** Input partitions are in order to within seconds: no record is late. Old sessions do expire in a run of some minutes. */
export const SESSION_GRACE_MS = 60 * 60_000;
export const WINDOW_MS = 5 * 60_000;
/** Beyond a repartition topic an instance that was down brings old records: none may be late. */
export const WINDOW_GRACE_MS = 30 * 86_400_000;

export const STORES = { sessions: 'sessions', windows: 'windows' } as const;

export interface ChaosTopics {
  readonly input: string;
  readonly sessions: string;
  readonly windows: string;
  readonly through: string;
}

export function chaosTopics(prefix: string): ChaosTopics {
  return { input: `${prefix}-input`, sessions: `${prefix}-out-sessions`, windows: `${prefix}-out-windows`, through: `${prefix}-out-through` };
}

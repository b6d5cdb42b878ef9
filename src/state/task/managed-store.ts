import type { CacheBudget } from '../cache/cache-budget.ts';
import type { StateStore } from '../contract/stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { Engine } from '../engine/engine.ts';
import type { StateLogger } from '../sqlite/open-database.ts';

/** What a task gives its own kinds of stores. */
export interface StoreEnvironment {
  readonly taskId: string;
  readonly logger: StateLogger;
  readonly cacheBudget: CacheBudget;
  /** The task's file, opened at the first call; or its memory. */
  engine(persistent: boolean): Engine;
}

/** True when a stretch of work has used up its time. */
export type Deadline = () => boolean;

/** One store's part of a frozen interval. */
export interface FrozenStore {
  readonly bytes: number;
  /** Inside a transaction: write until the deadline. Called again until it returns true: all is written. */
  write(deadline: Deadline): boolean;
  /** The transaction is committed. */
  applied(): void;
  /** The interval was aborted. */
  dropped(): void;
}

/** The commit protocol's side of a store. All of Millrace's own stores have it; those of users need only {@link StateStore}. */
export interface ManagedStore extends StateStore {
  attach(environment: StoreEnvironment): void;
  /** Known after `init`. */
  readonly changelogTopic: string;
  /** Bytes written since the last freeze. */
  readonly activeBytes: number;
  /** Something to flush is in the record cache. */
  readonly cacheDirty: boolean;
  /** Flush the cache into the buffer and to the listener, until the deadline; true when it is clean. */
  flushCache(deadline: Deadline): boolean;
  /** Write changelog records that wait for the end of the interval, until the deadline; true when all are written. Called when all caches are flushed. */
  flushLog?(deadline: Deadline): boolean;
  /** Set the interval's writes aside; null when there are none. */
  freeze(): FrozenStore | null;
  /** Drop the writes since the last freeze, and the cache. */
  discard(): void;
  /** Inside a transaction of its engine: write changelog records straight to it. */
  restore(records: readonly ChangelogRecord[]): void;
  /** The engine's contents were dropped: forget what is known of them. */
  cleared(): void;
}

export function isManaged(store: StateStore): store is ManagedStore {
  return typeof (store as Partial<ManagedStore>).attach === 'function' && typeof (store as Partial<ManagedStore>).freeze === 'function';
}

export const NO_DEADLINE: Deadline = () => false;

/** A deadline `budgetMs` from now. */
export function deadlineIn(budgetMs: number): Deadline {
  const end = performance.now() + budgetMs;
  return () => performance.now() >= end;
}

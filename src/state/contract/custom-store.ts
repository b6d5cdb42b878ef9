import type { StateStore } from './stores.ts';
import type { ChangelogRecord } from './task-state.ts';

/**
 * A store of the application's own. It keeps its contents as it likes, and calls `context.logChange` (the context of `init`) for every change. What it has logged is kept for it,
 * beside the other stores: in the task's state file when `persistent` is true, else in memory; and in its changelog, unless its builder says `loggingEnabled: false`. From there
 * it gets its contents back, in `restore`: at the start, and after an aborted commit (`clear` comes first). So it is part of exactly-once without knowing of commits.
 *
 * `logChange` is called once the change is made; the same key with a later value replaces the earlier one, null deletes it.
 */
export interface CustomStateStore extends StateStore {
  /** Take over what was logged before, in batches, between `init` and the first use. Of each key only the latest value need come; null is a deletion. */
  restore(records: readonly ChangelogRecord[]): void;
  /** Forget everything. What is to be kept comes by `restore`. */
  clear(): void;
  /** Called before each commit: a store that gathers its changes logs them now. */
  flush?(): void;
}

export function isCustomStore(store: StateStore): store is CustomStateStore {
  const { restore, clear } = store as Partial<CustomStateStore>;
  return typeof restore === 'function' && typeof clear === 'function';
}

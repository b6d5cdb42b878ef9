import type { StateStoreContext } from './context.ts';
import type { StateStore } from './stores.ts';

/** One changelog record, as restore reads it. */
export interface ChangelogRecord {
  readonly key: Buffer;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers: import('../../processor/headers.ts').Headers;
  readonly offset: number;
}

/** A frozen interval: what `freeze` took out of the buffers, waiting for the outcome of its transaction. Opaque. */
export interface FrozenWrites {
  /** Stores with at least one change, whose changelog end offset is to be stored with it. */
  readonly stores: readonly string[];
  readonly bytes: number;
}

/** Where a store's contents stand, from the task's own file. */
export interface StoredPosition {
  /** The next changelog offset to restore from; undefined: nothing stored, restore from the beginning. */
  readonly changelogOffset: number | undefined;
  /** Wall clock, epoch milliseconds, when the store was last known to be caught up. */
  readonly caughtUpAt: number;
}

/** Identity of the log that the state was built from. Contents built from another one are rebuilt. */
export interface LogIdentity {
  readonly clusterId: string;
  /** Changelog topic → its topic id, where the client can tell. */
  readonly topicIds: { readonly [topic: string]: string };
}

/**
 * All state of one task: the SQLite file (one a task), the write-back buffers, the caches. The commit protocol in its terms:
 *
 *     flushCaches()            caches flush downstream and into the buffers; changelog records are logged
 *     f = freeze()             buffers of the interval are set aside; later writes go to fresh ones; reads see both
 *     … Kafka transaction …    outcome known to be committed
 *     await apply(f, offsets)  one SQLite transaction: entries and changelog offsets; yields to the event loop between chunks
 *     discard()                instead, after an abort: buffers, frozen writes and caches are dropped; reads are those of the last apply
 *
 * SQLite is only ever behind Kafka, never ahead. In-memory stores follow the same protocol, so an abort undoes them too.
 */
export interface TaskState {
  readonly taskId: string;
  /** Open the file and initialise the given stores, in this order. Detects corrupt and foreign files: set aside, logged, rebuilt. */
  register(store: StateStore): void;
  /**
   * Initialise a registered store. `logged`: it has a changelog.
   * @throws StateStoreError when a store of the application's own has a changelog, but cannot be restored from it.
   */
  init(store: StateStore, context: StateStoreContext, logged: boolean): void;
  readonly stores: ReadonlyMap<string, StateStore>;
  flushCaches(): void;
  /** As flushCaches, but yields to the event loop: `budgetMs` is the longest stretch. @default 8 */
  flushCachesAsync?(budgetMs: number): Promise<void>;
  freeze(): FrozenWrites | null;
  apply(frozen: FrozenWrites, changelogOffsets: ReadonlyMap<string, number>): Promise<void>;
  /** As apply, without yielding (the driver, tests). */
  applySync(frozen: FrozenWrites, changelogOffsets: ReadonlyMap<string, number>): void;
  discard(): void;
  /** Bytes in buffers and frozen writes, to bound what is uncommitted (`statestore.uncommitted.max.bytes`). */
  readonly uncommittedBytes: number;
  position(storeName: string): StoredPosition;
  /** Write restored changelog records straight to the engine, in one transaction with the next offset to read. */
  restore(storeName: string, records: readonly ChangelogRecord[], nextOffset: number): void;
  /** The store is caught up at this wall-clock time. */
  markCaughtUp(storeName: string, now: number): void;
  /** Drop a store's contents and position, to rebuild it from its changelog. */
  reset(storeName: string): void;
  /** Compare with what the file was built from, and record it; returns the stores whose contents are from elsewhere (and were reset). */
  identify(identity: LogIdentity): string[];
  /** Small facts kept in the same file and committed with the stores (for example the changelog purge marks). */
  getMeta(key: string): string | undefined;
  /** Written at the next apply. */
  setMeta(key: string, value: string): void;
  /** Closes stores and file. Uncommitted writes are dropped. */
  close(): void;
  /** Close, and delete the file. */
  destroy(): void;
}

import { join } from 'node:path';
import { IllegalStateError, StateStoreError } from '../../errors.ts';
import { ownBytes } from '../../util/own-bytes.ts';
import { CacheBudget } from '../cache/cache-budget.ts';
import type { StateStoreContext } from '../contract/context.ts';
import { isCustomStore } from '../contract/custom-store.ts';
import type { StateStore } from '../contract/stores.ts';
import type { ChangelogRecord, FrozenWrites, LogIdentity, StoredPosition, TaskState } from '../contract/task-state.ts';
import type { Engine } from '../engine/engine.ts';
import { MemoryEngine } from '../memory/memory-engine.ts';
import type { StateLogger } from '../sqlite/open-database.ts';
import { describeFailure, SqliteEngine } from '../sqlite/sqlite-engine.ts';
import { ApplyJob, type FrozenPart } from './apply-job.ts';
import { ManagedCustomStore } from './custom-store.ts';
import { type Deadline, deadlineIn, isManaged, type ManagedStore, NO_DEADLINE, type StoreEnvironment } from './managed-store.ts';

/** Records restored in one transaction. */
const RESTORE_TRANSACTION = 100_000;

export interface TaskStateOptions {
  /** `subtopology_partition`, for example `0_3`: names the file. */
  readonly taskId: string;
  /** Folder of the file `<taskId>.sqlite`; normally `stateDir/<applicationId>`, locked by `lockStateDirectory`. Made when a store first needs it. */
  readonly directory: string;
  /** The file is kept in memory, and gone at the close: for tests. @default false */
  readonly inMemory?: boolean;
  readonly logger: StateLogger;
  /** Record cache for this task alone, bytes. @default 10 MiB */
  readonly cacheMaxBytes?: number;
  /** Record cache shared with other tasks, instead of `cacheMaxBytes`. */
  readonly cacheBudget?: CacheBudget;
  /** Page cache of the SQLite file, bytes. @default 16 MiB */
  readonly pageCacheBytes?: number;
  /** Longest stretch of work before `apply` yields to the event loop, milliseconds. @default 8 */
  readonly budgetMs?: number;
  /** Most pages (of 4 KiB) that the file may have; writes beyond fail as on a full disk. @default no limit */
  readonly maxFilePages?: number;
}

/**
 * The state of one task, see {@link TaskState}. Nothing is opened before the first store is registered.
 *
 * @throws StateStoreError (from `register`) when the file cannot be used.
 */
export function createTaskState(options: TaskStateOptions): TaskState {
  return new EngineTaskState(options);
}

class EngineTaskState implements TaskState {
  readonly taskId: string;
  readonly stores = new Map<string, StateStore>();
  readonly #options: TaskStateOptions;
  readonly #managed: ManagedStore[] = [];
  readonly #managedByName = new Map<string, ManagedStore>();
  readonly #environment: StoreEnvironment;
  readonly #meta = new Map<string, string>();
  #sqlite: SqliteEngine | null = null;
  #memory: MemoryEngine | null = null;
  readonly #frozen = new Set<Frozen>();
  #job: ApplyJob | null = null;
  /** The engine with an open restore transaction, and the records in it. */
  #restoring: Engine | null = null;
  #restored = 0;
  #closed = false;

  constructor(options: TaskStateOptions) {
    this.taskId = options.taskId;
    this.#options = options;
    this.#environment = {
      taskId: options.taskId,
      logger: options.logger,
      cacheBudget: options.cacheBudget ?? new CacheBudget(options.cacheMaxBytes ?? 10 * 1024 * 1024),
      engine: (persistent) => this.#engine(persistent),
    };
  }

  register(store: StateStore): void {
    const known = this.stores.get(store.name);
    if (known === store) return;
    if (known !== undefined) throw new IllegalStateError('two stores have this name', { taskId: this.taskId, store: store.name });
    const managed = isManaged(store) ? store : isCustomStore(store) ? new ManagedCustomStore(store) : undefined;
    if (managed !== undefined) {
      this.#finishJob();
      managed.attach(this.#environment);
      this.#managed.push(managed);
      this.#managedByName.set(managed.name, managed);
    }
    this.stores.set(store.name, store);
  }

  init(store: StateStore, context: StateStoreContext, logged: boolean): void {
    const managed = this.#managedByName.get(store.name);
    if (managed === undefined && logged) {
      throw new StateStoreError(
        'the store has a changelog, but nothing to restore it with: give it the methods restore(records) and clear(), or its builder loggingEnabled: false',
        {
          taskId: this.taskId,
          store: store.name,
        },
      );
    }
    (managed ?? store).init(context);
  }

  flushCaches(): void {
    this.#flush(NO_DEADLINE);
  }

  async flushCachesAsync(budgetMs = 8): Promise<void> {
    while (!this.#flush(deadlineIn(budgetMs))) await nextTurn();
  }

  freeze(): FrozenWrites | null {
    const parts: FrozenPart[] = [];
    for (const store of this.#managed) {
      const frozen = store.freeze();
      if (frozen !== null) parts.push({ store: store.name, engine: this.#engine(store.persistent), frozen });
    }
    if (parts.length === 0 && this.#meta.size === 0) return null;
    const frozen = new Frozen(parts, new Map(this.#meta));
    this.#meta.clear();
    this.#frozen.add(frozen);
    return frozen;
  }

  async apply(frozen: FrozenWrites, changelogOffsets: ReadonlyMap<string, number>): Promise<void> {
    this.#finishJob();
    const job = this.#begin(frozen, changelogOffsets);
    const budget = this.#options.budgetMs ?? 8;
    for (;;) {
      // Somebody who had to write may have run it to its end meanwhile.
      if (job.error !== undefined) throw this.#failure(job.error, job.failedStore);
      if (!job.done) this.#step(job, deadlineIn(budget));
      if (job.done) return;
      await nextTurn();
    }
  }

  applySync(frozen: FrozenWrites, changelogOffsets: ReadonlyMap<string, number>): void {
    this.#finishJob();
    this.#step(this.#begin(frozen, changelogOffsets), NO_DEADLINE);
  }

  discard(): void {
    // What is being applied was committed to Kafka: it stays.
    this.#finishJob();
    for (const frozen of this.#frozen) for (const part of frozen.parts) part.frozen.dropped();
    this.#frozen.clear();
    this.#meta.clear();
    for (const store of this.#managed) store.discard();
    this.#memory?.forgetObjects();
  }

  get uncommittedBytes(): number {
    let bytes = 0;
    for (const store of this.#managed) bytes += store.activeBytes;
    for (const frozen of this.#frozen) bytes += frozen.bytes;
    return bytes;
  }

  position(storeName: string): StoredPosition {
    const engine = this.#engineOf(storeName);
    const offset = engine?.getFact(storeName, 'offset');
    return { changelogOffset: offset === undefined ? undefined : Number(offset), caughtUpAt: Number(engine?.getFact(storeName, 'caught-up-at') ?? 0) };
  }

  restore(storeName: string, records: readonly ChangelogRecord[], nextOffset: number): void {
    this.#require(storeName);
    const store = this.#managedByName.get(storeName);
    if (store === undefined)
      throw new StateStoreError('the store cannot be restored by the task: it keeps its own contents', { taskId: this.taskId, store: storeName });
    const engine = this.#engine(store.persistent);
    if (this.#restoring !== engine) {
      this.#finishJob();
      this.#guarded(engine, storeName, () => engine.begin());
      this.#restoring = engine;
      this.#restored = 0;
    }
    this.#guarded(engine, storeName, () => {
      store.restore(store.persistent ? records : records.map(owned));
      engine.setFact(storeName, 'offset', String(nextOffset));
    });
    this.#restored += records.length;
    if (this.#restored >= RESTORE_TRANSACTION) this.#finishRestore();
  }

  markCaughtUp(storeName: string, now: number): void {
    const engine = this.#engineOf(storeName);
    if (engine !== null) this.#write(engine, storeName, () => engine.setFact(storeName, 'caught-up-at', String(now)));
  }

  reset(storeName: string): void {
    this.#require(storeName);
    const store = this.#managedByName.get(storeName);
    if (store === undefined) return;
    const engine = this.#engine(store.persistent);
    this.#write(engine, storeName, () => engine.clearStore(storeName));
    store.cleared();
  }

  identify(identity: LogIdentity): string[] {
    if (this.#sqlite === null) return [];
    const engine = this.#sqlite;
    const reset: string[] = [];
    const cluster = engine.getFact('', 'cluster-id');
    for (const store of this.#managed) {
      if (!store.persistent) continue;
      const topicId = engine.getFact(store.name, 'topic-id');
      const now = identity.topicIds[store.changelogTopic];
      const holds = engine.getFact(store.name, 'offset') !== undefined;
      if (holds && ((cluster !== undefined && cluster !== identity.clusterId) || (topicId !== undefined && now !== undefined && topicId !== now))) {
        this.#options.logger.warn(
          { taskId: this.taskId, store: store.name, clusterId: cluster, now: identity.clusterId, topicId, topicIdNow: now },
          'the store was built from another changelog: it is rebuilt from the present one',
        );
        this.reset(store.name);
        reset.push(store.name);
      }
    }
    this.#write(engine, undefined, () => {
      engine.setFact('', 'cluster-id', identity.clusterId);
      for (const store of this.#managed) {
        const id = identity.topicIds[store.changelogTopic];
        if (store.persistent && id !== undefined) engine.setFact(store.name, 'topic-id', id);
      }
    });
    return reset;
  }

  getMeta(key: string): string | undefined {
    const pending = this.#meta.get(key);
    if (pending !== undefined) return pending;
    for (const frozen of [...this.#frozen].reverse()) {
      const value = frozen.meta.get(key);
      if (value !== undefined) return value;
    }
    return this.#metaEngine().getFact('', `meta:${key}`);
  }

  setMeta(key: string, value: string): void {
    this.#meta.set(key, value);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#finishJob();
    } catch (error) {
      // The apply that is waiting reports it.
      this.#options.logger.error({ taskId: this.taskId, err: error }, 'the last interval could not be written to the state file');
    }
    for (const store of this.stores.values()) if (store.isOpen) store.close();
    this.#sqlite?.close();
    this.#memory?.close();
  }

  destroy(): void {
    // Opened if it is not, so that a file of an earlier run goes too.
    const engine = this.#sqlite ?? (this.#engine(true) as SqliteEngine);
    this.close();
    engine.destroy();
  }

  #flush(deadline: Deadline): boolean {
    // A flush may dirty caches of stores downstream, even of earlier ones.
    for (;;) {
      let clean = true;
      for (const store of this.#managed) {
        if (!store.cacheDirty) continue;
        clean = false;
        if (!store.flushCache(deadline)) return false;
      }
      if (clean) break;
    }
    for (const store of this.#managed) if (store.flushLog?.(deadline) === false) return false;
    return true;
  }

  #begin(writes: FrozenWrites, offsets: ReadonlyMap<string, number>): ApplyJob {
    const frozen = writes as Frozen;
    if (!this.#frozen.has(frozen)) throw new IllegalStateError('these writes were applied or discarded already', { taskId: this.taskId });
    const engines = new Set<Engine>(frozen.parts.map((part) => part.engine));
    for (const store of offsets.keys()) {
      const engine = this.#engineOf(store);
      if (engine !== null) engines.add(engine);
    }
    if (frozen.meta.size > 0) engines.add(this.#metaEngine());
    const job = new ApplyJob(frozen.parts, [...engines], () => {
      for (const [store, offset] of offsets) this.#engineOf(store)?.setFact(store, 'offset', String(offset));
      for (const [key, value] of frozen.meta) this.#metaEngine().setFact('', `meta:${key}`, value);
    });
    job.owner = frozen;
    this.#job = job;
    return job;
  }

  #step(job: ApplyJob, deadline: Deadline): void {
    try {
      job.step(deadline);
    } catch (cause) {
      throw this.#failure(cause, job.failedStore);
    } finally {
      if (job.done && this.#job === job) {
        this.#job = null;
        this.#frozen.delete(job.owner as Frozen);
      }
    }
  }

  /** A restore's transaction spans many batches: a page of the file is then written once for many random keys. A crash only loses some progress. */
  #finishRestore(): void {
    const engine = this.#restoring;
    if (engine === null) return;
    this.#restoring = null;
    this.#guarded(engine, undefined, () => engine.commit());
  }

  #finishJob(): void {
    this.#finishRestore();
    if (this.#job !== null) this.#step(this.#job, NO_DEADLINE);
  }

  #write(engine: Engine, store: string | undefined, action: () => void): void {
    this.#finishJob();
    this.#guarded(engine, store, () => {
      engine.begin();
      action();
      engine.commit();
    });
  }

  /** Rolls back on an error. */
  #guarded(engine: Engine, store: string | undefined, action: () => void): void {
    try {
      action();
    } catch (cause) {
      this.#restoring = null;
      engine.rollback();
      throw this.#failure(cause, store);
    }
  }

  #failure(cause: unknown, store?: string): unknown {
    return describeFailure(cause, { file: this.#file(), taskId: this.taskId }, store);
  }

  #engine(persistent: boolean): Engine {
    if (!persistent) {
      this.#memory ??= new MemoryEngine();
      return this.#memory;
    }
    this.#sqlite ??= new SqliteEngine({
      file: this.#file(),
      taskId: this.taskId,
      logger: this.#options.logger,
      cacheBytes: this.#options.pageCacheBytes ?? 16 * 1024 * 1024,
      maxPages: this.#options.maxFilePages,
    });
    return this.#sqlite;
  }

  /** Facts of the task live in its file; a task without persistent stores has none, and keeps them in memory. */
  #metaEngine(): Engine {
    return this.#sqlite ?? this.#engine(false);
  }

  #engineOf(storeName: string): Engine | null {
    const store = this.#managedByName.get(storeName);
    return store === undefined ? null : this.#engine(store.persistent);
  }

  #require(storeName: string): StateStore {
    const store = this.stores.get(storeName);
    if (store === undefined) throw new IllegalStateError('the task has no such store', { taskId: this.taskId, store: storeName });
    return store;
  }

  #file(): string {
    return this.#options.inMemory === true ? ':memory:' : join(this.#options.directory, `${this.taskId}.sqlite`);
  }
}

class Frozen implements FrozenWrites {
  readonly parts: readonly FrozenPart[];
  readonly meta: ReadonlyMap<string, string>;
  readonly stores: readonly string[];
  readonly bytes: number;

  constructor(parts: readonly FrozenPart[], meta: ReadonlyMap<string, string>) {
    this.parts = parts;
    this.meta = meta;
    this.stores = parts.map((part) => part.store);
    this.bytes = parts.reduce((sum, part) => sum + part.frozen.bytes, 0);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What stays in memory must not be a view of a whole fetch response. */
function owned(record: ChangelogRecord): ChangelogRecord {
  return { ...record, key: ownBytes(record.key), value: record.value === null ? null : ownBytes(record.value) };
}

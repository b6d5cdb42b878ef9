import type { Headers } from '../../processor/headers.ts';
import type { RecordContext } from '../../processor/record-context.ts';
import type { Serde } from '../../serdes/serde.ts';
import { BufferedTable } from '../buffer/buffered-table.ts';
import { FrozenTables } from '../buffer/frozen-tables.ts';
import { keyId } from '../bytes.ts';
import type { StateStoreContext } from '../contract/context.ts';
import type { CustomStateStore } from '../contract/custom-store.ts';
import type { ChangelogRecord, TaskState } from '../contract/task-state.ts';
import { packHeaders, unpackHeaders } from '../value-codec.ts';
import type { FrozenStore, ManagedStore, StoreEnvironment } from './managed-store.ts';

/** Records handed to a store at a time. */
const BATCH = 1000;

/** The commit protocol on behalf of a store that only logs and restores: a table of what it has logged. */
export class ManagedCustomStore implements ManagedStore {
  readonly store: CustomStateStore;
  changelogTopic = '';
  #table!: BufferedTable;

  constructor(store: CustomStateStore) {
    this.store = store;
  }

  get name(): string {
    return this.store.name;
  }

  get persistent(): boolean {
    return this.store.persistent;
  }

  get isOpen(): boolean {
    return this.store.isOpen;
  }

  get activeBytes(): number {
    return this.#table.activeBytes;
  }

  readonly cacheDirty = false;

  attach(environment: StoreEnvironment): void {
    const engine = environment.engine(this.persistent);
    if (engine.openStore(this.name, { kind: 'custom', segmentInterval: 0, keySuffix: 0, timeOrdered: false })) {
      environment.logger.warn(
        { taskId: environment.taskId, store: this.name },
        'the store is of another kind than the one in the state file: it is rebuilt from its changelog',
      );
    }
    this.#table = new BufferedTable(engine.table(this.name, null));
  }

  init(context: StateStoreContext): void {
    this.changelogTopic = context.changelogTopic(this.name);
    this.store.init(new CustomStoreContext(context, (key, value, timestamp, headers) => this.#logged(key, value, timestamp, headers)));
    this.#load();
  }

  close(): void {
    this.store.close();
  }

  flushCache(): boolean {
    return true;
  }

  flushLog(): boolean {
    this.store.flush?.();
    return true;
  }

  freeze(): FrozenStore | null {
    const layer = this.#table.freeze();
    return layer === null ? null : new FrozenTables([{ table: this.#table, layer }]);
  }

  discard(): void {
    this.#table.discardActive();
    this.store.clear();
    this.#load();
  }

  restore(records: readonly ChangelogRecord[]): void {
    const table = this.#table.engineTable;
    for (const { key, value, timestamp, headers } of records) {
      if (value === null) table.delete(keyId(key), key);
      else table.put(keyId(key), key, packHeaders(headers, value), timestamp, undefined);
    }
    this.store.restore(records);
  }

  cleared(): void {
    this.#table.discardActive();
    this.store.clear();
  }

  #logged(key: Buffer, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    this.#table.put(keyId(key), key, value === null ? null : packHeaders(headers, value), timestamp ?? 0, undefined);
  }

  #load(): void {
    let batch: ChangelogRecord[] = [];
    for (const row of this.#table.scan(null, null, false)) {
      const { headers, value } = unpackHeaders(row.value);
      // Where it stands in the changelog is not known any more.
      batch.push({ key: row.key, value, timestamp: row.timestamp, headers, offset: -1 });
      if (batch.length < BATCH) continue;
      this.store.restore(batch);
      batch = [];
    }
    if (batch.length > 0) this.store.restore(batch);
  }
}

/** The task's context, except that the task's state hears of changes too. */
class CustomStoreContext implements StateStoreContext {
  readonly #context: StateStoreContext;
  readonly #logged: (key: Buffer, value: Buffer | null, timestamp: number | null, headers: Headers) => void;

  constructor(context: StateStoreContext, logged: (key: Buffer, value: Buffer | null, timestamp: number | null, headers: Headers) => void) {
    this.#context = context;
    this.#logged = logged;
  }

  get applicationId(): string {
    return this.#context.applicationId;
  }

  get taskId(): string {
    return this.#context.taskId;
  }

  get partition(): number {
    return this.#context.partition;
  }

  get defaultKeySerde(): Serde<unknown> | undefined {
    return this.#context.defaultKeySerde;
  }

  get defaultValueSerde(): Serde<unknown> | undefined {
    return this.#context.defaultValueSerde;
  }

  get taskState(): TaskState {
    return this.#context.taskState;
  }

  get streamTime(): number {
    return this.#context.streamTime;
  }

  get recordContext(): RecordContext {
    return this.#context.recordContext;
  }

  set recordContext(context: RecordContext) {
    this.#context.recordContext = context;
  }

  changelogTopic(storeName: string): string {
    return this.#context.changelogTopic(storeName);
  }

  encodes(topic: string, serde: Serde<unknown>): void {
    this.#context.encodes?.(topic, serde);
  }

  logChange(storeName: string, key: Buffer, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    this.#logged(key, value, timestamp, headers);
    this.#context.logChange(storeName, key, value, timestamp, headers);
  }

  droppedRecord(reason: string): void {
    this.#context.droppedRecord(reason);
  }

  config(key: string): unknown {
    return this.#context.config(key);
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Headers, NO_HEADERS } from '../../src/processor/headers.ts';
import { RecordContext } from '../../src/processor/record-context.ts';
import type { StoreBuilder } from '../../src/state/contract/builder.ts';
import type { StateStoreContext } from '../../src/state/contract/context.ts';
import type { StateStore } from '../../src/state/contract/stores.ts';
import type { ChangelogRecord, TaskState } from '../../src/state/contract/task-state.ts';
import { createTaskState, type TaskStateOptions } from '../../src/state/task/task-state.ts';

export interface Logged {
  readonly store: string;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestamp: number | null;
  readonly headers: Headers;
}

/** A task's surroundings for its stores: keeps what they log, and counts what they drop. */
export class TestContext implements StateStoreContext {
  readonly applicationId = 'app';
  readonly taskId: string;
  readonly partition = 0;
  readonly defaultKeySerde = undefined;
  readonly defaultValueSerde = undefined;
  readonly taskState: TaskState;
  readonly log: Logged[] = [];
  readonly dropped: string[] = [];
  recordContext = new RecordContext('in', 0, 0, 0);
  streamTime = -1;

  constructor(taskState: TaskState) {
    this.taskState = taskState;
    this.taskId = taskState.taskId;
  }

  changelogTopic(store: string): string {
    return `app-${store}-changelog`;
  }

  logChange(store: string, key: Buffer, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    // Copies: what was logged may not change afterwards.
    this.log.push({ store, key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp, headers });
  }

  droppedRecord(reason: string): void {
    this.dropped.push(reason);
  }

  config(): unknown {
    return undefined;
  }

  at(timestamp: number, headers: Headers = NO_HEADERS): this {
    this.recordContext = new RecordContext('in', 0, this.recordContext.offset + 1, timestamp, headers);
    this.streamTime = Math.max(this.streamTime, timestamp);
    return this;
  }

  /** The log of one store as `key value` in hexadecimal. */
  hex(store?: string): string[] {
    return this.log
      .filter((entry) => store === undefined || entry.store === store)
      .map((entry) => `${entry.key.toString('hex')} ${entry.value === null ? 'null' : entry.value.toString('hex')} ${entry.timestamp}`);
  }

  records(store: string): ChangelogRecord[] {
    return this.log
      .filter((entry) => entry.store === store)
      .map((entry, offset) => ({ key: entry.key, value: entry.value, timestamp: entry.timestamp ?? 0, headers: entry.headers, offset }));
  }
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: { readonly [key: string]: unknown };
  readonly message: string;
}

export class TestLogger {
  readonly lines: LogLine[] = [];

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields: fields as LogLine['fields'], message });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields: fields as LogLine['fields'], message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields: fields as LogLine['fields'], message });
  }
}

/** A directory, and task states in it that can be closed, killed and opened again. */
export class Harness {
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  readonly logger = new TestLogger();
  readonly #open: TaskState[] = [];

  open<S extends StateStore>(builder: StoreBuilder<S>, options: Partial<TaskStateOptions> = {}): { state: TaskState; store: S; context: TestContext } {
    const opened = this.openAll([builder], options);
    return { state: opened.state, store: opened.stores[0] as S, context: opened.context };
  }

  openAll(
    builders: readonly StoreBuilder<StateStore>[],
    options: Partial<TaskStateOptions> = {},
  ): { state: TaskState; stores: StateStore[]; context: TestContext } {
    const state = createTaskState({ taskId: '0_0', directory: this.directory, logger: this.logger, ...options });
    this.#open.push(state);
    const context = new TestContext(state);
    const stores = builders.map((builder) => {
      const store = builder.build();
      state.register(store);
      store.init(context);
      return store;
    });
    return { state, stores, context };
  }

  dispose(): void {
    for (const state of this.#open) state.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A commit whose Kafka transaction succeeded. */
export function commit(state: TaskState, offsets: Iterable<readonly [string, number]> = []): void {
  state.flushCaches();
  const frozen = state.freeze();
  if (frozen !== null) state.applySync(frozen, new Map(offsets));
}

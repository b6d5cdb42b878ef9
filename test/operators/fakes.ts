import type { KTableValueGetterSupplier, TableParent } from '../../src/operators/index.ts';
import { materializedGetterSupplier } from '../../src/operators/index.ts';
import type { AsyncWork } from '../../src/processor/async-work.ts';
import type { Headers } from '../../src/processor/headers.ts';
import type { Cancellable, InternalProcessorContext, Processor } from '../../src/processor/processor.ts';
import { StreamRecord } from '../../src/processor/record.ts';
import { RecordContext } from '../../src/processor/record-context.ts';
import type { Serde } from '../../src/serdes/serde.ts';
import type { FlushListener } from '../../src/state/contract/stores.ts';
import type { ValueTimestampHeaders, VersionedRecord, Windowed } from '../../src/state/contract/values.ts';

/*
 * The least that an operator needs around it: a context that records, and stores that are maps.
 */

// biome-ignore lint/suspicious/noExplicitAny: what an operator forwards is whatever it forwards
type Any = any;

export interface Forwarded {
  readonly key: Any;
  readonly value: Any;
  readonly ts: number;
  readonly headers: Headers;
  readonly child?: string;
}

export const utf8: Serde<string> = {
  name: 'utf8',
  serialize: (_topic, value) => Buffer.from(value),
  deserialize: (_topic, data) => data.toString(),
};

export class FakeContext implements InternalProcessorContext<Any, Any> {
  readonly applicationId = 'app';
  readonly taskId: string;
  readonly stateDir = '/nowhere';
  readonly currentNode = 'NODE';
  readonly forwarded: Forwarded[] = [];
  readonly dropped: string[] = [];
  readonly stores = new Map<string, unknown>();
  readonly metadata = new Map<string, number>();
  readonly settings = new Map<string, unknown>([['emitIntervalMs', 0]]);
  readonly defaultKeySerde = utf8 as Serde<unknown>;
  readonly defaultValueSerde = utf8 as Serde<unknown>;
  recordContext = new RecordContext('in', 0, 0, 0);
  now = 0;
  asyncWork: AsyncWork = {
    lane() {
      throw new Error('this operator is not asynchronous');
    },
  };

  constructor(taskId = '0_0') {
    this.taskId = taskId;
  }

  with(name: string, store: unknown): this {
    this.stores.set(name, store);
    return this;
  }

  forward(record: StreamRecord<Any, Any>, child?: string): void {
    const forwarded: Forwarded = { key: record.key, value: record.value, ts: record.timestamp, headers: record.headers };
    this.forwarded.push(child === undefined ? forwarded : { ...forwarded, child });
  }

  recordMetadata(): RecordContext {
    return this.recordContext;
  }

  currentStreamTimeMs(): number {
    return this.recordContext.timestamp;
  }

  currentSystemTimeMs(): number {
    return this.now;
  }

  getStateStore<S>(name: string): S {
    const store = this.stores.get(name);
    if (store === undefined) throw new Error(`store ${name} is not connected`);
    return store as S;
  }

  schedule(): Cancellable {
    throw new Error('operators do not schedule');
  }

  commit(): void {}

  droppedRecord(reason: string): void {
    this.dropped.push(reason);
  }

  config(key: string): unknown {
    return this.settings.get(key);
  }

  processorMetadata(key: string): number | undefined {
    return this.metadata.get(key);
  }

  setProcessorMetadata(key: string, value: number): void {
    this.metadata.set(key, value);
  }

  keepTime(): number {
    return -1;
  }

  /** What has been forwarded since the last call, short: `key=value@ts`. */
  take(): string[] {
    return this.forwarded.splice(0).map((f) => `${text(f.key)}=${text(f.value)}@${f.ts}`);
  }
}

function text(thing: Any): string {
  if (thing === null || typeof thing !== 'object') return String(thing);
  if ('isLatest' in thing) return `${text(thing.newValue)}<-${text(thing.oldValue)}${thing.isLatest ? '' : '!'}`;
  if ('window' in thing) return `[${text(thing.key)}:${thing.window.start}/${thing.window.end}]`;
  return JSON.stringify(thing);
}

/** Initialises a processor and returns how to feed it. */
export function run(processor: Processor<Any, Any, Any, Any>, context: FakeContext): (key: Any, value: Any, ts: number, headers?: Headers) => string[] {
  processor.init?.(context);
  return (key, value, ts, headers = []) => {
    context.recordContext = new RecordContext('in', 0, 0, ts, headers);
    processor.process(new StreamRecord(key, value, ts, headers));
    return context.take();
  };
}

function idOf(key: unknown): string {
  return key instanceof Uint8Array ? `bytes:${Buffer.from(key).toString('hex')}` : JSON.stringify(key);
}

export class FakeKeyValueStore<V> {
  readonly name = 'kv';
  readonly rows = new Map<string, [Any, ValueTimestampHeaders<V>]>();
  listener: FlushListener<Any, V> | null = null;
  readonly cached: boolean;

  constructor(cached = false) {
    this.cached = cached;
  }

  setFlushListener(listener: FlushListener<Any, V>): boolean {
    this.listener = listener;
    return this.cached;
  }

  get(key: unknown): ValueTimestampHeaders<V> | null {
    return this.rows.get(idOf(key))?.[1] ?? null;
  }

  put(key: unknown, value: ValueTimestampHeaders<V> | null): void {
    if (value === null) this.rows.delete(idOf(key));
    else this.rows.set(idOf(key), [key, value]);
  }

  delete(key: unknown): void {
    this.rows.delete(idOf(key));
  }

  *prefixScan(prefix: Buffer): IterableIterator<[Any, ValueTimestampHeaders<V>]> {
    for (const [key, value] of [...this.rows.values()].sort(([a], [b]) => Buffer.compare(a, b))) {
      if (key.subarray(0, prefix.length).equals(prefix)) yield [key, value];
    }
  }
}

/** Keeps every version; `history` milliseconds behind the latest put are refused. */
export class FakeVersionedStore<V> {
  readonly name = 'versioned';
  readonly versions = new Map<string, { value: V | null; timestamp: number }[]>();
  readonly history: number;
  #observed = -1;

  constructor(history = Number.MAX_SAFE_INTEGER) {
    this.history = history;
  }

  put(key: unknown, value: V | null, timestamp: number): number {
    if (timestamp < this.#observed - this.history) return Number.MIN_SAFE_INTEGER;
    this.#observed = Math.max(this.#observed, timestamp);
    const versions = (this.versions.get(idOf(key)) ?? []).filter((v) => v.timestamp !== timestamp);
    versions.push({ value, timestamp });
    versions.sort((a, b) => a.timestamp - b.timestamp);
    this.versions.set(idOf(key), versions);
    return versions.find((v) => v.timestamp > timestamp)?.timestamp ?? -1;
  }

  get(key: unknown): VersionedRecord<V> | null {
    return this.getAsOf(key, Number.MAX_SAFE_INTEGER);
  }

  getAsOf(key: unknown, asOf: number): VersionedRecord<V> | null {
    const version = this.versions
      .get(idOf(key))
      ?.filter((v) => v.timestamp <= asOf)
      .at(-1);
    return version === undefined || version.value === null ? null : { value: version.value, timestamp: version.timestamp };
  }
}

/** Plain or timestamped window store, with or without duplicates; no retention. Iterates by key, then start; `fetchAll` by start, then key. */
export class FakeWindowStore<V> {
  readonly name = 'window';
  readonly rows: { key: Any; start: number; value: V }[] = [];
  readonly duplicates: boolean;

  constructor(duplicates = false) {
    this.duplicates = duplicates;
  }

  setFlushListener(): boolean {
    return false;
  }

  put(key: unknown, value: V | null, start: number): void {
    if (!this.duplicates) {
      const at = this.rows.findIndex((row) => idOf(row.key) === idOf(key) && row.start === start);
      if (at >= 0) this.rows.splice(at, 1);
    }
    if (value !== null) this.rows.push({ key, start, value });
  }

  fetch(key: unknown, start: number): V | null {
    return this.rows.find((row) => idOf(row.key) === idOf(key) && row.start === start)?.value ?? null;
  }

  *fetchRange(key: unknown, from: number, to: number): IterableIterator<[number, V]> {
    for (const row of this.#sorted()) if (idOf(row.key) === idOf(key) && row.start >= from && row.start <= to) yield [row.start, row.value];
  }

  *backwardFetchRange(key: unknown, from: number, to: number): IterableIterator<[number, V]> {
    yield* [...this.fetchRange(key, from, to)].reverse();
  }

  *fetchAll(from: number, to: number): IterableIterator<[Windowed<Any>, V]> {
    for (const { key, start, value } of this.#sorted().sort((a, b) => a.start - b.start))
      if (start >= from && start <= to) yield [{ key, window: { start, end: start } }, value];
  }

  #sorted(): { key: Any; start: number; value: V }[] {
    return [...this.rows].sort((a, b) => (idOf(a.key) < idOf(b.key) ? -1 : idOf(a.key) > idOf(b.key) ? 1 : a.start - b.start));
  }
}

export class FakeSessionStore<V> {
  readonly name = 'session';
  readonly sessions: [Windowed<Any>, V][] = [];
  readonly log: string[] = [];

  setFlushListener(): boolean {
    return false;
  }

  put(session: Windowed<Any>, value: V | null): void {
    this.#delete(session);
    this.log.push(`put ${text(session)}=${text(value)}`);
    if (value !== null) this.sessions.push([session, value]);
  }

  remove(session: Windowed<Any>): void {
    this.#delete(session);
    this.log.push(`remove ${text(session)}`);
  }

  *findSessions(key: unknown, earliestEnd: number, latestStart: number): IterableIterator<[Windowed<Any>, V]> {
    const found = this.sessions.filter(([s]) => idOf(s.key) === idOf(key) && s.window.end >= earliestEnd && s.window.start <= latestStart);
    yield* found.sort(([a], [b]) => a.window.end - b.window.end);
  }

  *findSessionsByEnd(from: number, to: number): IterableIterator<[Windowed<Any>, V]> {
    yield* this.sessions.filter(([s]) => s.window.end >= from && s.window.end <= to);
  }

  fetchSession(key: unknown, start: number, end: number): V | null {
    return this.sessions.find(([s]) => idOf(s.key) === idOf(key) && s.window.start === start && s.window.end === end)?.[1] ?? null;
  }

  #delete(session: Windowed<Any>): void {
    const at = this.sessions.findIndex(([s]) => idOf(s) === idOf(session));
    if (at >= 0) this.sessions.splice(at, 1);
  }
}

/** A table with a store, that answers as asked whether it can send old values. */
export function parentTable(storeName: string, materialized = true): TableParent<Any, Any> & { asked: boolean[] } {
  const asked: boolean[] = [];
  return {
    asked,
    valueGetterSupplier: (): KTableValueGetterSupplier<Any, Any> => materializedGetterSupplier(storeName),
    enableSendingOldValues: (force) => {
      asked.push(force);
      return materialized || force;
    },
  };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NO_HEADERS } from '../src/processor/headers.ts';
import { RecordContext } from '../src/processor/record-context.ts';
import { serdes } from '../src/serdes/serdes.ts';
import type { StateStoreContext } from '../src/state/contract/context.ts';
import type { CachedStateStore, SessionStore, StateStore, TimestampedKeyValueStore, TimestampedWindowStore } from '../src/state/contract/stores.ts';
import type { ChangelogRecord, TaskState } from '../src/state/contract/task-state.ts';
import type { Windowed } from '../src/state/contract/values.ts';
import { type ConfigurableStoreBuilder, Stores } from '../src/state/stores.ts';
import { createTaskState } from '../src/state/task/task-state.ts';

/*
 * What the state layer alone costs, in microseconds an operation: `npx tsx --conditions=millrace:source bench/state.ts [--records N] [--only NAME]`.
 * One record is what the operator does with the store: a read, an aggregation, a put; the commits of the interval are included.
 */

const { values: options } = parseArgs({ options: { records: { type: 'string', default: '1000000' }, only: { type: 'string' } } });
const RECORDS = Number(options.records);

class BenchContext implements StateStoreContext {
  readonly applicationId = 'bench';
  readonly taskId = '0_0';
  readonly partition = 0;
  readonly defaultKeySerde = undefined;
  readonly defaultValueSerde = undefined;
  readonly taskState: TaskState;
  recordContext = new RecordContext('in', 0, 0, 0);
  streamTime = 0;
  logged = 0;

  constructor(taskState: TaskState) {
    this.taskState = taskState;
  }

  changelogTopic(name: string): string {
    return `bench-${name}-changelog`;
  }

  logChange(): void {
    this.logged++;
  }

  droppedRecord(): void {}

  config(): unknown {
    return undefined;
  }
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

async function measure<S extends StateStore>(
  name: string,
  builder: ConfigurableStoreBuilder<S>,
  interval: number,
  record: (store: S, index: number, context: BenchContext) => void,
  cacheMaxBytes = 10 * 1024 * 1024,
): Promise<void> {
  if (options.only !== undefined && !name.includes(options.only)) return;
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const state = createTaskState({ taskId: '0_0', directory, logger: quiet, cacheMaxBytes });
  const context = new BenchContext(state);
  const store = builder.build();
  state.register(store);
  store.init(context);
  let forwarded = 0;
  (store as unknown as Partial<CachedStateStore<unknown, unknown>>).setFlushListener?.(() => void forwarded++, false);
  const cpu = process.cpuUsage();
  const begin = performance.now();
  let longest = 0;
  for (let index = 0; index < RECORDS; index++) {
    record(store, index, context);
    if ((index + 1) % interval !== 0) continue;
    let last = performance.now();
    const watch = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last - 1);
      last = now;
    }, 1);
    await state.flushCachesAsync?.(8);
    const frozen = state.freeze();
    if (frozen !== null) await state.apply(frozen, new Map([[store.name, index]]));
    clearInterval(watch);
  }
  const wall = performance.now() - begin;
  const used = process.cpuUsage(cpu);
  const rss = Math.round(process.memoryUsage().rss / 1024 / 1024);
  console.log(
    `${name.padEnd(44)} ${((wall * 1000) / RECORDS).toFixed(2).padStart(7)} µs wall ${((used.user + used.system) / RECORDS).toFixed(2).padStart(7)} µs cpu a record, ${context.logged} logged, ${forwarded} forwarded, longest turn ${longest.toFixed(0)} ms, rss ${rss} MiB`,
  );
  state.destroy();
  rmSync(directory, { recursive: true, force: true });
}

/** Deterministic and cheap. */
function random(seed: number): number {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

const START = 1_795_000_000_000;
const FIVE_MINUTES = 300_000;

function countWindow(users: number) {
  return (store: TimestampedWindowStore<string, number>, index: number, context: BenchContext): void => {
    const timestamp = START + index * 2 - (random(index) % 1000);
    const key = `user-${random(index * 7) % users}`;
    context.recordContext = new RecordContext('in', 0, index, timestamp, NO_HEADERS);
    const start = timestamp - (timestamp % FIVE_MINUTES);
    const before = store.fetch(key, start);
    store.put(key, { value: (before?.value ?? 0) + 1, timestamp: Math.max(timestamp, before?.timestamp ?? 0) }, start);
  };
}

function countKey(keys: number, sequential = false) {
  return (store: TimestampedKeyValueStore<string, number>, index: number, context: BenchContext): void => {
    const timestamp = START + index;
    const key = `user-${sequential ? index : random(index * 7) % keys}`;
    context.recordContext = new RecordContext('in', 0, index, timestamp, NO_HEADERS);
    const before = store.get(key);
    store.put(key, { value: (before?.value ?? 0) + 1, timestamp });
  };
}

function session(users: number, gap: number) {
  return (store: SessionStore<string, number>, index: number, context: BenchContext): void => {
    const timestamp = START + index * 10 - (random(index) % 1000);
    const key = `user-${random(index * 7) % users}`;
    context.recordContext = new RecordContext('in', 0, index, timestamp, NO_HEADERS);
    let start = timestamp;
    let end = timestamp;
    let count = 1;
    const merged: Windowed<string>[] = [];
    for (const [windowed, value] of store.findSessions(key, timestamp - gap, timestamp + gap)) {
      merged.push(windowed);
      count += value;
      start = Math.min(start, windowed.window.start);
      end = Math.max(end, windowed.window.end);
    }
    for (const windowed of merged) if (windowed.window.start !== start || windowed.window.end !== end) store.remove(windowed);
    store.put({ key, window: { start, end } }, count);
  };
}

async function restore(name: string, builder: ConfigurableStoreBuilder<StateStore>, make: (index: number) => ChangelogRecord): Promise<void> {
  if (options.only !== undefined && !name.includes(options.only)) return;
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const state = createTaskState({ taskId: '0_0', directory, logger: quiet });
  const context = new BenchContext(state);
  const store = builder.build();
  state.register(store);
  store.init(context);
  let spent = 0;
  let cpu = 0;
  for (let index = 0; index < RECORDS; index += 2000) {
    const batch = Array.from({ length: 2000 }, (_, i) => make(index + i));
    const begin = performance.now();
    const before = process.cpuUsage();
    state.restore(store.name, batch, index + 2000);
    const used = process.cpuUsage(before);
    cpu += used.user + used.system;
    spent += performance.now() - begin;
    if (index % 100_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(
    `${name.padEnd(44)} ${((spent * 1000) / RECORDS).toFixed(2).padStart(7)} µs wall ${(cpu / RECORDS).toFixed(2).padStart(7)} µs cpu a record, rss ${Math.round(process.memoryUsage().rss / 1024 / 1024)} MiB`,
  );
  state.destroy();
  rmSync(directory, { recursive: true, force: true });
}

const windows = (cached: boolean) => {
  const builder = Stores.timestampedWindowStoreBuilder(Stores.persistentTimestampedWindowStore('w', '10m', '5m'), serdes.string, serdes.long);
  return cached ? builder.withCachingEnabled() : builder;
};
const sessions = (cached: boolean) => {
  const builder = Stores.sessionStoreBuilder(Stores.persistentSessionStore('s', '31m'), serdes.string, serdes.long);
  return cached ? builder.withCachingEnabled() : builder;
};
const counts = (cached: boolean) => {
  const builder = Stores.timestampedKeyValueStoreBuilder(Stores.persistentTimestampedKeyValueStore('k'), serdes.string, serdes.long);
  return cached ? builder.withCachingEnabled() : builder;
};

await measure('windows, 10k users, cached, commit 13k', windows(true), 13_000, countWindow(10_000));
await measure('windows, 100k users, cached, commit 13k', windows(true), 13_000, countWindow(100_000));
await measure('windows, 10k users, no cache, commit 13k', windows(false), 13_000, countWindow(10_000));
await measure('sessions 30m, 10k users, cached, commit 13k', sessions(true), 13_000, session(10_000, 1_800_000));
await measure('sessions 30m, 100k users, cached, commit 13k', sessions(true), 13_000, session(100_000, 1_800_000));
await measure('sessions 30m, 10k users, no cache, commit 13k', sessions(false), 13_000, session(10_000, 1_800_000));
await measure('count, 10k keys, cached, commit 13k', counts(true), 13_000, countKey(10_000));
await measure('count, 1M keys, cached, commit 13k', counts(true), 13_000, countKey(1_000_000));
await measure('count, new keys, cached, commit 100k', counts(true), 100_000, countKey(0, true));
await measure('count, 10k keys, no cache, commit 13k', counts(false), 13_000, countKey(10_000));
const eight = Buffer.alloc(8);
await restore('restore key-value, random keys', counts(false), (index) => ({
  key: Buffer.from(`user-${random(index)}`),
  value: eight,
  timestamp: START,
  headers: NO_HEADERS,
  offset: index,
}));
await restore('restore key-value, ascending keys', counts(false), (index) => ({
  key: Buffer.from(`user-${String(index).padStart(10, '0')}`),
  value: eight,
  timestamp: START,
  headers: NO_HEADERS,
  offset: index,
}));
await restore('restore windows', windows(false), (index) => {
  const key = Buffer.from(`user-${random(index) % 100_000}`);
  const suffix = Buffer.alloc(12);
  suffix.writeBigInt64BE(BigInt(START + Math.floor(index / 100_000) * FIVE_MINUTES));
  return { key: Buffer.concat([key, suffix]), value: eight, timestamp: START, headers: NO_HEADERS, offset: index };
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { serdes } from '../../src/serdes/serdes.ts';
import type { ReadOnlyKeyValueStore, ReadOnlySessionStore, StateStore } from '../../src/state/contract/stores.ts';
import { type Fate, TaskHarness } from '../support/task-harness.ts';
import { buildApplication, type InputRecord, inputs, type Program, programs } from './random-application.ts';

/*
 * What an application makes of its input does not depend on how it is run. `PROPERTY_RUNS` sets the number of random applications (of each property), `PROPERTY_SEED` the
 * seed, or `random`; a failure prints its seed, and the smallest application that fails.
 */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 25);
const seed = process.env.PROPERTY_SEED === 'random' ? Date.now() % 2 ** 31 : Number(process.env.PROPERTY_SEED ?? 20261121);

interface Run {
  readonly engine: 'sqlite' | 'memory';
  readonly cacheBytes: number;
  readonly commitEvery: number;
  /** What happens when so many records were processed. */
  readonly fates: readonly { readonly at: number; readonly fate: Fate }[];
}

/** What an application leaves behind. */
interface Outcome {
  /** Records of each topic but the changelogs, with their timestamps, in order. */
  readonly topics: { readonly [topic: string]: readonly string[] };
  /** Contents of the stores, and of the changelogs when they are compacted. */
  readonly stores: { readonly [store: string]: readonly string[] };
  readonly changelogs: { readonly [topic: string]: readonly string[] };
  /** Last value of each key, without deletions and timestamps. */
  readonly tables: { readonly [topic: string]: readonly string[] };
  readonly values: { readonly [store: string]: readonly string[] };
}

/** Input comes in pieces; all that follows from one is processed before the next, which keeps the order in which tasks read their topics. */
const PIECE = 13;

function execute(program: Program, records: readonly InputRecord[], run: Run, caches: boolean): Outcome {
  const topology = buildApplication(program, { engine: run.engine, caches });
  // Kafka Streams loses results of closed windows when time jumps, others with caches than without.
  const harness = new TaskHarness(topology, { commitEvery: run.commitEvery, config: { statestoreCacheMaxBytes: run.cacheBytes, keepUnsentWindows: true } });
  try {
    const fates = [...run.fates].sort((a, b) => a.at - b.at);
    const strike = (): void => {
      while (fates.length > 0 && harness.processed >= (fates[0] as { at: number }).at) harness[(fates.shift() as { fate: Fate }).fate]();
    };
    for (let from = 0; from < records.length; from += PIECE) {
      for (const { topic, key, value, timestamp } of records.slice(from, from + PIECE)) {
        harness.pipe(topic, Buffer.from(key), value === null ? null : serdes.long.serialize(topic, value), timestamp * program.scale);
      }
      harness.run(strike);
    }
    return outcomeOf(harness);
  } finally {
    harness.close();
  }
}

function outcomeOf(harness: TaskHarness): Outcome {
  const changelogTopics = new Map(harness.changelogs.map(({ topic, kind }) => [topic, kind]));
  const plain = harness.topicNames().filter((topic) => !changelogTopics.has(topic));
  const hex = (data: Buffer | null): string => data?.toString('hex') ?? 'null';
  const entries = (topic: string): readonly string[] =>
    harness.records(topic).map(({ key, value, timestamp }) => `${key?.toString()} ${hex(value)} @${timestamp}`);
  const compacted = (topic: string, withTimestamps: boolean): readonly string[] => {
    const last = new Map<string, string>();
    for (const { key, value, timestamp } of harness.records(topic)) {
      const id = hex(key);
      if (value === null) last.delete(id);
      else last.set(id, withTimestamps ? `${hex(value)} @${timestamp}` : hex(value));
    }
    return [...last].map((entry) => entry.join(' ')).sort();
  };
  const of = (topics: Iterable<string>, look: (topic: string) => readonly string[]) =>
    Object.fromEntries([...topics].map((topic) => [topic, look(topic)] as const).filter(([, rows]) => rows.length > 0));
  // Records of join windows have no key of their own, so their topics cannot be compacted.
  const tables = [...changelogTopics].filter(([, kind]) => kind !== 'join-window').map(([topic]) => topic);
  const stores = harness.stores;
  return {
    topics: of(plain, entries),
    stores: of(stores.keys(), (store) => contents(stores.get(store) as StateStore, true)),
    changelogs: of(tables, (topic) => compacted(topic, true)),
    tables: of(
      plain.filter((topic) => topic.startsWith('table-')),
      (topic) => compacted(topic, false),
    ),
    values: of(
      // Tables: what a window store still shows of what is past its retention is not the same under a cache. Values of windows are in the tables made of them.
      [...stores.keys()].filter((store) => store.startsWith('store-') && !('retentionPeriod' in (stores.get(store) as StateStore))),
      (store) => contents(stores.get(store) as StateStore, false),
    ),
  };
}

function contents(store: StateStore, withTimestamps: boolean): readonly string[] {
  // A store of closed windows may show what has just expired for as long as it is still there: to the millisecond in memory, by the segment in SQLite.
  if ((store as unknown as { readonly windows?: { readonly timeOrdered: boolean } }).windows?.timeOrdered === true) return [];
  const readable = store as Partial<ReadOnlyKeyValueStore<unknown, unknown> & ReadOnlySessionStore<unknown, unknown>>;
  const rows = readable.findSessions !== undefined ? readable.fetchKeys?.(null, null) : readable.all?.();
  return Array.from(rows ?? [], (row) => JSON.stringify(row, (name, value) => (name === 'timestamp' && !withTimestamps ? undefined : value))).sort();
}

const fates = fc.array(fc.record({ at: fc.nat({ max: 60 }), fate: fc.constantFrom<Fate>('abort', 'abortFrozen', 'crash', 'crashBeforeApply', 'lose') }), {
  maxLength: 4,
});

const PLAIN: Run = { engine: 'sqlite', cacheBytes: 0, commitEvery: 1, fates: [] };

/** Found by random runs. */
const REGRESSIONS: readonly [Program, readonly InputRecord[], Omit<Run, 'cacheBytes'>][] = [
  // A deletion of what was not there moved a window store's clock; an abort after the commit moved it back.
  [
    { operations: [operation('window', 0, 10)], scale: 1 },
    [rowOf('s0', 0, 100), rowOf('s0', null, 108), rowOf('s0', null, 115), rowOf('s0', null, 120)],
    { engine: 'memory', commitEvery: 1, fates: [{ at: 8, fate: 'abort' }] },
  ],
  // After an abort an outer join looked for unmatched records earlier than without, passed those it should send next, and sent them late.
  [
    { operations: [operation('streamJoin', 9, 5)], scale: 1 },
    [100, 104, 110, 116, 121].map((time) => rowOf('s0', 0, time)),
    { engine: 'sqlite', commitEvery: 1, fates: [{ at: 2, fate: 'abort' }] },
  ],
];

function operation(verb: Program['operations'][number]['verb'], on: number, option: number): Program['operations'][number] {
  return { verb, on, other: 0, option, store: false };
}

function rowOf(topic: string, value: number | null, timestamp: number): InputRecord {
  return { topic, key: 'a', value, timestamp };
}

function check(property: fc.IPropertyWithHooks<never> | fc.IProperty<never>, examples: readonly unknown[] = []): void {
  fc.assert(property as fc.IProperty<never>, {
    examples: examples as never[],
    numRuns,
    seed,
    includeErrorInReport: true,
    ...(process.env.PROPERTY_RUNS === undefined && { interruptAfterTimeLimit: 8000 }),
  });
}

test(`without caches an application's every output and store is the same whatever the engine, the commits and the restarts (seed ${seed})`, () => {
  const runs = fc.record({ engine: fc.constantFrom('sqlite' as const, 'memory' as const), commitEvery: fc.integer({ min: 1, max: 25 }), fates });
  check(
    fc.property(programs, inputs, runs, (program, records, run) => {
      const expected = execute(program, records, PLAIN, false);
      const actual = execute(program, records, { ...run, cacheBytes: 0 }, false);
      assert.deepEqual(actual.topics, expected.topics);
      assert.deepEqual(actual.stores, expected.stores);
      assert.deepEqual(actual.changelogs, expected.changelogs);
    }) as never,
    REGRESSIONS,
  );
});

test(`with caches, which let only the last of several updates through, final tables are the same (seed ${seed})`, () => {
  const runs = fc.record({
    engine: fc.constantFrom('sqlite' as const, 'memory' as const),
    // 700 bytes hold a few entries: nearly each put evicts one.
    cacheBytes: fc.constantFrom(700, 1_000_000),
    commitEvery: fc.integer({ min: 1, max: 40 }),
    fates,
  });
  check(
    fc.property(programs, inputs, runs, (program, records, run) => {
      const expected = execute(program, records, PLAIN, true);
      const actual = execute(program, records, run, true);
      assert.deepEqual(actual.tables, expected.tables);
      assert.deepEqual(actual.values, expected.values);
    }) as never,
  );
});

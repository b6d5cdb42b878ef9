import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { serdes } from '../../src/serdes/serdes.ts';
import type { StoreBuilder } from '../../src/state/contract/builder.ts';
import type { KeyValueStore, SessionStore, StateStore, TimestampedWindowStore } from '../../src/state/contract/stores.ts';
import type { ValueAndTimestamp, Windowed } from '../../src/state/contract/values.ts';
import { Stores } from '../../src/state/stores.ts';
import { Simulation } from './simulation.ts';

/*
 * Random operations against a plain model: whatever the engine, the size of the cache, and wherever commits, aborts, crashes and losses of the disk fall, a store gives what the model gives.
 */

type Fate = 'commit' | 'commit-unapplied' | 'abort' | 'abort-frozen' | 'crash' | 'lose';
type Operation =
  | { readonly kind: 'fate'; readonly fate: Fate }
  | { readonly kind: 'put' | 'delete' | 'read'; readonly key: string; readonly time: number; readonly length: number; readonly value: number };

const KEYS = ['', 'a', 'ab', 'a\u0000', 'b', 'é', 'zz', '￿'];
const RETENTION = 200_000;

const operations = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('fate' as const),
        fate: fc.constantFrom<Fate>('commit', 'commit', 'commit', 'commit-unapplied', 'abort', 'abort-frozen', 'crash', 'lose'),
      }),
    },
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constantFrom('put' as const, 'put' as const, 'put' as const, 'delete' as const, 'read' as const, 'read' as const),
        key: fc.constantFrom(...KEYS),
        time: fc.oneof(
          fc.integer({ min: 0, max: 60 }).map((n) => n * 10_000),
          fc.integer({ min: 0, max: 600_000 }),
        ),
        length: fc.integer({ min: 0, max: 50_000 }),
        value: fc.integer({ min: 0, max: 1_000_000 }),
      }),
    },
  ),
  { maxLength: 80, size: 'max' },
);

interface Config {
  readonly engine: 'sqlite' | 'memory';
  readonly cacheMaxBytes: number | null;
}

/** null: no cache. 600 bytes hold two or three entries, so nearly each put evicts. */
const CONFIGS: readonly Config[] = (['sqlite', 'memory'] as const).flatMap((engine) =>
  [null, 0, 600, 10_000_000].map((cacheMaxBytes) => ({ engine, cacheMaxBytes })),
);

function check<S extends StateStore, M>(
  build: (config: Config) => StoreBuilder<S>,
  model: () => M,
  clone: (model: M) => M,
  step: (operation: Exclude<Operation, { kind: 'fate' }>, store: S, model: M, config: Config, context: { at(t: number): void }) => void,
  finish: (store: S, model: M, config: Config) => void,
): void {
  for (const config of CONFIGS) {
    fc.assert(
      fc.property(operations, (list) => {
        const simulation = new Simulation(build(config), config.cacheMaxBytes === null ? {} : { cacheMaxBytes: config.cacheMaxBytes });
        try {
          let current = model();
          let committed = model();
          for (const operation of list) {
            if (operation.kind !== 'fate') {
              step(operation, simulation.store, current, config, simulation.context);
              continue;
            }
            switch (operation.fate) {
              case 'commit':
                simulation.commit();
                committed = clone(current);
                break;
              case 'commit-unapplied':
                simulation.commit(false);
                committed = clone(current);
                break;
              case 'abort':
                simulation.abort(false);
                current = clone(committed);
                break;
              case 'abort-frozen':
                simulation.abort(true);
                current = clone(committed);
                break;
              case 'crash':
                simulation.crash();
                current = clone(committed);
                break;
              case 'lose':
                simulation.lose();
                current = clone(committed);
                break;
            }
          }
          finish(simulation.store, current, config);
        } finally {
          simulation.dispose();
        }
      }),
      { numRuns: 15, seed: 4711 },
    );
  }
}

const bytesOrder = (a: string, b: string): number => Buffer.from(a).compare(Buffer.from(b));

test('key-value stores behave as a map', () => {
  check<KeyValueStore<string, ValueAndTimestamp<number>>, Map<string, ValueAndTimestamp<number>>>(
    ({ engine, cacheMaxBytes }) => {
      const builder = Stores.timestampedKeyValueStoreBuilder(
        engine === 'sqlite' ? Stores.persistentKeyValueStore('s') : Stores.inMemoryKeyValueStore('s'),
        serdes.string,
        serdes.long,
      );
      return cacheMaxBytes === null ? builder : builder.withCachingEnabled();
    },
    () => new Map(),
    (map) => new Map(map),
    ({ kind, key, time, value }, store, map, _config, context) => {
      context.at(time);
      if (kind === 'put') {
        store.put(key, { value, timestamp: time });
        map.set(key, { value, timestamp: time });
      } else if (kind === 'delete') {
        assert.deepEqual(store.delete(key), map.get(key) ?? null);
        map.delete(key);
      } else {
        assert.deepEqual(store.get(key), map.get(key) ?? null);
        const from = value % 3 === 0 ? null : key;
        const to = value % 3 === 1 ? null : key;
        const expected = [...map]
          .filter(([k]) => (from === null || bytesOrder(k, from) >= 0) && (to === null || bytesOrder(k, to) <= 0))
          .sort((a, b) => bytesOrder(a[0], b[0]));
        assert.deepEqual([...store.range(from, to)], expected);
        assert.deepEqual([...store.reverseRange(from, to)], expected.reverse());
        assert.deepEqual(
          [...store.prefixScan(key, serdes.string)].map(([k]) => k),
          [...map.keys()].filter((k) => k.startsWith(key)).sort(bytesOrder),
        );
      }
    },
    (store, map) =>
      assert.deepEqual(
        [...store.all()],
        [...map].sort((a, b) => bytesOrder(a[0], b[0])),
      ),
  );
});

interface TimedModel {
  observed: number;
  entries: Map<string, { key: string; start: number; end: number; value: unknown }>;
}

const cloneTimed = (model: TimedModel): TimedModel => ({ observed: model.observed, entries: new Map(model.entries) });
/** What a read shows within the retention: with a cache, what is past may be shown too, for as long as it is cached. */
const unexpired = <R>(rows: Iterable<R>, model: TimedModel, config: Config, timeOf: (row: R) => number): R[] =>
  config.cacheMaxBytes === null ? [...rows] : [...rows].filter((row) => timeOf(row) > model.observed - RETENTION);
const startOf = ([at]: readonly [number | Windowed<string>, unknown]): number => (typeof at === 'number' ? at : at.window.start);
const endOf = ([{ window }]: readonly [Windowed<string>, unknown]): number => window.end;

const emptyTimed = (): TimedModel => ({ observed: -1, entries: new Map() });

test('window stores behave as a map of what is within the retention', () => {
  const live = (model: TimedModel, config: Config, reverse = false) => {
    const entries = [...model.entries.values()].filter((entry) => entry.start > model.observed - RETENTION);
    const segment = (start: number) => (config.engine === 'memory' ? start : Math.floor(start / 100_000));
    const composite = (entry: { key: string; start: number }) => {
      const suffix = Buffer.alloc(8);
      suffix.writeBigInt64BE(BigInt(entry.start));
      return Buffer.concat([Buffer.from(entry.key), suffix]);
    };
    entries.sort((a, b) => segment(a.start) - segment(b.start) || composite(a).compare(composite(b)));
    return reverse ? entries.reverse() : entries;
  };
  check<TimestampedWindowStore<string, number>, TimedModel>(
    ({ engine, cacheMaxBytes }) => {
      const supplier = (engine === 'sqlite' ? Stores.persistentWindowStore : Stores.inMemoryWindowStore)('s', RETENTION, 10_000);
      const builder = Stores.timestampedWindowStoreBuilder(supplier, serdes.string, serdes.long);
      return cacheMaxBytes === null ? builder : builder.withCachingEnabled();
    },
    emptyTimed,
    cloneTimed,
    ({ kind, key, time, length, value }, store, model, config, context) => {
      context.at(time);
      const id = `${key}@${time}`;
      const windowed = (entry: { key: string; start: number; value: unknown }) => [
        { key: entry.key, window: { start: entry.start, end: entry.start + 10_000 } },
        entry.value,
      ];
      if (kind === 'read') {
        const from = time - length * 4;
        const to = time + length;
        if (config.cacheMaxBytes === null || time > model.observed - RETENTION)
          assert.deepEqual(store.fetch(key, time), live(model, config).find((entry) => entry.key === key && entry.start === time)?.value ?? null);
        const ofKey = live(model, config)
          .filter((entry) => entry.key === key && entry.start >= from && entry.start <= to)
          .sort((a, b) => a.start - b.start);
        assert.deepEqual(
          unexpired(store.fetchRange(key, from, to), model, config, startOf),
          ofKey.map((entry) => [entry.start, entry.value]),
        );
        assert.deepEqual(
          unexpired(store.backwardFetchRange(key, from, to), model, config, startOf),
          ofKey.reverse().map((entry) => [entry.start, entry.value]),
        );
        const within = (entry: { key: string; start: number }) =>
          bytesOrder(entry.key, key) >= 0 && bytesOrder(entry.key, 'é') <= 0 && entry.start >= from && entry.start <= to;
        assert.deepEqual(
          unexpired(store.fetchKeys(key, 'é', from, to), model, config, startOf),
          bytesOrder(key, 'é') > 0 ? [] : live(model, config).filter(within).map(windowed),
        );
        assert.deepEqual(unexpired(store.backwardAll(), model, config, startOf), live(model, config, true).map(windowed));
      } else {
        store.put(key, kind === 'put' ? { value, timestamp: time } : null, time);
        model.observed = Math.max(model.observed, time);
        if (kind === 'put') model.entries.set(id, { key, start: time, end: time, value: { value, timestamp: time } });
        else model.entries.delete(id);
      }
    },
    (store, model, config) =>
      assert.deepEqual(
        unexpired(store.all(), model, config, startOf).map(([windowed, value]) => [windowed.key, windowed.window.start, value]),
        live(model, config).map((entry) => [entry.key, entry.start, entry.value]),
      ),
  );
});

test('session stores behave as a map of what is within the retention', () => {
  const live = (model: TimedModel) =>
    [...model.entries.values()]
      .filter((entry) => entry.end > model.observed - RETENTION)
      .sort((a, b) => bytesOrder(a.key, b.key) || a.end - b.end || a.start - b.start);
  const flat = (rows: Iterable<[Windowed<string>, number]>) =>
    [...rows].map(([{ key, window }, value]) => ({ key, start: window.start, end: window.end, value }));
  const sorted = (rows: Iterable<[Windowed<string>, number]>) => flat(rows).sort((a, b) => bytesOrder(a.key, b.key) || a.end - b.end || a.start - b.start);
  check<SessionStore<string, number>, TimedModel>(
    ({ engine, cacheMaxBytes }) => {
      const builder = Stores.sessionStoreBuilder(
        engine === 'sqlite' ? Stores.persistentSessionStore('s', RETENTION) : Stores.inMemorySessionStore('s', RETENTION),
        serdes.string,
        serdes.long,
      );
      return cacheMaxBytes === null ? builder : builder.withCachingEnabled();
    },
    emptyTimed,
    cloneTimed,
    ({ kind, key, time, length, value }, store, model, config, context) => {
      const seen = (rows: Iterable<[Windowed<string>, number]>) => unexpired(rows, model, config, endOf);
      context.at(time);
      const session = { key, window: { start: time, end: time + length } };
      const ofKey = live(model).filter((entry) => entry.key === key);
      if (kind === 'read') {
        const overlapping = ofKey.filter((entry) => entry.end >= time && entry.start <= time + length);
        assert.deepEqual(flat(seen(store.findSessions(key, time, time + length))), overlapping);
        assert.deepEqual(flat(seen(store.backwardFindSessions(key, time, time + length))), overlapping.reverse());
        assert.deepEqual(flat(seen(store.fetch(key))), ofKey);
        assert.deepEqual(
          sorted(seen(store.findSessionsKeys(null, key, time, time + length))),
          live(model).filter((entry) => bytesOrder(entry.key, key) <= 0 && entry.end >= time && entry.start <= time + length),
        );
        assert.deepEqual(
          sorted(seen(store.findSessionsByEnd(time, time + length))),
          live(model).filter((entry) => entry.end >= time && entry.end <= time + length),
        );
      } else if (kind === 'put') {
        store.put(session, value);
        model.entries.set(`${key}@${time}-${time + length}`, { key, start: time, end: time + length, value });
        model.observed = Math.max(model.observed, time + length);
      } else {
        // As the session aggregation does: what is found is removed.
        for (const entry of ofKey.filter((known) => known.end >= time - 20_000 && known.start <= time)) {
          assert.equal(store.fetchSession(key, entry.start, entry.end), entry.value);
          store.remove({ key, window: { start: entry.start, end: entry.end } });
          model.entries.delete(`${key}@${entry.start}-${entry.end}`);
        }
      }
    },
    (store, model, config) => assert.deepEqual(sorted(unexpired(store.fetchKeys(null, null), model, config, endOf)), live(model)),
  );
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { serdes } from '../../src/serdes/serdes.ts';
import { CacheBudget } from '../../src/state/cache/cache-budget.ts';
import type { CachedStateStore } from '../../src/state/contract/stores.ts';
import type { Windowed } from '../../src/state/contract/values.ts';
import { Stores } from '../../src/state/stores.ts';
import { commit, Harness } from './support.ts';

const S = serdes.string;

describe('record cache', () => {
  let harness: Harness;
  beforeEach(() => {
    harness = new Harness();
  });
  afterEach(() => harness.dispose());

  const openCounts = (options = {}) => {
    const opened = harness.open(Stores.timestampedKeyValueStoreBuilder(Stores.persistentKeyValueStore('c'), S, serdes.long).withCachingEnabled(), options);
    const flushed: unknown[][] = [];
    const listen = (sendOldValues: boolean) => {
      const cached = opened.store as unknown as CachedStateStore<string, number>;
      assert.equal(
        cached.setFlushListener((...event) => flushed.push([...event, opened.context.recordContext.offset]), sendOldValues),
        true,
      );
    };
    return { ...opened, flushed, listen };
  };

  test('forwards the last of each key with the value from before the cache and the context of its put', () => {
    const { state, store, context, flushed, listen } = openCounts();
    listen(true);
    context.at(1);
    store.put('a', { value: 1, timestamp: 1 });
    context.at(2);
    store.put('b', { value: 1, timestamp: 2 });
    context.at(3);
    store.put('a', { value: 2, timestamp: 3 });
    assert.deepEqual(flushed, []);
    const before = context.recordContext;
    commit(state);
    assert.equal(context.recordContext, before);
    assert.deepEqual(flushed, [
      ['b', 1, null, 2, 2],
      ['a', 2, null, 3, 3],
    ]);
    flushed.length = 0;
    context.at(4);
    store.put('a', null);
    store.put('never-seen', { value: 9, timestamp: 4 });
    store.put('never-seen', null);
    commit(state);
    assert.deepEqual(flushed, [['a', null, 2, 4, 4]], 'what came and went within the interval is nobody’s business');
    assert.deepEqual(context.hex(), ['62 0000000000000001 2', '61 0000000000000002 3', '61 null 4']);
  });

  test('without old values the old one is not read', () => {
    const { state, store, context, flushed, listen } = openCounts();
    listen(false);
    context.at(1);
    store.put('a', { value: 1, timestamp: 1 });
    commit(state);
    store.put('a', { value: 2, timestamp: 1 });
    commit(state);
    assert.deepEqual(
      flushed.map((event) => event.slice(0, 3)),
      [
        ['a', 1, null],
        ['a', 2, null],
      ],
    );
  });

  test('a full cache flushes what was put longest ago, and reads stay right', () => {
    const { store, flushed, listen, context } = openCounts({ cacheMaxBytes: 1000 });
    listen(true);
    for (let i = 0; i < 100; i++) {
      context.at(i);
      store.put(`k${i}`, { value: i, timestamp: i });
    }
    assert.ok(flushed.length > 60 && flushed.length <= 100, `${flushed.length} flushed`);
    for (let i = 0; i < 100; i++) assert.equal(store.get(`k${i}`)?.value, i);
  });

  test('tasks share a budget, and give back what they used', () => {
    const budget = new CacheBudget(100_000);
    const { state, store } = openCounts({ cacheBudget: budget });
    for (let i = 0; i < 50; i++) store.put(`k${i}`, { value: i, timestamp: i });
    assert.ok(budget.used > 50 * 100);
    state.close();
    assert.equal(budget.used, 0);
  });

  test('a flush that dirties another cache is followed to the end', () => {
    const make = (name: string) => Stores.timestampedKeyValueStoreBuilder(Stores.persistentKeyValueStore(name), S, serdes.long).withCachingEnabled();
    const { state, stores, context } = harness.openAll([make('second'), make('first')]);
    const [second, first] = stores as ReturnType<ReturnType<typeof make>['build']>[];
    (first as unknown as CachedStateStore<string, number>).setFlushListener(
      (key, value, _old, timestamp) => second?.put(key, { value: value as number, timestamp }),
      false,
    );
    first?.put('a', { value: 1, timestamp: 5 });
    commit(state);
    assert.deepEqual(
      context.log.map((entry) => entry.store),
      ['first', 'second'],
    );
  });

  test('flushing in turns gives the same as at once', async () => {
    const { state, store, flushed, listen } = openCounts();
    listen(false);
    for (let i = 0; i < 500; i++) store.put(`k${i}`, { value: i, timestamp: i });
    await state.flushCachesAsync?.(0);
    assert.deepEqual(
      flushed.map(([key]) => key),
      Array.from({ length: 500 }, (_, i) => `k${i}`),
    );
    assert.equal(state.freeze()?.stores.length, 1);
  });

  test('windows and sessions are forwarded with their windows', () => {
    const windows = harness.open(
      Stores.timestampedWindowStoreBuilder(Stores.persistentTimestampedWindowStore('w', 1000, 10), S, serdes.long).withCachingEnabled(),
    );
    const sessions = harness.open(Stores.sessionStoreBuilder(Stores.persistentSessionStore('s', 1000), S, serdes.long).withCachingEnabled(), { taskId: '0_1' });
    const flushed: unknown[] = [];
    const listener = (key: Windowed<string>, value: number | null, old: number | null, timestamp: number) =>
      flushed.push(`${key.key}@${key.window.start}/${key.window.end} ${old}->${value} at ${timestamp}`);
    (windows.store as unknown as CachedStateStore<Windowed<string>, number>).setFlushListener(listener, true);
    (sessions.store as unknown as CachedStateStore<Windowed<string>, number>).setFlushListener(listener, true);
    windows.context.at(3);
    windows.store.put('a', { value: 1, timestamp: 3 }, 0);
    commit(windows.state);
    windows.store.put('a', { value: 2, timestamp: 4 }, 0);
    windows.store.put('a', { value: 1, timestamp: 12 }, 10);
    commit(windows.state);
    sessions.context.at(5);
    sessions.store.put({ key: 'a', window: { start: 1, end: 5 } }, 1);
    commit(sessions.state);
    // Another record: the session grows, and the one in between is never seen below.
    sessions.context.at(7);
    sessions.store.remove({ key: 'a', window: { start: 1, end: 5 } });
    sessions.store.put({ key: 'a', window: { start: 1, end: 7 } }, 2);
    sessions.store.remove({ key: 'a', window: { start: 1, end: 7 } });
    sessions.store.put({ key: 'a', window: { start: 1, end: 9 } }, 3);
    commit(sessions.state);
    assert.deepEqual(flushed, [
      'a@0/10 null->1 at 3',
      'a@0/10 1->2 at 4',
      'a@10/20 null->1 at 12',
      'a@1/5 null->1 at 5',
      'a@1/5 1->null at 5',
      'a@1/9 null->3 at 9',
    ]);
  });

  test('a store without a cache says so', () => {
    const { store } = harness.open(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('plain'), S, S));
    assert.equal((store as Partial<CachedStateStore<string, string>>).setFlushListener, undefined);
  });
});

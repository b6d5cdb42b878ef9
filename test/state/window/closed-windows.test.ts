import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { serdes } from '../../../src/serdes/serdes.ts';
import type { SessionStore, WindowStore } from '../../../src/state/contract/stores.ts';
import { Stores } from '../../../src/state/stores.ts';
import { commit, Harness } from '../support.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

for (const timeOrdered of [true, false]) {
  test(`a window that expires at this very moment is ${timeOrdered ? 'still seen in a store of closed windows' : 'not seen in others'}`, () => {
    const supplier = { ...Stores.persistentWindowStore(`w-${timeOrdered}`, 10, 10), timeOrdered };
    const { store } = harness.open(Stores.windowStoreBuilder(supplier, serdes.string, serdes.long));
    const windows = store as WindowStore<string, number>;
    windows.put('a', 1, 0);
    windows.put('a', 2, 10);
    const starts = Array.from(windows.fetchAll(0, 100), ([{ window }]) => window.start);
    assert.deepEqual(starts, timeOrdered ? [0, 10] : [10]);
    assert.equal(windows.fetch('a', 0), timeOrdered ? 1 : null);
    windows.put('a', 3, 11);
    assert.equal(windows.fetch('a', 0), null);
  });
}

for (const timeOrdered of [true, false]) {
  test(`a session past the retention is ${timeOrdered ? 'still found by its end in a store of closed sessions' : 'not found in others'}`, () => {
    const supplier = { ...Stores.persistentSessionStore(`s-${timeOrdered}`, 9), timeOrdered };
    const { store } = harness.open(Stores.sessionStoreBuilder(supplier, serdes.string, serdes.long));
    const sessions = store as SessionStore<string, number>;
    sessions.put({ key: 'a', window: { start: 4, end: 4 } }, 1);
    sessions.put({ key: 'x', window: { start: 13, end: 17 } }, 2);
    const found = Array.from(sessions.findSessionsByEnd(0, 7), ([{ key }]) => key);
    assert.deepEqual(found, timeOrdered ? ['a'] : []);
    assert.deepEqual([...sessions.fetch('a')], [], 'reads by key keep to the retention');
  });
}

test('closed windows in a cache are found however far the record that closes them has moved stream time', () => {
  const supplier = { ...Stores.persistentTimestampedWindowStore('closed', 10, 10), timeOrdered: true };
  const { store, state } = harness.open(Stores.timestampedWindowStoreBuilder(supplier, serdes.string, serdes.long).withCachingEnabled());
  const windows = store as WindowStore<string, { value: number; timestamp: number }>;
  windows.put('a', { value: 1, timestamp: 3 }, 0);
  commit(state);
  windows.put('b', { value: 2, timestamp: 1_000_000 }, 1_000_000);
  const found = (): string[] => Array.from(windows.fetchAll(0, 500), ([{ key }]) => key);
  assert.deepEqual(found(), ['a']);
  assert.deepEqual(windows.fetch('a', 0), { value: 1, timestamp: 3 });
  commit(state);
  assert.deepEqual(found(), ['a'], 'as long as it is cached');
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { serdes } from '../../../src/serdes/serdes.ts';
import type { CachedStateStore, SessionStore } from '../../../src/state/contract/stores.ts';
import { Stores } from '../../../src/state/stores.ts';
import { commit, Harness } from '../support.ts';

const RETENTION = 100;
const SLACK = 50;

let harness: Harness;
beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

type Heard = [start: number, end: number, value: number | null];

function open(make: typeof Stores.inMemorySessionStore, cacheBytes?: number) {
  const supplier = { ...make('sessions', RETENTION), cachedSlack: SLACK };
  const builder = Stores.sessionStoreBuilder(supplier, serdes.string, serdes.long).withCachingEnabled();
  const opened = harness.open(builder, cacheBytes === undefined ? {} : { cacheMaxBytes: cacheBytes });
  const heard: Heard[] = [];
  (opened.store as unknown as CachedStateStore<{ window: { start: number; end: number } }, number>).setFlushListener(
    ({ window }, value) => heard.push([window.start, window.end, value]),
    true,
  );
  return { ...opened, sessions: opened.store as SessionStore<string, number>, heard };
}

const session = (key: string, end: number) => ({ key, window: { start: end, end } });

for (const make of [Stores.inMemorySessionStore, Stores.persistentSessionStore]) {
  test(`${make('x', 1).engine}: a cached session past the retention is still found; its removal is neither logged nor sent on`, () => {
    const { state, sessions, context, heard } = open(make);
    context.at(0);
    sessions.put(session('ann', 0), 1);
    commit(state);
    context.at(RETENTION + 10);
    sessions.put(session('bob', RETENTION + 10), 1);
    commit(state);
    const logged = context.log.length;

    assert.equal([...sessions.findSessions('ann', -10, 10)].length, 1);
    assert.equal(sessions.fetchSession('ann', 0, 0), 1);
    sessions.remove(session('ann', 0));
    commit(state);
    assert.equal([...sessions.findSessions('ann', -10, 10)].length, 0);
    assert.equal([...sessions.fetchKeys(null, null)].length, 1);
    assert.equal(context.log.length, logged);
    assert.deepEqual(heard, [
      [0, 0, 1],
      [RETENTION + 10, RETENTION + 10, 1],
    ]);
  });

  test(`${make('x', 1).engine}: within the slack a session is found whether it is cached or was evicted`, () => {
    for (const cacheBytes of [10_000_000, 1]) {
      harness.dispose();
      harness = new Harness();
      const { state, sessions, context } = open(make, cacheBytes);
      context.at(0);
      sessions.put(session('ann', 100), 1);
      commit(state);
      context.at(0);
      sessions.put(session('bob', 100 + RETENTION + SLACK - 1), 1);
      commit(state);
      assert.equal([...sessions.findSessions('ann', 90, 110)].length, 1, `cache of ${cacheBytes} bytes`);
    }
  });

  test(`${make('x', 1).engine}: a session put that moves nothing below does not move its clock`, () => {
    const { state, sessions, context, heard } = open(make);
    context.at(0);
    sessions.put(session('ann', 0), 1);
    sessions.put(session('bob', 10 * RETENTION), null);
    commit(state);
    sessions.remove(session('ann', 0));
    commit(state);
    assert.deepEqual(heard, [
      [0, 0, 1],
      [0, 0, null],
    ]);
  });
}

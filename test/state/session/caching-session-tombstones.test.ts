import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { serdes } from '../../../src/serdes/serdes.ts';
import type { CachedStateStore, SessionStore } from '../../../src/state/contract/stores.ts';
import { Stores } from '../../../src/state/stores.ts';
import { commit, Harness } from '../support.ts';

const MINUTE = 60_000;

let harness: Harness;
beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

test('a session that was merged into another leaves its tombstone although stream time has passed its retention before the commit', () => {
  const builder = Stores.sessionStoreBuilder(Stores.persistentSessionStore('sessions', 30 * MINUTE), serdes.string, serdes.long).withCachingEnabled();
  const { state, store, context } = harness.open(builder);
  const sessions = store as SessionStore<string, number>;
  const heard: [start: number, end: number, value: number | null][] = [];
  (store as unknown as CachedStateStore<{ window: { start: number; end: number } }, number>).setFlushListener(
    ({ window }, value) => heard.push([window.start, window.end, value]),
    false,
  );

  context.at(0);
  sessions.put({ key: 'ann', window: { start: 0, end: 0 } }, 1);
  commit(state);
  assert.deepEqual(heard, [[0, 0, 1]]);

  // The next interval holds hours of history: ann's session grows, then others move stream time on.
  context.at(5 * MINUTE);
  assert.equal([...sessions.findSessions('ann', -25 * MINUTE, 35 * MINUTE)].length, 1);
  sessions.remove({ key: 'ann', window: { start: 0, end: 0 } });
  sessions.put({ key: 'ann', window: { start: 0, end: 5 * MINUTE } }, 2);
  context.at(600 * MINUTE);
  sessions.put({ key: 'bob', window: { start: 600 * MINUTE, end: 600 * MINUTE } }, 1);
  commit(state);

  const table = new Map<string, number>();
  for (const [start, end, value] of heard) {
    if (value === null) table.delete(`${start}-${end}`);
    else table.set(`${start}-${end}`, value);
  }
  assert.deepEqual(
    [...table],
    [
      [`0-${5 * MINUTE}`, 2],
      [`${600 * MINUTE}-${600 * MINUTE}`, 1],
    ],
  );
});

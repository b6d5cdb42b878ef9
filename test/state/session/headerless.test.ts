import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Headers } from '../../../src/processor/headers.ts';
import { serdes } from '../../../src/serdes/serdes.ts';
import type { CachedStateStore, SessionStore } from '../../../src/state/contract/stores.ts';
import { Stores } from '../../../src/state/stores.ts';
import { commit, Harness } from '../support.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

const HEADERS: Headers = [['h', Buffer.from('1')]];

for (const [format, expected] of [
  ['plain', HEADERS],
  ['headers', []],
] as const) {
  test(`sessions of a cache in format ${format} leave it ${expected.length === 0 ? 'without headers' : 'with the headers of their record'}`, () => {
    const supplier = { ...Stores.persistentSessionStore(`s-${format}`, 100), format };
    const { state, store, context } = harness.open(Stores.sessionStoreBuilder(supplier, serdes.string, serdes.long).withCachingEnabled());
    const heard: Headers[] = [];
    (store as unknown as CachedStateStore<unknown, number>).setFlushListener(() => heard.push(context.recordContext.headers), false);
    context.at(5, HEADERS);
    (store as SessionStore<string, number>).put({ key: 'a', window: { start: 5, end: 5 } }, 1);
    commit(state);
    assert.deepEqual(heard, [expected]);
    assert.deepEqual(context.recordContext.headers, HEADERS, 'the record under processing keeps its own');
  });
}

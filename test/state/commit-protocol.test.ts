import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { IllegalStateError } from '../../src/errors.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { Stores } from '../../src/state/stores.ts';
import { commit, Harness } from './support.ts';

const persistent = (name = 'kv') => Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), serdes.string, serdes.string);
const inMemory = (name = 'kv') => Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), serdes.string, serdes.string);

for (const [engine, builder] of [
  ['sqlite', persistent],
  ['memory', inMemory],
] as const) {
  describe(`commit protocol, ${engine}`, () => {
    let harness: Harness;
    beforeEach(() => {
      harness = new Harness();
    });
    afterEach(() => harness.dispose());

    test('reads see the active buffer, then the frozen ones, then the engine', () => {
      const { state, store } = harness.open(builder());
      store.put('a', 'engine');
      store.put('b', 'engine');
      store.put('c', 'engine');
      commit(state);
      store.put('a', 'frozen');
      store.put('b', 'frozen');
      const first = state.freeze();
      store.put('a', 'active');
      store.delete('b');
      assert.deepEqual(
        [...store.all()],
        [
          ['a', 'active'],
          ['c', 'engine'],
        ],
      );
      assert.equal(store.get('b'), null);
      const second = state.freeze();
      assert.ok(first && second);
      assert.deepEqual(
        [...store.all()],
        [
          ['a', 'active'],
          ['c', 'engine'],
        ],
      );
      state.applySync(first, new Map());
      assert.deepEqual(
        [...store.reverseAll()],
        [
          ['c', 'engine'],
          ['a', 'active'],
        ],
      );
      state.applySync(second, new Map());
      assert.deepEqual(
        [...store.all()],
        [
          ['a', 'active'],
          ['c', 'engine'],
        ],
      );
    });

    test('discard drops the buffer and what was frozen, down to the last apply', () => {
      const { state, store } = harness.open(builder());
      store.put('a', '1');
      commit(state);
      store.put('a', '2');
      state.freeze();
      store.put('a', '3');
      store.put('b', '3');
      state.discard();
      assert.deepEqual([...store.all()], [['a', '1']]);
      assert.equal(state.uncommittedBytes, 0);
      assert.equal(state.freeze(), null);
    });

    test('what is being applied survives a discard: its transaction was committed', async () => {
      const { state, store } = harness.open(builder(), { budgetMs: 0 });
      for (let i = 0; i < 1000; i++) store.put(`k${i}`, 'committed');
      const frozen = state.freeze();
      assert.ok(frozen);
      const applied = state.apply(frozen, new Map([['kv', 1000]]));
      store.put('k0', 'aborted');
      state.discard();
      await applied;
      assert.equal(store.get('k0'), 'committed');
      assert.equal([...store.all()].length, 1000);
      assert.equal(state.position('kv').changelogOffset, 1000);
    });

    test('apply yields to the event loop, and reads meanwhile are right', async () => {
      const { state, store } = harness.open(builder(), { budgetMs: 0 });
      for (let i = 0; i < 2000; i++) store.put(`k${String(i).padStart(4, '0')}`, 'v');
      const frozen = state.freeze();
      assert.ok(frozen);
      let turns = 0;
      let done = false;
      const applied = state.apply(frozen, new Map([['kv', 7]])).then(() => {
        done = true;
      });
      while (!done) {
        assert.equal([...store.range('k0100', 'k0109')].length, 10);
        turns++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await applied;
      assert.ok(turns > 5, `${turns} turns`);
    });

    test('a restore during an apply first finishes it', async () => {
      const { state, store } = harness.openAll([builder(), builder('other')], { budgetMs: 0 }) as unknown as {
        state: import('../../src/state/contract/task-state.ts').TaskState;
        store: never;
      };
      void store;
      const kv = state.stores.get('kv') as ReturnType<ReturnType<typeof builder>['build']>;
      for (let i = 0; i < 1000; i++) kv.put(`k${i}`, 'v');
      const frozen = state.freeze();
      assert.ok(frozen);
      const applied = state.apply(frozen, new Map([['kv', 1000]]));
      state.restore('other', [{ key: Buffer.from('x'), value: Buffer.from('y'), timestamp: 1, headers: [], offset: 0 }], 1);
      assert.equal(state.position('kv').changelogOffset, 1000);
      assert.equal(state.position('other').changelogOffset, 1);
      await applied;
    });

    test('writes cannot be applied twice, nor after a discard', () => {
      const { state, store } = harness.open(builder());
      store.put('a', '1');
      const frozen = state.freeze();
      assert.ok(frozen);
      assert.deepEqual(frozen.stores, ['kv']);
      state.applySync(frozen, new Map());
      assert.throws(() => state.applySync(frozen, new Map()), IllegalStateError);
      store.put('a', '2');
      const aborted = state.freeze();
      state.discard();
      assert.ok(aborted);
      assert.throws(() => state.applySync(aborted, new Map()), IllegalStateError);
    });

    test('facts of the task are committed with the stores, and undone with them', () => {
      const { state } = harness.open(builder());
      state.setMeta('purged', '5');
      assert.equal(state.getMeta('purged'), '5');
      commit(state);
      state.setMeta('purged', '9');
      state.discard();
      assert.equal(state.getMeta('purged'), '5');
    });

    test('reset empties a store and its position', () => {
      const { state, store } = harness.open(builder());
      store.put('a', '1');
      commit(state, [['kv', 3]]);
      state.reset('kv');
      assert.deepEqual([...store.all()], []);
      assert.equal(state.position('kv').changelogOffset, undefined);
      store.put('b', '2');
      commit(state, [['kv', 1]]);
      assert.deepEqual([...store.all()], [['b', '2']]);
    });
  });
}

describe('what a restart finds', () => {
  let harness: Harness;
  beforeEach(() => {
    harness = new Harness();
  });
  afterEach(() => harness.dispose());

  test('entries and offset of the last apply, nothing of the buffers', () => {
    const first = harness.open(persistent());
    first.store.put('a', '1');
    commit(first.state, [['kv', 10]]);
    first.state.markCaughtUp('kv', 1234);
    first.store.put('a', '2');
    first.state.freeze();
    first.store.put('b', '2');
    first.state.close();
    const second = harness.open(persistent());
    assert.deepEqual([...second.store.all()], [['a', '1']]);
    assert.deepEqual(second.state.position('kv'), { changelogOffset: 10, caughtUpAt: 1234 });
  });

  test('a close in the middle of an apply finishes it: it was committed', () => {
    const first = harness.open(persistent(), { budgetMs: 0 });
    for (let i = 0; i < 1000; i++) first.store.put(`k${i}`, 'v');
    const frozen = first.state.freeze();
    assert.ok(frozen);
    void first.state.apply(frozen, new Map([['kv', 1000]]));
    first.state.close();
    const second = harness.open(persistent());
    assert.equal(second.state.position('kv').changelogOffset, 1000);
    assert.equal([...second.store.all()].length, 1000);
  });

  test('memory stores are empty and have no position', () => {
    const first = harness.open(inMemory());
    first.store.put('a', '1');
    commit(first.state, [['kv', 10]]);
    first.state.close();
    const second = harness.open(inMemory());
    assert.deepEqual([...second.store.all()], []);
    assert.equal(second.state.position('kv').changelogOffset, undefined);
  });

  test('a store of another kind or retention is rebuilt', () => {
    const first = harness.open(Stores.windowStoreBuilder(Stores.persistentWindowStore('kv', 600_000, 10), serdes.string, serdes.string));
    first.store.put('a', '1', 5);
    commit(first.state, [['kv', 10]]);
    first.state.close();
    const second = harness.open(Stores.windowStoreBuilder(Stores.persistentWindowStore('kv', 6_000_000, 10), serdes.string, serdes.string));
    assert.equal(second.state.position('kv').changelogOffset, undefined);
    assert.deepEqual([...second.store.all()], []);
    assert.ok(harness.logger.lines.some((line) => line.message.includes('rebuilt')));
  });

  test('contents from another cluster or topic are reset', () => {
    const first = harness.openAll([persistent('x'), persistent('y')]);
    for (const store of first.stores) (store as ReturnType<ReturnType<typeof persistent>['build']>).put('a', '1');
    commit(first.state, [
      ['x', 1],
      ['y', 1],
    ]);
    const topicIds = { 'app-x-changelog': 'T1', 'app-y-changelog': 'T2' };
    assert.deepEqual(first.state.identify({ clusterId: 'C', topicIds }), []);
    assert.deepEqual(first.state.identify({ clusterId: 'C', topicIds }), []);
    first.state.close();
    const second = harness.openAll([persistent('x'), persistent('y')]);
    assert.deepEqual(second.state.identify({ clusterId: 'C', topicIds: { ...topicIds, 'app-y-changelog': 'T3' } }), ['y']);
    assert.equal(second.state.position('x').changelogOffset, 1);
    assert.equal(second.state.position('y').changelogOffset, undefined);
    assert.deepEqual(second.state.identify({ clusterId: 'D', topicIds }), ['x']);
  });
});

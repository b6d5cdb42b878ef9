import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { StateStoreError } from '../../src/errors.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import type { KeyValueStore, SessionStore, StateStore, WindowStore } from '../../src/state/contract/stores.ts';
import { readOnlyView } from '../../src/state/read-only-view.ts';
import { type ConfigurableStoreBuilder, Stores } from '../../src/state/stores.ts';
import { commit, Harness } from './support.ts';

/*
 * The contract of the stores, run on every engine with and without a record cache. Expected bytes and orders are those that Kafka Streams 4.3 gave.
 */

interface Variant {
  readonly name: string;
  readonly engine: 'sqlite' | 'memory';
  readonly cached: boolean;
}

const VARIANTS: readonly Variant[] = (['sqlite', 'memory'] as const).flatMap((engine) =>
  [false, true].map((cached) => ({ name: `${engine}${cached ? ' with cache' : ''}`, engine, cached })),
);
const cache = <S extends StateStore>(variant: Variant, builder: ConfigurableStoreBuilder<S>): ConfigurableStoreBuilder<S> =>
  variant.cached ? builder.withCachingEnabled() : builder;
const S = serdes.string;

for (const variant of VARIANTS) {
  describe(`key-value store, ${variant.name}`, () => {
    let harness: Harness;
    beforeEach(() => {
      harness = new Harness();
    });
    afterEach(() => harness.dispose());
    const open = () =>
      harness.open<KeyValueStore<string, string>>(
        cache(
          variant,
          Stores.keyValueStoreBuilder(variant.engine === 'sqlite' ? Stores.persistentKeyValueStore('kv') : Stores.inMemoryKeyValueStore('kv'), S, S),
        ),
      );

    test('iterates in the order of the bytes', () => {
      const { state, store } = open();
      for (const [key, value] of [
        ['b', '1'],
        ['a', '2'],
        ['ab', '3'],
        ['é', '4'],
        ['Z', '5'],
      ] as const)
        store.put(key, value);
      for (let pass = 0; pass < 2; pass++) {
        const keys = (rows: Iterable<[string, string]>) => [...rows].map(([key]) => key).join();
        assert.equal(keys(store.all()), 'Z,a,ab,b,é');
        assert.equal(keys(store.reverseAll()), 'é,b,ab,a,Z');
        assert.equal(keys(store.range('a', 'b')), 'a,ab,b');
        assert.equal(keys(store.reverseRange('aa', 'z')), 'b,ab');
        assert.equal(keys(store.range('b', 'a')), '');
        assert.equal(keys(store.range('b', null)), 'b,é');
        assert.equal(keys(store.range(null, 'ab')), 'Z,a,ab');
        assert.equal(keys(store.prefixScan('a', S)), 'a,ab');
        commit(state);
      }
    });

    test('logs each change as it is, a deletion of nothing too', () => {
      const { state, store, context } = open();
      context.at(16);
      store.put('a', '1');
      assert.equal(store.putIfAbsent('a', '9'), '1');
      assert.equal(store.putIfAbsent('c', '9'), null);
      context.at(17);
      assert.equal(store.delete('a'), '1');
      assert.equal(store.delete('nothing'), null);
      commit(state);
      if (variant.cached)
        assert.deepEqual(context.hex(), ['63 39 16', '61 null 17', '6e6f7468696e67 null 17'], 'one record a key, in the order of the last puts');
      else assert.deepEqual(context.hex(), ['61 31 16', '63 39 16', '61 null 17', '6e6f7468696e67 null 17']);
    });

    test('an iteration lives with changes under it', () => {
      const { state, store } = open();
      for (const key of ['a', 'b', 'c', 'd']) store.put(key, key);
      commit(state);
      store.put('bb', 'bb');
      const seen: string[] = [];
      for (const [key] of store.all()) {
        seen.push(key);
        store.put(`${key}+`, 'new');
        if (key === 'a') store.delete('c');
        if (seen.length > 20) break;
      }
      assert.ok(seen.length <= 6, `new keys are not seen, or not for ever: ${seen}`);
      assert.ok(seen.includes('bb') && seen.includes('d'));
      assert.equal(store.get('d+'), 'new');
    });

    test('null keys are refused, and a closed store says so', () => {
      const { state, store } = open();
      assert.throws(() => store.put(null as unknown as string, 'x'), StateStoreError);
      assert.throws(() => store.get(null as unknown as string), StateStoreError);
      const view = readOnlyView(store);
      store.put('a', '1');
      assert.equal(view.get('a'), '1');
      assert.equal((view as { put?: unknown }).put, undefined);
      state.close();
      assert.throws(() => view.get('a'), /the store is closed/);
      assert.throws(() => store.put('a', '2'));
    });

    test('counts its entries', () => {
      const { state, store } = open();
      store.put('a', '1');
      store.put('b', '1');
      commit(state);
      store.put('b', '2');
      store.put('c', '1');
      store.delete('a');
      state.flushCaches();
      assert.equal(store.approximateNumEntries(), 2);
    });
  });

  describe(`window store, ${variant.name}`, () => {
    let harness: Harness;
    beforeEach(() => {
      harness = new Harness();
    });
    afterEach(() => harness.dispose());
    const open = (retention = 100) =>
      harness.open<WindowStore<string, string>>(
        cache(
          variant,
          Stores.windowStoreBuilder((variant.engine === 'sqlite' ? Stores.persistentWindowStore : Stores.inMemoryWindowStore)('win', retention, 10), S, S),
        ),
      );
    const show = (rows: Iterable<[{ key: string; window: { start: number; end: number } }, string]>) =>
      [...rows].map(([{ key, window }, value]) => `[${key}@${window.start}/${window.end}]=${value}`).join(';');
    const starts = (rows: Iterable<[number, string]>) => [...rows].map(([start, value]) => `${start}=${value}`).join(';');

    test('the order and the expiry that Kafka Streams gave', () => {
      const { state, store, context } = open();
      const put = (key: string, value: string | null, start: number) => {
        context.at(start);
        store.put(key, value, start);
      };
      put('a', '1', 10);
      put('a', '2', 20);
      put('b', '3', 15);
      put('ab', '4', 15);
      for (let pass = 0; pass < 2; pass++) {
        assert.equal(starts(store.fetchRange('a', 5, 25)), '10=1;20=2');
        assert.equal(starts(store.backwardFetchRange('a', 5, 25)), '20=2;10=1');
        if (variant.engine === 'sqlite') {
          assert.equal(show(store.fetchKeys('a', 'b', 5, 25)), '[a@10/20]=1;[a@20/30]=2;[ab@15/25]=4;[b@15/25]=3');
          assert.equal(show(store.backwardFetchKeys('a', 'b', 5, 25)), '[b@15/25]=3;[ab@15/25]=4;[a@20/30]=2;[a@10/20]=1');
          assert.equal(show(store.all()), '[a@10/20]=1;[a@20/30]=2;[ab@15/25]=4;[b@15/25]=3');
        } else {
          assert.equal(show(store.all()), '[a@10/20]=1;[ab@15/25]=4;[b@15/25]=3;[a@20/30]=2');
          assert.equal(show(store.backwardFetchAll(0, 15)), '[b@15/25]=3;[ab@15/25]=4;[a@10/20]=1');
        }
        assert.equal(store.fetch('a', 10), '1');
        assert.equal(store.fetch('a', 11), null);
        commit(state);
      }
      put('a', '5', 10);
      put('a', null, 20);
      put('c', '6', 109);
      assert.equal(store.fetch('a', 10), '5');
      put('c', '7', 110);
      assert.equal(store.fetch('a', 10), variant.cached ? '5' : null, 'a window at stream time - retention is past, but seen while it is cached');
      const past = !variant.cached ? '' : '[a@10/20]=5;';
      assert.equal(show(store.fetchAll(0, 109)), `${past}[ab@15/25]=4;[b@15/25]=3;[c@109/119]=6`);
      commit(state);
      const log = context.hex();
      assert.equal(log[0], '61000000000000000a00000000 31 10', 'key | start8 | seq4');
      assert.ok(log.includes('61000000000000001400000000 null 20'));
    });

    test('segments that are past are dropped from the engine, late puts are dropped and counted', () => {
      const { state, store, context } = open(120_000);
      for (let start = 0; start <= 600_000; start += 20_000) {
        context.at(start);
        store.put('k', String(start), start);
        commit(state);
      }
      context.at(0);
      store.put('k', 'late', 0);
      commit(state);
      assert.equal(context.dropped.length, 1);
      assert.match(context.dropped[0] as string, /past the retention of 120000 ms/);
      assert.equal(
        starts(store.fetchRange('k', variant.cached ? 490_000 : 0, 700_000)),
        '500000=500000;520000=520000;540000=540000;560000=560000;580000=580000;600000=600000',
      );
      state.close();
      if (variant.engine === 'sqlite') {
        const again = open(120_000);
        assert.equal(
          starts(again.store.fetchRange('k', 0, 700_000)),
          '500000=500000;520000=520000;540000=540000;560000=560000;580000=580000;600000=600000',
          'the clock is kept',
        );
      }
    });
  });

  describe(`session store, ${variant.name}`, () => {
    let harness: Harness;
    beforeEach(() => {
      harness = new Harness();
    });
    afterEach(() => harness.dispose());
    const open = () =>
      harness.open<SessionStore<string, string>>(
        cache(
          variant,
          Stores.sessionStoreBuilder(variant.engine === 'sqlite' ? Stores.persistentSessionStore('ses', 100) : Stores.inMemorySessionStore('ses', 100), S, S),
        ),
      );
    const show = (rows: Iterable<[{ key: string; window: { start: number; end: number } }, string]>) =>
      [...rows].map(([{ key, window }, value]) => `[${key}@${window.start}/${window.end}]=${value}`).join(';');

    test('finds what overlaps, as Kafka Streams does', () => {
      const { state, store, context } = open();
      const put = (key: string, start: number, end: number, value: string) => {
        context.at(start);
        store.put({ key, window: { start, end } }, value);
      };
      put('a', 10, 15, '1');
      put('a', 20, 26, '22');
      put('b', 12, 17, '3');
      put('ab', 12, 17, '4');
      for (let pass = 0; pass < 2; pass++) {
        assert.equal(show(store.fetch('a')), '[a@10/15]=1;[a@20/26]=22');
        assert.equal(show(store.backwardFetch('a')), '[a@20/26]=22;[a@10/15]=1');
        assert.equal(
          show(store.fetchKeys('a', 'b')),
          variant.engine === 'sqlite' ? '[a@10/15]=1;[a@20/26]=22;[ab@12/17]=4;[b@12/17]=3' : '[a@10/15]=1;[ab@12/17]=4;[b@12/17]=3;[a@20/26]=22',
        );
        assert.equal(show(store.findSessions('a', 16, 25)), '[a@20/26]=22');
        assert.equal(show(store.findSessions('a', 15, 25)), '[a@10/15]=1;[a@20/26]=22');
        assert.equal(show(store.backwardFindSessions('a', 15, 25)), '[a@20/26]=22;[a@10/15]=1');
        assert.equal(show(store.findSessionsByEnd(17, 17)), '[ab@12/17]=4;[b@12/17]=3');
        assert.equal(store.fetchSession('a', 10, 15), '1');
        commit(state);
      }
      context.at(30);
      store.remove({ key: 'a', window: { start: 10, end: 15 } });
      assert.equal(show(store.fetch('a')), '[a@20/26]=22');
      put('a', 200, 205, '9');
      assert.equal(
        show(store.fetch('a')),
        `${variant.cached ? '[a@20/26]=22;' : ''}[a@200/205]=9`,
        'a session that ends at observed - retention or earlier is past',
      );
      commit(state);
      assert.equal(context.hex()[0], '61000000000000000f000000000000000a 31 10', 'key | end8 | start8');
      assert.ok(context.hex().includes('61000000000000000f000000000000000a null 30'));
    });
  });
}

describe('stores that keep duplicates', () => {
  for (const supplier of [Stores.persistentWindowStore('win', 100, 10, true), Stores.inMemoryWindowStore('win', 100, 10, true)]) {
    test(`${supplier.engine}: every put is kept, numbered from 1; a null is only logged`, () => {
      const harness = new Harness();
      const { state, store, context } = harness.open(Stores.windowStoreBuilder(supplier, S, S).withCachingEnabled());
      const put = (key: string, value: string | null, start: number) => {
        context.at(start);
        store.put(key, value, start);
        return [...store.fetchRange(key, Math.max(0, start - 10), start)].map(([at, found]) => `${at}=${found}`).join(';');
      };
      assert.equal(put('a', '1', 10), '10=1');
      assert.equal(put('a', '2', 10), '10=1;10=2');
      commit(state);
      assert.equal(put('a', '2', 10), '10=1;10=2;10=2');
      assert.equal(put('a', null, 10), '10=1;10=2;10=2');
      assert.equal(put('b', '3', 15), '15=3');
      assert.equal(put('a', '4', 12), '10=1;10=2;10=2;12=4');
      assert.equal(put('a', '5', 120), '120=5');
      assert.equal(context.hex()[0], '61000000000000000a00000001 31 10');
      assert.equal(context.hex()[3], '61000000000000000a00000004 null 10');
      assert.equal(context.hex()[6], '61000000000000007800000007 35 120');
      harness.dispose();
    });
  }
});

describe('LRU store', () => {
  test('the key used longest ago goes first, with a tombstone before the put', () => {
    const harness = new Harness();
    const { state, store, context } = harness.open(Stores.keyValueStoreBuilder(Stores.lruMap('lru', 3), S, S));
    for (const [key, value] of [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ] as const)
      store.put(key, value);
    assert.equal(store.get('a'), '1');
    commit(state);
    store.put('d', '4');
    assert.deepEqual(context.hex().slice(3), ['62 null 0', '64 34 0']);
    assert.equal(store.get('b'), null);
    assert.equal(store.approximateNumEntries(), 3);
    state.discard();
    assert.deepEqual(
      [...store.all()].map(([key]) => key),
      ['a', 'b', 'c'],
      'an abort brings the evicted key back',
    );
    store.put('e', '5');
    assert.deepEqual(
      [...store.all()].map(([key]) => key),
      ['a', 'c', 'e'],
      'and the order of use',
    );
    harness.dispose();
  });
});

describe('time-ordered stores', () => {
  for (const variant of VARIANTS) {
    test(`${variant.name}: reads of many keys come by time, then key`, () => {
      const harness = new Harness();
      const supplier = {
        ...(variant.engine === 'sqlite' ? Stores.persistentTimestampedWindowStore : Stores.inMemoryWindowStore)('win', 1_000_000, 10),
        timeOrdered: true,
      };
      const sessions = {
        ...(variant.engine === 'sqlite' ? Stores.persistentSessionStore('ses', 1_000_000) : Stores.inMemorySessionStore('ses', 1_000_000)),
        timeOrdered: true,
      };
      const { state, stores } = harness.openAll([
        cache(variant, Stores.windowStoreBuilder(supplier, S, S)),
        cache(variant, Stores.sessionStoreBuilder(sessions, S, S)),
      ]);
      const [windows, ended] = stores as [WindowStore<string, string>, SessionStore<string, string>];
      const put = (key: string, time: number) => {
        windows.put(key, 'v', time);
        ended.put({ key, window: { start: time - 5, end: time } }, 'v');
      };
      put('b', 10);
      put('a', 20);
      put('c', 5);
      commit(state);
      put('a', 10);
      put('aa', 10);
      put('z', 7);
      for (let pass = 0; pass < 2; pass++) {
        assert.equal([...windows.fetchAll(6, 20)].map(([{ key, window }]) => `${key}@${window.start}`).join(), 'z@7,a@10,aa@10,b@10,a@20');
        assert.equal([...ended.findSessionsByEnd(6, 10)].map(([{ key, window }]) => `${key}@${window.end}`).join(), 'z@7,a@10,aa@10,b@10');
        commit(state);
      }
      harness.dispose();
    });
  }
});

describe('headers store', () => {
  for (const cached of [false, true]) {
    test(`keeps and logs the headers${cached ? ', with cache' : ''}`, () => {
      const harness = new Harness();
      const builder = Stores.timestampedKeyValueStoreWithHeadersBuilder(Stores.persistentTimestampedKeyValueStoreWithHeaders('hs'), S, S);
      const { state, store, context } = harness.open(cached ? builder.withCachingEnabled() : builder);
      const headers = [
        ['a', Buffer.from('1')],
        ['b', null],
      ] as const;
      context.at(2);
      store.put('b', { value: 'z', timestamp: 2, headers });
      commit(state);
      state.close();
      assert.deepEqual(
        context.log.map(({ key, value, timestamp, headers: logged }) => [key.toString(), value?.toString(), timestamp, logged]),
        [['b', 'z', 2, headers]],
      );
      const again = harness.open(builder);
      assert.deepEqual(again.store.get('b'), {
        value: 'z',
        timestamp: 2,
        headers: [
          ['a', Buffer.from('1')],
          ['b', null],
        ],
      });
      again.context.at(3, [['d', Buffer.from('9')]]);
      again.store.delete('b');
      assert.deepEqual(
        again.context.log.map(({ value, headers: logged }) => [value, logged]),
        [[null, [['d', Buffer.from('9')]]]],
      );
      harness.dispose();
    });
  }
});

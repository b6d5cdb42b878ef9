import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EmitStrategySpec, kstreamSlidingWindowAggregate, type SlidingWindowSpec } from '../../src/operators/index.ts';
import type { ValueAndTimestamp } from '../../src/state/contract/values.ts';
import { FakeContext, FakeWindowStore, run } from './fakes.ts';

function setUp(windows: SlidingWindowSpec, emitStrategy: EmitStrategySpec = 'window-update') {
  const store = new FakeWindowStore<ValueAndTimestamp<string>>();
  const context = new FakeContext().with('s', store);
  const supplier = kstreamSlidingWindowAggregate<string, string, string>({
    windows,
    storeName: 's',
    emitStrategy,
    initializer: () => '',
    aggregator: (_k, v, a) => a + v,
  });
  return { store, context, process: run(supplier.get(), context) };
}

test('a record makes its left window, and the right window of the record before it', () => {
  const { process } = setUp({ timeDifferenceMs: 10, graceMs: 0 });
  assert.deepEqual(process('a', '1', 20), ['[a:10/20]=1<-null@20']);
  assert.deepEqual(process('a', '2', 25), ['[a:21/31]=2<-null@25', '[a:15/25]=12<-null@25']);
  assert.deepEqual(process('a', '3', 25), ['[a:21/31]=23<-null@25', '[a:15/25]=123<-null@25']);
});

test('records before the time difference share [0,difference]', () => {
  const { process } = setUp({ timeDifferenceMs: 10, graceMs: 50 });
  assert.deepEqual(process('a', '1', 3), ['[a:0/10]=1<-null@3']);
  assert.deepEqual(process('a', '2', 7), ['[a:4/14]=2<-null@7', '[a:0/10]=12<-null@7']);
  assert.deepEqual(process('a', '0', 1), ['[a:2/12]=12<-null@7', '[a:0/10]=120<-null@7']);
});

test('a record exactly one more than the difference after the previous one updates one window twice', () => {
  const { process } = setUp({ timeDifferenceMs: 10, graceMs: 0 });
  process('a', '0', 14);
  process('a', '1', 20);
  assert.deepEqual(process('a', '2', 31), ['[a:21/31]=2<-null@31', '[a:21/31]=2<-null@31']);
});

test('null keys and null values drop; late is `end < streamTime - grace`', () => {
  const { context, process } = setUp({ timeDifferenceMs: 10, graceMs: 5 });
  assert.deepEqual([process(null, 'x', 20), process('a', null, 20)], [[], []]);
  process('b', 'x', 50);
  assert.deepEqual(process('a', 'x', 35), ['[a:25/35]=x<-null@35'].slice(1), 'its left window has closed');
  assert.equal(context.dropped.length, 3);
  assert.deepEqual(process('a', 'x', 34), []);
  assert.equal(context.dropped.length, 4);
});

test('on close: windows leave when their end has passed', () => {
  const { context, process } = setUp({ timeDifferenceMs: 10, graceMs: 5 }, 'window-close');
  process('a', '1', 20);
  assert.deepEqual(process('b', '2', 25), []);
  assert.deepEqual(process('b', '3', 26), ['[a:10/20]=1<-null@20']);
  assert.equal(context.metadata.get('s'), 21);
});

test('every stored window holds exactly the records in it, and every record has its left window', () => {
  const times = fc.array(fc.integer({ min: 10, max: 80 }), { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(times, (timestamps) => {
      const differenceMs = 10;
      const { store, process } = setUp({ timeDifferenceMs: differenceMs, graceMs: 1000 });
      const records = timestamps.map((ts, i) => ({ ts, value: String.fromCharCode(97 + i) }));
      for (const { ts, value } of records) process('k', value, ts);
      for (const { start, value } of store.rows) {
        const within = records.filter(({ ts }) => ts >= start && ts <= start + differenceMs);
        // The window that is updated twice (one more than the difference later) holds its first record twice in no case: its second write replaces the first.
        assert.deepEqual([...value.value].sort(), within.map((r) => r.value).sort(), `window ${start}`);
        assert.equal(value.timestamp, Math.max(...within.map((r) => r.ts)));
      }
      for (const { ts } of records)
        assert.ok(
          store.rows.some(({ start }) => start === ts - differenceMs),
          `left window of ${ts}`,
        );
    }),
    { numRuns: 300, seed: 7 },
  );
});

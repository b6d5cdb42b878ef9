import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAggregator, countInitializer, kstreamAggregate, kstreamReduce } from '../../src/operators/index.ts';
import { RecordContext } from '../../src/processor/record-context.ts';
import { FakeContext, FakeKeyValueStore, FakeVersionedStore, run } from './fakes.ts';

const count = { storeName: 's', initializer: countInitializer, aggregator: countAggregator };

test('count drops null keys and values, and carries the highest timestamp', () => {
  const context = new FakeContext().with('s', new FakeKeyValueStore());
  const process = run(kstreamAggregate(count).get(), context);
  assert.deepEqual([process('a', 'x', 10), process('a', 'x', 5), process(null, 'x', 1), process('a', null, 1)], [['a=1<-null@10'], ['a=2<-null@10'], [], []]);
  assert.equal(context.dropped.length, 2);
});

test('the old value of a new key is the initial aggregate', () => {
  const supplier = kstreamAggregate(count);
  assert.equal(supplier.enableSendingOldValues(true), true);
  const process = run(supplier.get(), new FakeContext().with('s', new FakeKeyValueStore()));
  assert.deepEqual([process('a', 'x', 1), process('a', 'x', 2)], [['a=1<-0@1'], ['a=2<-1@2']]);
});

test('a null aggregate deletes the row and the next record starts afresh', () => {
  const store = new FakeKeyValueStore<number>();
  const options = {
    storeName: 's',
    initializer: () => 0,
    aggregator: (_k: string, v: number, a: number) => (a + v > 10 ? (null as unknown as number) : a + v),
  };
  const process = run(kstreamAggregate(options).get(), new FakeContext().with('s', store));
  assert.deepEqual([process('a', 6, 20), process('a', 6, 30), process('a', 1, 3)], [['a=6<-null@20'], ['a=null<-null@30'], ['a=1<-null@3']]);
});

test('reduce takes the first value as it is and has no old value for it', () => {
  const supplier = kstreamReduce<string, string>({ storeName: 's', reducer: (a, v) => a + v });
  supplier.enableSendingOldValues();
  const process = run(supplier.get(), new FakeContext().with('s', new FakeKeyValueStore()));
  assert.deepEqual([process('a', 'x', 5), process('a', 'y', 3)], [['a=x<-null@5'], ['a=xy<-x@5']]);
});

test('with a cached store only a flush forwards, with the headers of the cached entry', () => {
  const store = new FakeKeyValueStore<number>(true);
  const supplier = kstreamAggregate(count);
  const context = new FakeContext().with('s', store);
  const process = run(supplier.get(), context);
  assert.deepEqual(process('a', 'x', 1), []);
  const headers = [['h', null]] as const;
  context.recordContext = new RecordContext('in', 0, 1, 9, headers);
  store.listener?.('a', 1, 0, 4);
  assert.deepEqual(context.forwarded[0]?.headers, headers);
  assert.deepEqual(context.take(), ['a=1<-null@4']);
});

test('in a versioned store an out-of-order aggregate is not the latest, one beyond the history is not sent', () => {
  const process = run(kstreamAggregate(count).get(), new FakeContext().with('s', new FakeVersionedStore<number>(20)));
  assert.deepEqual(process('a', 'x', 100), ['a=1<-null@100']);
  // The aggregate's own time never goes back, so an older record of the same key is the latest still.
  assert.deepEqual(process('a', 'x', 90), ['a=2<-null@100']);
  assert.deepEqual(process('b', 'x', 10), []);
});

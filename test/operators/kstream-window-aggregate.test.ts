import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  countAggregator,
  countInitializer,
  type EmitStrategySpec,
  kstreamWindowAggregate,
  type TimeWindowSpec,
  type UnlimitedWindowSpec,
} from '../../src/operators/index.ts';
import type { ValueAndTimestamp } from '../../src/state/contract/values.ts';
import { FakeContext, FakeWindowStore, run } from './fakes.ts';

function counter(windows: TimeWindowSpec | UnlimitedWindowSpec, emitStrategy: EmitStrategySpec = 'window-update') {
  return kstreamWindowAggregate({ windows, storeName: 's', emitStrategy, initializer: countInitializer, aggregator: countAggregator });
}

function setUp(windows: TimeWindowSpec | UnlimitedWindowSpec, emitStrategy: EmitStrategySpec = 'window-update') {
  const context = new FakeContext().with('s', new FakeWindowStore<ValueAndTimestamp<number>>());
  return { context, process: run(counter(windows, emitStrategy).get(), context) };
}

const tumbling = (sizeMs: number, graceMs: number): TimeWindowSpec => ({ sizeMs, advanceMs: sizeMs, graceMs });

test('tumbling: a window takes records until end + grace', () => {
  const { context, process } = setUp(tumbling(10, 5));
  assert.deepEqual(process('a', 'x', 9), ['[a:0/10]=1<-null@9']);
  assert.deepEqual(process('a', 'x', 10), ['[a:10/20]=1<-null@10']);
  assert.deepEqual(process('a', 'x', 14), ['[a:10/20]=2<-null@14']);
  assert.deepEqual(process('a', 'x', 3), ['[a:0/10]=2<-null@9']);
  process('b', 'x', 15);
  assert.deepEqual([process('a', 'x', 9), context.dropped.length], [[], 1]);
});

test('null keys drop, null values count', () => {
  const { context, process } = setUp(tumbling(10, 0));
  assert.deepEqual([process(null, 'x', 1), process('a', null, 1)], [[], ['[a:0/10]=1<-null@1']]);
  assert.equal(context.dropped.length, 1);
});

test('a record with a null key does not advance the time', () => {
  const { process } = setUp(tumbling(10, 0));
  process(null, 'x', 100);
  assert.deepEqual(process('a', 'x', 1), ['[a:0/10]=1<-null@1']);
});

test('hopping: early times have fewer windows, a late record updates those still open', () => {
  const { context, process } = setUp({ sizeMs: 10, advanceMs: 3, graceMs: 0 });
  assert.deepEqual(process('a', 'x', 2), ['[a:0/10]=1<-null@2']);
  assert.deepEqual(process('a', 'x', 11), ['[a:3/13]=1<-null@11', '[a:6/16]=1<-null@11', '[a:9/19]=1<-null@11']);
  assert.deepEqual(process('a', 'x', 8), ['[a:3/13]=2<-null@11', '[a:6/16]=2<-null@11']);
  assert.equal(context.dropped.length, 1, 'the window [0,10)');
});

test('unlimited windows: records before the start fall in none and are not counted', () => {
  const { context, process } = setUp({ startMs: 100 });
  assert.deepEqual([process('a', 'x', 99), process('a', 'x', 100)], [[], [`[a:100/${Number.MAX_SAFE_INTEGER}]=1<-null@100`]]);
  assert.deepEqual(context.dropped, []);
});

test('old values are sent when asked for', () => {
  const supplier = counter(tumbling(10, 0));
  supplier.enableSendingOldValues();
  const process = run(supplier.get(), new FakeContext().with('s', new FakeWindowStore()));
  assert.deepEqual([process('a', 'x', 1), process('a', 'x', 1)], [['[a:0/10]=1<-0@1'], ['[a:0/10]=2<-1@1']]);
});

test("on close: results leave once, by start and then key, with the trigger's headers", () => {
  const { context, process } = setUp(tumbling(10, 5), 'window-close');
  assert.deepEqual([process('b', 'x', 1), process('a', 'x', 2), process('a', 'x', 14)], [[], [], []]);
  process('c', 'x', 12);
  assert.deepEqual(process('z', 'x', 25, [['h', null]]), ['[a:0/10]=1<-null@2', '[b:0/10]=1<-null@1', '[a:10/20]=1<-null@14', '[c:10/20]=1<-null@12']);
  assert.deepEqual(process('z', 'x', 26), []);
  assert.equal(context.metadata.get('s'), 20);
});

test('on close: nothing is scanned before the emit interval is over, nor when no window has closed', () => {
  const context = new FakeContext().with('s', new FakeWindowStore<ValueAndTimestamp<number>>());
  context.settings.set('emitIntervalMs', 1000);
  const process = run(counter(tumbling(10, 0), 'window-close').get(), context);
  process('a', 'x', 1);
  context.now = 999;
  assert.deepEqual(process('a', 'x', 10), []);
  context.now = 1000;
  assert.deepEqual(process('a', 'x', 11), ['[a:0/10]=1<-null@1']);
  assert.equal(context.metadata.get('s'), 11);
  context.now = 2000;
  assert.deepEqual(process('a', 'x', 12), []);
  assert.equal(context.metadata.get('s'), 11, 'the close time of the last scan stands');
});

test('on close: a restarted task goes on where the last one had emitted', () => {
  const context = new FakeContext().with('s', new FakeWindowStore<ValueAndTimestamp<number>>());
  const first = run(counter(tumbling(10, 0), 'window-close').get(), context);
  first('a', 'x', 1);
  assert.equal(first('a', 'x', 10).length, 1);
  const second = run(counter(tumbling(10, 0), 'window-close').get(), context);
  assert.deepEqual(second('a', 'x', 20), ['[a:10/20]=1<-null@10']);
});

test('on close is refused for windows that never close', () => {
  assert.throws(() => counter({ startMs: 0 }, 'window-close'), /never close/);
});

test('the view reads a row by its window', () => {
  const context = new FakeContext().with('s', new FakeWindowStore<ValueAndTimestamp<number>>());
  const supplier = counter(tumbling(10, 0));
  run(supplier.get(), context)('a', 'x', 12);
  const getter = supplier.view().get();
  getter.init(context);
  assert.deepEqual(supplier.view().storeNames, ['s']);
  assert.equal(getter.get({ key: 'a', window: { start: 10, end: 20 } })?.value, 1);
  assert.equal(getter.get({ key: 'a', window: { start: 0, end: 10 } }), null);
});

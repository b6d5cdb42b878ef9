import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EmitStrategySpec, kstreamSessionWindowAggregate, type SessionWindowSpec } from '../../src/operators/index.ts';
import { FakeContext, FakeSessionStore, run } from './fakes.ts';

function setUp(windows: SessionWindowSpec, emitStrategy: EmitStrategySpec = 'window-update', sendOldValues = false) {
  const store = new FakeSessionStore<string>();
  const context = new FakeContext().with('s', store);
  const calls: string[] = [];
  const supplier = kstreamSessionWindowAggregate<string, string, string>({
    windows,
    storeName: 's',
    emitStrategy,
    initializer: () => {
      calls.push('init');
      return '';
    },
    aggregator: (_k, v, a) => {
      calls.push(`add ${v}`);
      return a + v;
    },
    merger: (_k, a, b) => {
      calls.push(`merge ${a},${b}`);
      return a + b;
    },
  });
  if (sendOldValues) supplier.enableSendingOldValues();
  return { store, context, calls, process: run(supplier.get(), context) };
}

test('a record extends, repeats or starts a session; only the own [t,t] gives no tombstone', () => {
  const { process } = setUp({ gapMs: 10, graceMs: 100 });
  assert.deepEqual(process('a', 'x', 5), ['[a:5/5]=x<-null@5']);
  assert.deepEqual(process('a', 'y', 5), ['[a:5/5]=xy<-null@5']);
  assert.deepEqual(process('a', 'z', 15), ['[a:5/5]=null<-null@5', '[a:5/15]=xyz<-null@15']);
  assert.deepEqual(process('a', 'i', 10), ['[a:5/15]=null<-null@15', '[a:5/15]=xyzi<-null@15']);
  assert.deepEqual(process('a', 'n', 26), ['[a:26/26]=n<-null@26']);
});

test('merging: initializer, merger over the sessions by time, aggregator; one tombstone for each', () => {
  const { process, calls, store } = setUp({ gapMs: 10, graceMs: 100 }, 'window-update', true);
  process('a', '1', 0);
  process('a', '2', 20);
  calls.length = 0;
  store.log.length = 0;
  assert.deepEqual(process('a', '+', 10), ['[a:0/0]=null<-1@0', '[a:20/20]=null<-2@20', '[a:0/20]=12+<-null@20']);
  assert.deepEqual(calls, ['init', 'merge ,1', 'merge 1,2', 'add +']);
  assert.deepEqual(store.log, ['remove [a:0/0]', 'remove [a:20/20]', 'put [a:0/20]=12+']);
});

test('a record is late when its merged session ends before stream time - grace - gap', () => {
  const { context, process } = setUp({ gapMs: 10, graceMs: 5 });
  process('b', 'x', 30);
  assert.deepEqual(process('a', 'x', 15), ['[a:15/15]=x<-null@15']);
  assert.deepEqual(process('a', 'x', 14), ['[a:15/15]=null<-null@15', '[a:14/15]=xx<-null@15']);
  assert.deepEqual(process('c', 'x', 14), []);
  assert.equal(context.dropped.length, 1);
});

test('updates have no headers', () => {
  const context = new FakeContext().with('s', new FakeSessionStore<string>());
  const supplier = kstreamSessionWindowAggregate<string, string, string>({
    windows: { gapMs: 10, graceMs: 0 },
    storeName: 's',
    emitStrategy: 'window-update',
    initializer: () => '',
    aggregator: (_k, v, a) => a + v,
    merger: (_k, a, b) => a + b,
  });
  const processor = supplier.get();
  processor.init?.(context);
  run(processor, context);
  const forwarded: unknown[] = [];
  context.forward = (record) => forwarded.push(record.headers);
  run(processor, context)('a', 'x', 1, [['h', null]]);
  assert.deepEqual(forwarded, [[]]);
});

test('null keys drop, null values count', () => {
  const { context, process } = setUp({ gapMs: 10, graceMs: 0 });
  assert.deepEqual([process(null, 'x', 1), process('a', null, 1)], [[], ['[a:1/1]=null<-null@1']]);
  assert.equal(context.dropped.length, 1);
});

test('on close: sessions leave by end and start once, an end at the close time stays', () => {
  const { context, process } = setUp({ gapMs: 5, graceMs: 4 }, 'window-close');
  assert.deepEqual([process('b', 'x', 3), process('a', 'y', 3), process('c', 'z', 4), process('d', 'w', 12)], [[], [], [], []]);
  assert.deepEqual(process('d', 'w', 13), ['[b:3/3]=x<-null@3', '[a:3/3]=y<-null@3']);
  assert.equal(context.metadata.get('s'), 4);
  assert.deepEqual(process('d', 'w', 14), ['[c:4/4]=z<-null@4']);
});

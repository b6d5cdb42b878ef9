import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kstreamGlobalKTableJoin, kstreamKTableJoin, materializedGetterSupplier } from '../../src/operators/index.ts';
import { storedValue } from '../../src/operators/table-store.ts';
import type { RecordContext } from '../../src/processor/record-context.ts';
import type { EvictionCallback } from '../../src/state/contract/special-stores.ts';
import { FakeContext, FakeKeyValueStore, FakeVersionedStore, run } from './fakes.ts';

const joiner = (v: string, t: string | null, key: string | null) => `${key}:${v}+${t}`;

function table() {
  const store = new FakeKeyValueStore<string>();
  store.put('a', storedValue('A', 100));
  return new FakeContext().with('t', store);
}

const supplier = materializedGetterSupplier<string, string>('t');

test('inner: the stream record keeps its time; no row, null key or value gives nothing', () => {
  const context = table();
  const process = run(kstreamKTableJoin({ table: supplier, joiner, leftJoin: false })(), context);
  assert.deepEqual([process('a', 'x', 5), process('b', 'x', 6)], [['a=a:x+A@5'], []]);
  assert.equal(context.dropped.length, 0, 'no partner is no dropped record');
  assert.deepEqual([process(null, 'x', 7), process('a', null, 8), context.dropped.length], [[], [], 2]);
});

test('left: no row and a null key join null, a null value drops', () => {
  const context = table();
  const process = run(kstreamKTableJoin({ table: supplier, joiner, leftJoin: true })(), context);
  assert.deepEqual([process('b', 'x', 6), process(null, 'x', 7), process('a', null, 8)], [['b=b:x+null@6'], ['null=null:x+null@7'], []]);
  assert.equal(context.dropped.length, 1);
});

test('a global table is looked up by a key from the record', () => {
  const context = table();
  const keySelector = (_k: string, v: string) => (v === 'none' ? null : v);
  const inner = run(kstreamGlobalKTableJoin({ table: supplier, keySelector, joiner, leftJoin: false })(), context);
  assert.deepEqual([inner('k', 'a', 1), inner('k', 'none', 2), inner(null, 'a', 3)], [['k=k:a+A@1'], [], ['null=null:a+A@3']]);
  assert.equal(context.dropped.length, 1);
  const left = run(kstreamGlobalKTableJoin({ table: supplier, keySelector, joiner, leftJoin: true })(), context);
  assert.deepEqual(left('k', 'none', 2), ['k=k:none+null@2']);
});

test('a versioned table is read as of the record', () => {
  const store = new FakeVersionedStore<string>();
  store.put('a', 'old', 10);
  store.put('a', 'new', 20);
  const process = run(kstreamKTableJoin({ table: supplier, joiner, leftJoin: true })(), new FakeContext().with('t', store));
  assert.deepEqual([process('a', 'x', 9), process('a', 'x', 19), process('a', 'x', 20)], [['a=a:x+null@9'], ['a=a:x+old@19'], ['a=a:x+new@20']]);
});

class FakeBuffer {
  readonly graceMs: number;
  readonly waiting: [string, string, RecordContext][] = [];
  #streamTime = -1;

  constructor(graceMs: number) {
    this.graceMs = graceMs;
  }

  put(streamTime: number, key: string, value: string, context: RecordContext): boolean {
    this.#streamTime = streamTime;
    if (context.timestamp < streamTime - this.graceMs) return false;
    this.waiting.push([key, value, context]);
    return true;
  }

  evict(callback: EvictionCallback<string, string>): void {
    this.waiting.sort(([, , a], [, , b]) => a.timestamp - b.timestamp);
    while (this.waiting[0] !== undefined && this.waiting[0][2].timestamp <= this.#streamTime - this.graceMs)
      callback(...(this.waiting.shift() as [string, string, RecordContext]));
  }
}

test('with a grace period records wait, and join under their own context; what is too late joins at once', () => {
  const context = new FakeContext().with('t', new FakeVersionedStore()).with('b', new FakeBuffer(10));
  const process = run(kstreamKTableJoin({ table: supplier, joiner, leftJoin: true, graceMs: 10, bufferStoreName: 'b' })(), context);
  const seen: number[] = [];
  const forward = context.forward.bind(context);
  context.forward = (record) => {
    seen.push(context.recordContext.timestamp);
    forward(record);
  };
  const headers = [['h', null]] as const;
  assert.deepEqual(process('a', '1', 10, headers), []);
  assert.deepEqual(process('a', '2', 5), []);
  assert.deepEqual(process('a', '3', 20), ['a=a:2+null@5', 'a=a:1+null@10']);
  assert.deepEqual(seen, [5, 10]);
  assert.equal(context.recordContext.timestamp, 20);
  assert.deepEqual(process('a', '4', 9), ['a=a:4+null@9']);
  assert.throws(() => process(null, '5', 30), /without a key cannot wait/);
});

test('a grace period needs a versioned table', () => {
  const context = table().with('b', new FakeBuffer(10));
  assert.throws(
    () => run(kstreamKTableJoin({ table: supplier, joiner, leftJoin: true, graceMs: 10, bufferStoreName: 'b' })(), context),
    /needs a versioned table.*NODE/,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import { ktableSource, ktableToStream } from '../../src/operators/index.ts';
import { FakeContext, FakeKeyValueStore, FakeVersionedStore, run } from './fakes.ts';

test('without a store records become changes as they are', () => {
  const context = new FakeContext();
  const source = ktableSource({ storeName: 's', queryableName: null });
  const process = run(source.get(), context);
  assert.deepEqual([process('a', 'x', 5), process('a', null, 3), process(null, 'x', 1)], [['a=x<-null@5'], ['a=null<-null@3'], []]);
  assert.deepEqual([context.dropped.length, source.materialized], [1, false]);
});

test('asked for old values it takes a store only if forced', () => {
  const source = ktableSource({ storeName: 's', queryableName: null });
  assert.deepEqual([source.enableSendingOldValues(false), source.materialized], [false, false]);
  assert.deepEqual([source.enableSendingOldValues(true), source.queryableName], [true, 's']);
  const process = run(source.get(), new FakeContext().with('s', new FakeKeyValueStore()));
  assert.deepEqual([process('a', 'x', 5), process('a', 'y', 3), process('a', null, 9)], [['a=x<-null@5'], ['a=y<-x@3'], ['a=null<-y@9']]);
});

test('a versioned source says what is not the latest and does not send what is beyond the history', () => {
  const source = ktableSource({ storeName: 's', queryableName: 's' });
  const process = run(source.get(), new FakeContext().with('s', new FakeVersionedStore(10)));
  assert.deepEqual([process('a', 'x', 20), process('a', 'y', 15), process('a', 'z', 9)], [['a=x<-null@20'], ['a=y<-null!@15'], []]);
});

test('toStream sends new values, deletions as null', () => {
  const process = run(ktableToStream()(), new FakeContext());
  assert.deepEqual([process('a', new Change('x', 'old'), 1), process('a', new Change(null, 'old', false), 2)], [['a=x@1'], ['a=null@2']]);
});

test('undefined from a user function is a deletion', () => {
  const context = new FakeContext().with('s', new FakeKeyValueStore());
  const stored = run(ktableSource({ storeName: 's', queryableName: 's' }).get(), context);
  stored('a', 'x', 1);
  assert.deepEqual(stored('a', undefined, 2), ['a=null<-null@2']);
  assert.equal((context.stores.get('s') as FakeKeyValueStore<string>).get('a'), null);
  assert.deepEqual(run(ktableSource({ storeName: 's', queryableName: null }).get(), new FakeContext())('a', undefined, 2), ['a=null<-null@2']);
});

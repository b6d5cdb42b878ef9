import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import { ktableFilter } from '../../src/operators/index.ts';
import { storedValue } from '../../src/operators/table-store.ts';
import { FakeContext, FakeKeyValueStore, parentTable, run } from './fakes.ts';

const even = (_k: string, v: number) => v % 2 === 0;

test('over a table without a store each row that is not in is a tombstone', () => {
  const parent = parentTable('p', false);
  const filter = ktableFilter({ parent, predicate: even, filterNot: false, queryableName: null });
  assert.deepEqual(parent.asked, [false], 'old values are wanted only where they cost nothing');
  const process = run(filter.get(), new FakeContext());
  assert.deepEqual([process('a', new Change(2, null), 1), process('a', new Change(1, null), 2)], [['a=2<-null@1'], ['a=null<-null@2']]);
});

test('with old values needless tombstones are left out, except for versioned tables', () => {
  const filter = ktableFilter({ parent: parentTable('p'), predicate: even, filterNot: true, queryableName: null });
  const process = run(filter.get(), new FakeContext());
  assert.deepEqual(
    [process('a', new Change(2, null), 1), process('a', new Change(1, 2), 2), process('a', new Change(2, 1), 3)],
    [[], ['a=1<-null@2'], ['a=null<-1@3']],
  );
  filter.setUseVersionedSemantics(true);
  assert.deepEqual(run(filter.get(), new FakeContext())('a', new Change(2, null), 1), ['a=null<-null@1']);
});

test('materialised, the old value is the one in its own store', () => {
  const filter = ktableFilter({ parent: parentTable('p', false), predicate: even, filterNot: false, queryableName: 'f' });
  assert.equal(filter.enableSendingOldValues(false), true);
  const process = run(filter.get(), new FakeContext().with('f', new FakeKeyValueStore()));
  assert.deepEqual(
    [process('a', new Change(2, null), 1), process('a', new Change(4, null), 2), process('a', new Change(5, null), 3)],
    [['a=2<-null@1'], ['a=4<-2@2'], ['a=null<-4@3']],
  );
});

test('its view filters the rows of the table before it', () => {
  const store = new FakeKeyValueStore<number>();
  store.put('a', storedValue(1, 5));
  store.put('b', storedValue(2, 6));
  const view = ktableFilter({ parent: parentTable('p'), predicate: even, filterNot: false, queryableName: null }).view();
  const getter = view.get();
  getter.init(new FakeContext().with('p', store));
  assert.deepEqual([getter.get('a'), getter.get('b')?.timestamp, getter.get('c'), view.storeNames], [null, 6, null, ['p']]);
});

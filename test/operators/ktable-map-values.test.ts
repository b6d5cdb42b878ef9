import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import { ktableMapValues, ktableTransformValues } from '../../src/operators/index.ts';
import { storedValue } from '../../src/operators/table-store.ts';
import { FakeContext, FakeKeyValueStore, parentTable, run } from './fakes.ts';

const double = (v: number) => (v < 0 ? null : v * 2);

test('new and old value are mapped, deletions go on, a null result is one', () => {
  const table = ktableMapValues({ parent: parentTable('p'), mapper: double, queryableName: null });
  assert.deepEqual(run(table.get(), new FakeContext())('a', new Change(2, 1), 1), ['a=4<-null@1']);
  assert.equal(table.enableSendingOldValues(false), true);
  const process = run(table.get(), new FakeContext());
  assert.deepEqual(
    [process('a', new Change(2, 1), 1), process('a', new Change(null, 2, false), 2), process('a', new Change(-1, 2), 3)],
    [['a=4<-2@1'], ['a=null<-4!@2'], ['a=null<-4@3']],
  );
});

test('materialised, the result is stored and the old value read from there', () => {
  const store = new FakeKeyValueStore<number>();
  const table = ktableMapValues({ parent: parentTable('p'), mapper: double, queryableName: 'm' });
  table.enableSendingOldValues(false);
  const process = run(table.get(), new FakeContext().with('m', store));
  assert.deepEqual([process('a', new Change(2, 77), 1), process('a', new Change(3, 2), 9)], [['a=4<-null@1'], ['a=6<-4@9']]);
  assert.deepEqual(store.get('a')?.timestamp, 9);
});

test('old values are refused where the table before has none', () => {
  const table = ktableMapValues({ parent: parentTable('p', false), mapper: double, queryableName: null });
  assert.equal(table.enableSendingOldValues(false), false);
  assert.equal(table.enableSendingOldValues(true), true);
});

test('its view maps the rows of the table before it and keeps their time', () => {
  const store = new FakeKeyValueStore<number>();
  store.put('a', storedValue(2, 5));
  store.put('b', storedValue(-2, 6));
  const getter = ktableMapValues({ parent: parentTable('p'), mapper: double, queryableName: null })
    .view()
    .get();
  getter.init(new FakeContext().with('p', store));
  assert.deepEqual([getter.get('a')?.value, getter.get('a')?.timestamp, getter.get('b'), getter.get('c')], [4, 5, null, null]);
});

test('transformValues sees deletions, and a view gives it the time of the row it reads', () => {
  const store = new FakeKeyValueStore<string>();
  store.put('a', storedValue('x', 42));
  const context = new FakeContext().with('p', store);
  let times: number[] = [];
  const table = ktableTransformValues<string, string, string>({
    parent: parentTable('p'),
    queryableName: null,
    stateStoreNames: ['extra'],
    supplier: () => ({
      transform: (key, value) => {
        times.push(context.recordContext.timestamp);
        return `${key}:${value}`;
      },
    }),
  });
  table.enableSendingOldValues(true);
  assert.deepEqual(run(table.get(), context)('a', new Change<string>(null, 'x'), 7), ['a=a:null<-a:x@7']);
  times = [];
  const getter = table.view().get();
  getter.init(context);
  assert.deepEqual([getter.get('a')?.value, getter.get('b')?.value, times], ['a:x', 'b:null', [42, -1]]);
  assert.equal(context.recordContext.timestamp, 7, 'the context is put back');
  assert.deepEqual(table.view().storeNames, ['p', 'extra']);
});

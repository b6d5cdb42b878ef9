import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import { countAggregator, countInitializer, countSubtractor, ktableAggregate, ktableReduce, ktableRepartitionMap } from '../../src/operators/index.ts';
import { FakeContext, FakeKeyValueStore, parentTable, run } from './fakes.ts';

test('subtract the old, then add the new; a count goes to 0', () => {
  const table = ktableAggregate({ storeName: 's', initializer: countInitializer, adder: countAggregator, subtractor: countSubtractor });
  table.enableSendingOldValues(true);
  const process = run(table.get(), new FakeContext().with('s', new FakeKeyValueStore()));
  assert.deepEqual(process('g', new Change('x', null), 5), ['g=1<-null@5']);
  assert.deepEqual(process('g', new Change('y', 'x'), 3), ['g=1<-1@5']);
  assert.deepEqual(process('g', new Change<string>(null, 'y'), 9), ['g=0<-1@9']);
});

test('an old value without a row is not subtracted', () => {
  const table = ktableAggregate({ storeName: 's', initializer: countInitializer, adder: countAggregator, subtractor: countSubtractor });
  assert.deepEqual(run(table.get(), new FakeContext().with('s', new FakeKeyValueStore()))('g', new Change<string>(null, 'x'), 5), ['g=null<-null@5']);
});

test('order and empty groups of an aggregate', () => {
  const table = ktableAggregate<string, string, string>({
    storeName: 's',
    initializer: () => '0',
    adder: (_k, v, a) => `${a}+${v}`,
    subtractor: (_k, v, a) => (v === 'last' ? (null as unknown as string) : `${a}-${v}`),
  });
  const process = run(table.get(), new FakeContext().with('s', new FakeKeyValueStore()));
  process('g', new Change('x', null), 5);
  assert.deepEqual(process('g', new Change('y', 'x'), 7), ['g=0+x-x+y<-null@7']);
  assert.deepEqual(process('g', new Change('z', 'last'), 1), ['g=0+z<-null@7'], 'subtracted to nothing: the initializer again');
  assert.deepEqual(process('g', new Change<string>(null, 'last'), 8), ['g=null<-null@8']);
});

test('reduce takes the first value as it is', () => {
  const table = ktableReduce<string, string>({ storeName: 's', adder: (a, v) => `${a}+${v}`, subtractor: (a, v) => `${a}-${v}` });
  const process = run(table.get(), new FakeContext().with('s', new FakeKeyValueStore()));
  assert.deepEqual([process('g', new Change('x', null), 5), process('g', new Change('y', 'x'), 3)], [['g=x<-null@5'], ['g=x-x+y<-null@5']]);
});

test('a group without a key is an error', () => {
  const table = ktableReduce<string, string>({ storeName: 's', adder: (a) => a, subtractor: (a) => a });
  assert.throws(() => run(table.get(), new FakeContext().with('s', new FakeKeyValueStore()))(null, new Change('x', null), 1), /no key.*store s/);
});

test('groupBy: one record where the key stays, old before new where it changes, null keys and values left out', () => {
  const map = ktableRepartitionMap<string, string, string | null, string | null>({
    parent: parentTable('p'),
    mapper: (_k, v) => (v === 'nokey' ? [null, v] : v === 'novalue' ? ['g', null] : [v[0] as string, v]),
  });
  const process = run(map.get(), new FakeContext());
  assert.deepEqual(process('k', new Change('x1', null), 1), ['x=x1<-null@1']);
  assert.deepEqual(process('k', new Change('x2', 'x1'), 2), ['x=x2<-x1@2']);
  assert.deepEqual(process('k', new Change('y1', 'x2'), 3), ['x=null<-x2@3', 'y=y1<-null@3']);
  assert.deepEqual(process('k', new Change('nokey', 'y1'), 4), ['y=null<-y1@4']);
  assert.deepEqual(process('k', new Change('y3', 'novalue'), 5), ['y=y3<-null@5']);
  assert.deepEqual(process('k', new Change<string>(null, null), 6), []);
});

test('groupBy of a versioned table skips what is not the latest', () => {
  const map = ktableRepartitionMap<string, string, string, string>({ parent: parentTable('p'), mapper: (_k, v) => [v, v] });
  assert.equal(run(map.get(), new FakeContext())('k', new Change('x', null, false), 1).length, 1);
  map.setUseVersionedSemantics(true);
  assert.equal(run(map.get(), new FakeContext())('k', new Change('x', null, false), 1).length, 0);
});

test('group keys are equal by value', () => {
  const map = ktableRepartitionMap<string, string, { g: string } | Buffer, string>({
    parent: parentTable('p'),
    mapper: (_k, v) => [v.length > 2 ? Buffer.from('b') : { g: 'o' }, v],
  });
  const process = run(map.get(), new FakeContext());
  assert.equal(process('k', new Change('a', 'b'), 1).length, 1);
  assert.equal(process('k', new Change('aaa', 'bbb'), 1).length, 1);
  assert.equal(process('k', new Change('a', 'bbb'), 1).length, 2);
});

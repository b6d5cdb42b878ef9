import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import { ktableInnerJoin, ktableJoinMerger, ktableLeftJoin, ktableOuterJoin, ktableRightJoin, reverseJoiner } from '../../src/operators/index.ts';
import { storedValue } from '../../src/operators/table-store.ts';
import { FakeContext, FakeKeyValueStore, FakeVersionedStore, parentTable, run } from './fakes.ts';

const joiner = (l: string | null, r: string | null) => `${l}+${r}`;
const KINDS = { inner: ktableInnerJoin, left: ktableLeftJoin, right: ktableRightJoin, outer: ktableOuterJoin };

/** What one side forwards for an insert, an update, a deletion, and a deletion of nothing, with and without a row on the other side. */
function sides(kind: keyof typeof KINDS, sendOldValues: boolean): { withOther: string[][]; withoutOther: string[][] } {
  const results = [true, false].map((other) => {
    const store = new FakeKeyValueStore<string>();
    if (other) store.put('k', storedValue('R', 50));
    const table1 = parentTable('t1');
    const join = KINDS[kind]<string, string | null, string | null, string>({ table1, table2: parentTable('t2'), joiner });
    if (sendOldValues) {
      assert.equal(join.enableSendingOldValues(false), true);
      assert.deepEqual(table1.asked, [true], 'a join has its inputs materialised');
    }
    const process = run(join.get(), new FakeContext().with('t2', store));
    return [new Change('n', null), new Change('n', 'o'), new Change<string>(null, 'o'), new Change<string>(null, null)].map((change) =>
      process('k', change, 60),
    );
  });
  return { withOther: results[0] as string[][], withoutOther: results[1] as string[][] };
}

test('inner', () => {
  assert.deepEqual(sides('inner', true), {
    withOther: [['k=n+R<-null@60'], ['k=n+R<-o+R@60'], ['k=null<-o+R@60'], ['k=null<-null@60']],
    withoutOther: [[], [], [], []],
  });
  assert.deepEqual(sides('inner', false).withOther, [['k=n+R<-null@60'], ['k=n+R<-null@60'], ['k=null<-null@60'], ['k=null<-null@60']]);
});

test('left', () => {
  assert.deepEqual(sides('left', true), {
    withOther: [['k=n+R<-null@60'], ['k=n+R<-o+R@60'], ['k=null<-o+R@60'], ['k=null<-null@60']],
    withoutOther: [['k=n+null<-null@60'], ['k=n+null<-o+null@60'], ['k=null<-o+null@60'], []],
  });
});

test('right: the right table of a left join, whose row may come and go', () => {
  assert.deepEqual(sides('right', true), {
    withOther: [['k=n+R<-null+R@60'], ['k=n+R<-o+R@60'], ['k=null+R<-o+R@60'], ['k=null+R<-null+R@60']],
    withoutOther: [[], [], [], []],
  });
});

test('outer', () => {
  assert.deepEqual(sides('outer', true), {
    withOther: [['k=n+R<-null+R@60'], ['k=n+R<-o+R@60'], ['k=null+R<-o+R@60'], ['k=null+R<-null+R@60']],
    withoutOther: [['k=n+null<-null@60'], ['k=n+null<-o+null@60'], ['k=null<-o+null@60'], []],
  });
});

test('the timestamp is the higher of both rows', () => {
  const store = new FakeKeyValueStore<string>();
  store.put('k', storedValue('R', 50));
  const join = ktableInnerJoin<string, string | null, string | null, string>({ table1: parentTable('t1'), table2: parentTable('t2'), joiner });
  assert.deepEqual(run(join.get(), new FakeContext().with('t2', store))('k', new Change('n', null), 40), ['k=n+R<-null@50']);
});

test('null keys drop; so do out-of-order updates of versioned tables', () => {
  const join = ktableOuterJoin<string, string | null, string | null, string>({ table1: parentTable('t1'), table2: parentTable('t2'), joiner });
  join.setUseVersionedSemantics(true);
  const context = new FakeContext().with('t2', new FakeKeyValueStore());
  const process = run(join.get(), context);
  assert.deepEqual([process(null, new Change('n', null), 1), process('k', new Change('n', null, false), 1), context.dropped.length], [[], [], 2]);
});

test('views join the rows of both tables', () => {
  const left = new FakeKeyValueStore<string>();
  const right = new FakeKeyValueStore<string>();
  left.put('both', storedValue('l', 5));
  right.put('both', storedValue('r', 9));
  left.put('left', storedValue('l', 6));
  right.put('right', storedValue('r', 7));
  const context = new FakeContext().with('t1', left).with('t2', right);
  const read = (kind: keyof typeof KINDS) => {
    const view = KINDS[kind]<string, string | null, string | null, string>({ table1: parentTable('t1'), table2: parentTable('t2'), joiner }).view();
    assert.deepEqual(view.storeNames, ['t1', 't2']);
    const getter = view.get();
    getter.init(context);
    return ['both', 'left', 'right', 'none'].map((key) => {
      const row = getter.get(key);
      return row === null ? null : `${row.value}@${row.timestamp}`;
    });
  };
  assert.deepEqual(read('inner'), ['l+r@9', null, null, null]);
  assert.deepEqual(read('left'), ['l+r@9', 'l+null@6', null, null]);
  assert.deepEqual(read('right'), ['l+r@9', null, 'null+r@7', null]);
  assert.deepEqual(read('outer'), ['l+r@9', 'l+null@6', 'null+r@7', null]);
});

test('the other side is called with the reversed joiner', () => {
  assert.equal(reverseJoiner((l: string, r: string, key: string) => `${key}:${l}+${r}`)('R', 'L', 'k'), 'k:L+R');
});

test('the merger stores the result, or lets old values through only if they are wanted', () => {
  const parents = () => ({
    parent1: ktableInnerJoin<string, string | null, string | null, string>({ table1: parentTable('t1'), table2: parentTable('t2'), joiner }),
    parent2: ktableInnerJoin<string, string | null, string | null, string>({ table1: parentTable('t2'), table2: parentTable('t1'), joiner }),
  });
  const plain = ktableJoinMerger<string, string>({ ...parents(), queryableName: null } as never);
  assert.deepEqual(run(plain.get(), new FakeContext())('k', new Change('n', 'o'), 1), ['k=n<-null@1']);
  plain.enableSendingOldValues(false);
  assert.deepEqual(run(plain.get(), new FakeContext())('k', new Change('n', 'o', false), 1), ['k=n<-o!@1']);
  assert.deepEqual(plain.view().storeNames, ['t1', 't2']);

  const store = new FakeVersionedStore<string>(10);
  const stored = ktableJoinMerger<string, string>({ ...parents(), queryableName: 's' } as never);
  const process = run(stored.get(), new FakeContext().with('s', store));
  assert.deepEqual(
    [process('k', new Change('n', null), 30), process('k', new Change('m', 'n'), 25), process('k', new Change('x', 'n'), 5)],
    [['k=n<-null@30'], ['k=m<-null!@25'], []],
  );
  assert.deepEqual(stored.view().storeNames, ['s']);
});

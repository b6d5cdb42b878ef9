import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JoinWindowSpec, kstreamJoinWindow, kstreamKStreamJoin, kstreamKStreamSelfJoin, streamJoinTimeTrackers } from '../../src/operators/index.ts';
import type { UnmatchedRecord } from '../../src/state/contract/special-stores.ts';
import { FakeContext, FakeWindowStore, run } from './fakes.ts';

const joiner = (l: string | null, r: string | null) => `${l}+${r}`;

class FakeOuterStore {
  readonly entries: UnmatchedRecord<string, string>[] = [];
  readonly log: string[] = [];

  add(key: string, timestamp: number, leftSide: boolean, value: string): void {
    this.entries.push({ key, timestamp, leftSide, value });
  }

  remove(key: string, timestamp: number, leftSide: boolean): void {
    this.log.push(`remove ${leftSide ? 'L' : 'R'} ${key}@${timestamp}`);
    this.#delete(key, timestamp, leftSide);
  }

  removeIfPresent(key: string, timestamp: number, leftSide: boolean): void {
    this.#delete(key, timestamp, leftSide);
  }

  get oldest(): number {
    return Math.min(...this.entries.map(({ timestamp }) => timestamp));
  }

  *all(): IterableIterator<UnmatchedRecord<string, string>> {
    yield* [...this.entries].sort((a, b) => a.timestamp - b.timestamp || Number(a.leftSide) - Number(b.leftSide) || (a.key < b.key ? -1 : 1));
  }

  #delete(key: string, timestamp: number, leftSide: boolean): void {
    const kept = this.entries.filter((e) => e.key !== key || e.timestamp !== timestamp || e.leftSide !== leftSide);
    this.entries.splice(0, this.entries.length, ...kept);
  }
}

/** Both sides as the DSL wires them: each side's window node before its join. */
function setUp(windows: JoinWindowSpec, leftOuter: boolean, rightOuter: boolean, emitIntervalMs = 0) {
  const outer = new FakeOuterStore();
  const context = new FakeContext().with('l', new FakeWindowStore(true)).with('r', new FakeWindowStore(true)).with('o', outer);
  context.settings.set('emitIntervalMs', emitIntervalMs);
  const timeTrackers = streamJoinTimeTrackers();
  const outerJoinStoreName = leftOuter || rightOuter ? 'o' : null;
  const sides = [true, false].map((leftSide) => {
    const join = run(
      kstreamKStreamJoin<string, string, string, string>({
        leftSide,
        windows,
        joiner: joiner as (l: string, r: string) => string,
        outer: leftSide ? leftOuter : rightOuter,
        otherWindowStoreName: leftSide ? 'r' : 'l',
        outerJoinStoreName,
        timeTrackers,
      })(),
      context,
    );
    const store = run(
      kstreamJoinWindow(leftSide ? 'l' : 'r')(),
      Object.assign(new FakeContext().with(leftSide ? 'l' : 'r', context.stores.get(leftSide ? 'l' : 'r')), {}),
    );
    return (key: string | null, value: string | null, ts: number) => {
      const results = join(key, value, ts);
      store(key, value, ts);
      return results;
    };
  });
  return { context, outer, left: sides[0] as NonNullable<(typeof sides)[0]>, right: sides[1] as NonNullable<(typeof sides)[0]> };
}

const around = (ms: number, graceMs: number): JoinWindowSpec => ({ beforeMs: ms, afterMs: ms, graceMs });

test('inner: each pair in the window, the higher timestamp; null keys and values drop', () => {
  const { context, left, right } = setUp(around(10, 0), false, false);
  assert.deepEqual(left('a', 'l1', 10), []);
  assert.deepEqual(left('a', 'l2', 10), []);
  assert.deepEqual(right('a', 'r', 5), ['a=l1+r@10', 'a=l2+r@10']);
  assert.deepEqual(right('a', 'r2', 21), []);
  assert.deepEqual([left(null, 'x', 1), right('a', null, 1), context.dropped.length], [[], [], 2]);
});

test('inner with before and after: right within [left - before, left + after]', () => {
  const { left, right } = setUp({ beforeMs: -2, afterMs: 8, graceMs: 0 }, false, false);
  left('a', 'l', 10);
  assert.deepEqual([right('a', 'r', 11), right('a', 'r', 12), right('a', 'r', 18), right('a', 'r', 19)], [[], ['a=l+r@12'], ['a=l+r@18'], []]);
});

test("left: an unmatched record leaves when its window has closed, with its own time and the trigger's headers", () => {
  const { outer, left, right } = setUp(around(10, 5), true, false);
  assert.deepEqual(left('a', 'l1', 10), []);
  assert.deepEqual(left('b', 'l2', 11), []);
  assert.deepEqual(right('b', 'r', 12), ['b=l2+r@12'], 'a match takes it out');
  assert.deepEqual(left('c', 'x', 25), []);
  assert.deepEqual(right('c', 'x', 26), ['a=l1+null@10', 'c=x+x@26']);
  assert.deepEqual(outer.log, ['remove L a@10']);
});

test('left: the right side alone gives nothing', () => {
  const { right } = setUp(around(1, 0), true, false);
  assert.deepEqual([right('a', 'r', 1), right('a', 'r', 100)], [[], []]);
});

test('outer: a null key with a value is emitted at once on both sides, a null value drops', () => {
  const { context, left, right } = setUp(around(10, 0), true, true);
  assert.deepEqual([left(null, 'l', 1), right(null, 'r', 2), left('a', null, 3)], [['null=l+null@1'], ['null=null+r@2'], []]);
  assert.equal(context.dropped.length, 1);
});

test('outer, asymmetric: the sides close at different times', () => {
  const { left, right } = setUp({ beforeMs: 2, afterMs: 10, graceMs: 0 }, true, true);
  left('a', 'l', 10);
  right('b', 'r', 10);
  assert.deepEqual(left('y', 'y', 13), [], 'each side looks only when something of its own may have closed, as in Java');
  assert.deepEqual(right('z', 'z', 13), ['b=null+r@10'], 'right closes after `before`');
  assert.deepEqual(left('w', 'w', 24), ['a=l+null@10', 'z=null+z@13', 'y=y+null@13']);
});

test('outer: a late record whose probe range has passed is emitted at once', () => {
  const { outer, left } = setUp(around(10, 0), true, true);
  left('a', 'x', 100);
  assert.deepEqual(left('b', 'late', 89), ['b=late+null@89']);
  assert.deepEqual(left('b', 'not so late', 90), []);
  assert.equal(outer.entries.length, 2);
});

test('several unmatched records of one key and time all leave, and are removed together', () => {
  const { outer, left } = setUp(around(1, 0), true, false);
  left('a', '1', 5);
  left('a', '2', 5);
  assert.deepEqual(left('z', 'z', 50), ['a=1+null@5', 'a=2+null@5']);
  assert.deepEqual(outer.log, ['remove L a@5']);
});

test('unmatched records are looked for once an emit interval', () => {
  const { context, left } = setUp(around(1, 0), true, false, 1000);
  left('a', '1', 5);
  context.now = 999;
  assert.deepEqual(left('z', 'z', 50), []);
  context.now = 1000;
  assert.deepEqual(left('z', 'z', 60), ['a=1+null@5', 'z=z+null@50']);
});

test('after a restart unmatched records in the store are found', () => {
  const outer = new FakeOuterStore();
  outer.add('a', 5, true, 'old');
  const context = new FakeContext().with('r', new FakeWindowStore(true)).with('o', outer);
  const options = {
    leftSide: true,
    windows: around(1, 0),
    joiner,
    outer: true,
    otherWindowStoreName: 'r',
    outerJoinStoreName: 'o',
    timeTrackers: streamJoinTimeTrackers(),
  };
  const left = run(kstreamKStreamJoin<string, string | null, string | null, string>(options)(), context);
  assert.deepEqual(left('b', 'x', 50), ['a=old+null@5']);
});

test('both sides of a task share a time tracker; a task that starts again gets a new one', () => {
  const trackers = streamJoinTimeTrackers();
  const left = trackers.take('0_0', true);
  assert.notEqual(trackers.take('0_1', true), left);
  assert.equal(trackers.take('0_0', false), left);
  const again = trackers.take('0_0', false);
  assert.notEqual(again, left);
  assert.equal(trackers.take('0_0', true), again);
  assert.notEqual(trackers.take('0_0', true), trackers.take('0_0', true), 'a side that starts twice does not meet itself');
});

test('a join window forwards, then stores; a null key or value is not stored', () => {
  const store = new FakeWindowStore<string>(true);
  const context = new FakeContext().with('w', store);
  const processor = kstreamJoinWindow<string, string>('w')();
  const sizes: number[] = [];
  const process = run(processor, context);
  context.forward = () => sizes.push(store.rows.length);
  process('a', 'x', 1);
  process(null, 'x', 1);
  process('a', null, 1);
  assert.deepEqual([sizes, store.rows.length], [[0, 1, 1], 1]);
});

test('self join: the order of the join over two stores', () => {
  const store = new FakeWindowStore<string>(true);
  const context = new FakeContext().with('w', store);
  const join = run(kstreamKStreamSelfJoin<string, string, string>({ windows: around(5, 3), joiner: (l, r) => l + r, windowStoreName: 'w' })(), context);
  const feed = (key: string | null, value: string | null, ts: number) => {
    const results = join(key, value, ts);
    if (key !== null) store.put(key, value, ts);
    return results;
  };
  assert.deepEqual(feed('a', '1', 10), ['a=11@10']);
  assert.deepEqual(feed('a', '2', 12), ['a=21@12', 'a=12@12', 'a=22@12']);
  assert.deepEqual(feed('a', '0', 9), ['a=01@10', 'a=02@12', 'a=00@9', 'a=10@10', 'a=20@12']);
  feed('z', 'z', 40);
  assert.deepEqual(feed('a', 'late', 28), [], 'an expired record does not join itself');
  assert.deepEqual([feed(null, 'x', 1), context.dropped.length], [[], 1]);
});

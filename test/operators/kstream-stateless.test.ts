import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  kstreamBranch,
  kstreamFilter,
  kstreamFlatMap,
  kstreamFlatMapValues,
  kstreamForeach,
  kstreamMap,
  kstreamMapValues,
  kstreamPassThrough,
  kstreamPeek,
  kstreamPrint,
  kstreamRepartitionFilter,
  kstreamSelectKey,
} from '../../src/operators/index.ts';
import { StreamRecord } from '../../src/processor/record.ts';
import { FakeContext, run } from './fakes.ts';

const HEADERS = [['h', Buffer.from('v')]] as const;

test('filter forwards the very record, filterNot the others', () => {
  const keep = run(kstreamFilter<string, number>((_k, v) => v > 1, false)(), new FakeContext());
  assert.deepEqual([keep('a', 1, 5), keep('a', 2, 6)], [[], ['a=2@6']]);
  const drop = run(kstreamFilter<string, number>((_k, v) => v > 1, true)(), new FakeContext());
  assert.deepEqual([drop('a', 1, 5), drop('a', 2, 6)], [['a=1@5'], []]);
});

test('a filtered record is not copied', () => {
  const context = new FakeContext();
  const processor = kstreamFilter(() => true, false)();
  const seen: unknown[] = [];
  context.forward = (record) => seen.push(record);
  processor.init?.(context);
  const record = new StreamRecord('k', 'v', 1);
  processor.process(record);
  assert.equal(seen[0], record);
});

test('map, mapValues, selectKey keep time and headers', () => {
  for (const [supplier, expected] of [
    [kstreamMap<string, string, string, string>((k, v) => [v, k]), { key: 'v', value: 'k', ts: 7, headers: HEADERS }],
    [kstreamMapValues<string, string, string>((v, k) => k + v), { key: 'k', value: 'kv', ts: 7, headers: HEADERS }],
    [kstreamSelectKey<string, string, string>((k, v) => v + k), { key: 'vk', value: 'v', ts: 7, headers: HEADERS }],
  ] as const) {
    const context = new FakeContext();
    const processor = supplier();
    processor.init?.(context);
    processor.process(new StreamRecord('k', 'v', 7, HEADERS));
    assert.deepEqual(context.forwarded, [expected]);
  }
});

test('a map that returns nothing says what it should return', () => {
  const process = run(kstreamMap(() => undefined as unknown as [string, string])(), new FakeContext());
  assert.throws(() => process('a', 1, 1), /must return \[key, value\]/);
});

test('flatMap and flatMapValues send each result', () => {
  const pairs = run(kstreamFlatMap<string, number, string, number>((k, v) => Array.from({ length: v }, (_, i) => [k + i, i] as const))(), new FakeContext());
  assert.deepEqual([pairs('a', 0, 1), pairs('a', 2, 2)], [[], ['a0=0@2', 'a1=1@2']]);
  const values = run(kstreamFlatMapValues<string, string, string>((v) => v.split(' '))(), new FakeContext());
  assert.deepEqual(values('a', 'x y', 3), ['a=x@3', 'a=y@3']);
  assert.throws(() => run(kstreamFlatMapValues(() => null as unknown as string[])(), new FakeContext())('a', 'x', 1), /\[\] for no record/);
});

test('branch: the first true predicate, then the default child, else nothing', () => {
  const predicates = [(_k: string, v: number) => v > 10, (_k: string, v: number) => v > 5];
  const withDefault = new FakeContext();
  const process = run(kstreamBranch(predicates, ['big', 'middle', 'rest'])(), withDefault);
  for (const value of [11, 6, 1]) {
    withDefault.forward = function (record, child) {
      this.forwarded.push({ key: record.key, value: child, ts: record.timestamp, headers: [] });
    };
    assert.deepEqual(process('k', value, 0), [`k=${value > 10 ? 'big' : value > 5 ? 'middle' : 'rest'}@0`]);
  }
  assert.deepEqual(run(kstreamBranch(predicates, ['big', 'middle'])(), new FakeContext())('k', 1, 0), []);
});

test('branch reads its lists when the task starts', () => {
  const children: string[] = [];
  const supplier = kstreamBranch([() => true], children);
  children.push('late');
  const context = new FakeContext();
  run(supplier(), context);
  supplier().init?.(context);
  const processor = supplier();
  processor.init?.(context);
  processor.process(new StreamRecord('k', 'v', 0));
  assert.equal(context.forwarded[0]?.child, 'late');
});

test('peek goes on, foreach ends', () => {
  const seen: string[] = [];
  assert.deepEqual(run(kstreamPeek<string, string>((k, v) => seen.push(k + v))(), new FakeContext())('a', 'b', 1), ['a=b@1']);
  assert.deepEqual(run(kstreamForeach<string, string>((k, v) => seen.push(v + k))(), new FakeContext())('a', 'b', 1), []);
  assert.deepEqual(seen, ['ab', 'ba']);
});

test('print writes a line with its label', () => {
  const lines: string[] = [];
  run(kstreamPrint({ label: 'L', write: (line) => lines.push(line) })(), new FakeContext())('k', { a: 1 }, 0);
  run(kstreamPrint<string, number>({ label: 'M', mapper: (k, v) => `${k}/${v}`, write: (line) => lines.push(line) })(), new FakeContext())('k', 1, 0);
  assert.deepEqual(lines, ['[L]: k, {"a":1}', '[M]: k/1']);
});

test('the filter before a repartition drops null keys and does not count them', () => {
  const context = new FakeContext();
  const process = run(kstreamRepartitionFilter()(), context);
  assert.deepEqual([process(null, 'v', 1), process('', 'v', 1), process('k', null, 1)], [[], ['=v@1'], ['k=null@1']]);
  assert.deepEqual(context.dropped, []);
});

test('a pass-through passes through', () => {
  assert.deepEqual(run(kstreamPassThrough()(), new FakeContext())(null, null, 3), ['null=null@3']);
});

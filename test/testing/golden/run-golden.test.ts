import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serdes } from '../../../src/serdes/serdes.ts';
import { type GoldenCase, type GoldenTopology, runGolden } from '../../../src/testing/golden/index.ts';

/** `in` → upper case → `out`, and a count of each key in `counts`. */
const upperAndCount: GoldenTopology = (builder) => {
  const stream = builder.stream<string, string>('in', { key: serdes.string, value: serdes.string });
  stream.mapValues((value) => value.toUpperCase()).to('out', { key: serdes.string, value: serdes.string });
  stream.groupByKey().count({ store: 'counts', key: serdes.string, value: serdes.long });
};

const DESCRIBE = `Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000000 (topics: [in])
      --> KSTREAM-MAPVALUES-0000000001, KSTREAM-AGGREGATE-0000000003
    Processor: KSTREAM-MAPVALUES-0000000001 (stores: [])
      --> KSTREAM-SINK-0000000002
      <-- KSTREAM-SOURCE-0000000000
    Processor: KSTREAM-AGGREGATE-0000000003 (stores: [counts])
      --> none
      <-- KSTREAM-SOURCE-0000000000
    Sink: KSTREAM-SINK-0000000002 (topic: out)
      <-- KSTREAM-MAPVALUES-0000000001

`;

const golden: GoldenCase = {
  name: 'upper-and-count',
  variant: 'hand',
  feature: 'test of the runner',
  kafkaStreams: '4.3.0',
  config: { 'statestore.cache.max.bytes': 0 },
  describe: DESCRIBE,
  inputs: { in: { key: 'string', value: 'string' } },
  outputs: { out: { key: 'string', value: 'string' } },
  steps: [{ pipe: { topic: 'in', key: 'k', value: 'a', ts: 5, headers: [['h', '01']] } }, { pipe: { topic: 'in', key: null, value: 'b', ts: 6 } }],
  expected: [
    [
      { topic: 'golden-counts-changelog', keyHex: '6b', valueHex: '0000000000000001', ts: 5 },
      { topic: 'out', keyHex: '6b', valueHex: '41', ts: 5, headers: [['h', '01']] },
    ],
    [{ topic: 'out', keyHex: null, valueHex: '42', ts: 6 }],
  ],
  stores: { counts: [{ keyHex: '6b', key: 'k', value: 1, ts: 5 }] },
  metrics: { 'dropped-records-total': 1 },
};

function messages(changed: Partial<GoldenCase>, build: GoldenTopology = upperAndCount): string[] {
  return runGolden({ ...golden, ...changed }, build).map(({ step, message }) => `${step ?? '-'}: ${message}`);
}

/** The case with one of its expected records changed. */
function withRecord(change: object): Partial<GoldenCase> {
  return { expected: [[golden.expected[0]?.[0] as never, { ...golden.expected[0]?.[1], ...change } as never], golden.expected[1] as never] };
}

test('a run that equals its case has no differences', () => {
  assert.deepEqual(messages({}), []);
});

test('every part of a record counts: key, value, time, headers', () => {
  const actual = '\n      actual   6b "k" = 41 "A" @5 headers h=01';
  assert.deepEqual(messages(withRecord({ keyHex: '6c' })), [`0: topic out, record 0\n      expected 6c "l" = 41 "A" @5 headers h=01${actual}`]);
  assert.deepEqual(messages(withRecord({ valueHex: null })), [`0: topic out, record 0\n      expected 6b "k" = null @5 headers h=01${actual}`]);
  assert.deepEqual(messages(withRecord({ ts: 4 })), [`0: topic out, record 0\n      expected 6b "k" = 41 "A" @4 headers h=01${actual}`]);
  assert.deepEqual(messages(withRecord({ headers: undefined })), [`0: topic out, record 0\n      expected 6b "k" = 41 "A" @5${actual}`]);
  assert.deepEqual(messages(withRecord({ headers: [['h', '*']] })), [], 'a star is any value');
});

test('records that are missing, or too many, are differences, in changelogs too', () => {
  const changelog = golden.expected[0]?.[0] as never;
  const out = golden.expected[0]?.[1] as never;
  assert.deepEqual(messages({ expected: [[out], golden.expected[1] as never] }), [
    '0: topic golden-counts-changelog, record 0\n      expected nothing\n      actual   6b "k" = 0000000000000001 @5',
  ]);
  assert.deepEqual(messages({ expected: [[changelog, out, out], golden.expected[1] as never] }).length, 1);
});

test('stores, dropped records and the description count', () => {
  assert.deepEqual(messages({ stores: { counts: [], other: [] } }), [
    '-: store counts, entry 0\n      expected nothing\n      actual   {"key":"k","value":1,"ts":5}',
    '-: there is no store other',
  ]);
  assert.deepEqual(messages({ metrics: { 'dropped-records-total': 0 } }), ['-: dropped-records-total: expected 0, actual 1']);
  assert.deepEqual(messages({ describe: DESCRIBE.replace('topic: out', 'topic: elsewhere') }), [
    '-: describe() differs at line 11\n      expected     Sink: KSTREAM-SINK-0000000002 (topic: elsewhere)\n      actual       Sink: KSTREAM-SINK-0000000002 (topic: out)',
  ]);
});

test('a step that should fail has to, and no other may', () => {
  assert.deepEqual(messages({ error: { step: 1, rootMessage: 'boom' } }), ['1: should fail as in Java: boom']);
  const failing: GoldenTopology = (builder) => {
    builder.stream<string, string>('in', { key: serdes.string, value: serdes.string }).foreach(() => assert.fail('boom'));
  };
  const [description, failure, ...rest] = messages({}, failing);
  assert.match(description ?? '', /describe\(\) differs/);
  assert.match(failure ?? '', /^0: failed: ProcessingError: .*boom.*offset 0/);
  assert.deepEqual(rest, []);
});

test('building has to fail where it failed in Java, and only there', () => {
  assert.deepEqual(messages({ buildError: { message: 'no' } }), ['-: building the topology should fail as in Java: no']);
  const broken: GoldenTopology = () => assert.fail('cannot build');
  assert.deepEqual(messages({ buildError: { message: 'no' } }, broken), []);
  assert.match(messages({}, broken)[0] ?? '', /building the topology failed: .*cannot build/);
});

test('a configuration key that has no counterpart is an error, not ignored', () => {
  assert.throws(() => messages({ config: { 'some.key': 1 } }), /The golden case sets some.key, which the runner does not know/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../../src/operators/change.ts';
import { murmur3Hash128 } from '../../../src/operators/fk/murmur3.ts';
import {
  combinedKeySchema,
  foreignTableJoin,
  Instruction,
  materializedGetterSupplier,
  responseJoin,
  responsePartitioner,
  type SubscriptionWrapper,
  subscriptionJoin,
  subscriptionReceive,
  subscriptionResponseSerde,
  subscriptionSend,
  subscriptionWrapper,
  subscriptionWrapperSerde,
} from '../../../src/operators/index.ts';
import { storedValue } from '../../../src/operators/table-store.ts';
import { StreamRecord } from '../../../src/processor/record.ts';
import type { Serde } from '../../../src/serdes/serde.ts';
import { FakeContext, FakeKeyValueStore, FakeVersionedStore, run, utf8 } from '../fakes.ts';

const schema = combinedKeySchema<string, string>({ foreignKeySerde: utf8, foreignKeyTopic: () => 'fk', primaryKeySerde: undefined, primaryKeyTopic: 'pk' });
const hash = (value: string): Buffer => murmur3Hash128(Buffer.from(value));

function sender(leftJoin: boolean, versioned = false) {
  const context = new FakeContext();
  const send = subscriptionSend<string, string, string>({
    extractor: (v) => (v.startsWith('n') ? null : (v[0] as string)),
    foreignKeySerde: utf8,
    foreignKeySerdeTopic: 'fk',
    valueSerde: utf8,
    valueSerdeTopic: 'v',
    leftJoin,
  });
  send.setUseVersionedSemantics(versioned);
  const processor = send.get();
  processor.init?.(context);
  const names = Object.keys(Instruction);
  return {
    context,
    process: (newValue: string | null, oldValue: string | null, isLatest = true) => {
      processor.process(new StreamRecord('pk', new Change(newValue, oldValue, isLatest), 1));
    },
    take: () =>
      context.forwarded
        .splice(0)
        .map(({ key, value }) => `${key}:${names[value.instruction]}:${value.hash === null ? 'null' : value.hash.equals(hash('fx')) ? 'fx' : 'other'}`),
  };
}

test('inner: which subscriptions a change sends', () => {
  const { context, process, take } = sender(false);
  const sends = (newValue: string | null, oldValue: string | null) => {
    process(newValue, oldValue);
    return take();
  };
  assert.deepEqual(sends('fx', null), ['f:PROPAGATE_ONLY_IF_FOUND:fx']);
  assert.deepEqual(sends('fx', 'fy'), ['f:PROPAGATE_ONLY_IF_FOUND:fx'], 'the key stays');
  assert.deepEqual(sends('fx', 'gy'), ['g:DELETE_NO_PROPAGATE:fx', 'f:PROPAGATE_NULL_IF_MISSING:fx']);
  assert.deepEqual(sends(null, 'gy'), ['g:DELETE_AND_PROPAGATE:null']);
  assert.deepEqual([sends(null, null), context.dropped.length], [[], 0]);
  assert.deepEqual([sends('n', null), context.dropped.length], [[], 1]);
  assert.deepEqual([sends('n', 'gy'), context.dropped.length], [['g:DELETE_AND_PROPAGATE:other'], 2]);
  assert.deepEqual(sends('fx', 'n'), ['f:PROPAGATE_ONLY_IF_FOUND:fx']);
});

test('left: every change is answered', () => {
  const { context, process, take } = sender(true);
  const sends = (newValue: string | null, oldValue: string | null) => {
    process(newValue, oldValue);
    return take();
  };
  assert.deepEqual(sends('fx', null), ['f:PROPAGATE_NULL_IF_MISSING:fx']);
  assert.deepEqual(sends('fx', 'fy'), ['f:PROPAGATE_NULL_IF_MISSING:fx']);
  assert.deepEqual(sends('fx', 'gy'), ['g:DELETE_NO_PROPAGATE:fx', 'f:PROPAGATE_NULL_IF_MISSING:fx']);
  assert.deepEqual(sends('n', 'gy'), ['g:DELETE_NO_PROPAGATE:other', 'null:PROPAGATE_NULL_IF_MISSING:other']);
  assert.deepEqual(sends(null, 'gy'), ['g:DELETE_NO_PROPAGATE:null', 'null:PROPAGATE_NULL_IF_MISSING:null']);
  assert.deepEqual(sends(null, null), []);
  assert.equal(context.dropped.length, 0);
});

test('out-of-order changes of a versioned table are dropped', () => {
  const { context, process, take } = sender(true, true);
  process('fx', null, false);
  assert.deepEqual([take(), context.dropped.length], [[], 1]);
});

test('subscriptions have the bytes of Kafka Streams', () => {
  const serde = subscriptionWrapperSerde(utf8, 'pk');
  const wrapper = subscriptionWrapper(hash('f1'), Instruction.PROPAGATE_ONLY_IF_FOUND, 'pk', 0);
  const bytes = serde.serialize('t', wrapper);
  assert.equal(bytes.toString('hex'), '01036c97e18d1adb49629dacecb4a42754c1706b00000000');
  assert.deepEqual(serde.deserialize('t', bytes), wrapper);
  const deleted = subscriptionWrapper(null, Instruction.DELETE_AND_PROPAGATE, 'pk', 7);
  assert.equal(serde.serialize('t', deleted).toString('hex'), '8101706b00000007');
  assert.deepEqual(serde.deserialize('t', serde.serialize('t', deleted)), deleted);
  const old: SubscriptionWrapper<string> = { version: 0, hash: null, instruction: 2, primaryKey: 'pk', primaryPartition: null };
  assert.equal(serde.serialize('t', old).toString('hex'), '8002706b');
  assert.deepEqual(serde.deserialize('t', Buffer.from('8002706b', 'hex')), old);
  for (const bad of ['', '02', '0104', '0103aa', '8102']) assert.throws(() => serde.deserialize('t', Buffer.from(bad, 'hex')), /subscription.*topic t/, bad);
});

test('responses have the bytes of Kafka Streams', () => {
  const serde = subscriptionResponseSerde(utf8);
  const response = { originalHash: hash('f1'), foreignValue: 'R', primaryPartition: null };
  assert.equal(serde.serialize('t', response).toString('hex'), '006c97e18d1adb49629dacecb4a42754c152');
  assert.deepEqual(serde.deserialize('t', serde.serialize('t', response)), response);
  assert.deepEqual(serde.deserialize('t', Buffer.from('80', 'hex')), { originalHash: null, foreignValue: null, primaryPartition: null });
  for (const bad of ['', '01', '00aa']) assert.throws(() => serde.deserialize('t', Buffer.from(bad, 'hex')), /subscription response.*topic t/, bad);
  assert.throws(() => subscriptionResponseSerde(undefined).serialize('t', response), /no value serde/);
  const partitioner = responsePartitioner<string, string>();
  assert.equal(partitioner('t', 'k', { ...response, primaryPartition: 3 }, 8), 3);
  assert.equal(partitioner('t', 'k', response, 8), undefined);
});

function subscriptions() {
  const store = new FakeKeyValueStore<SubscriptionWrapper<string>>();
  return { store, context: new FakeContext().with('s', store) };
}

test('a subscription is kept under len|fk|pk, and taken out again', () => {
  const { store, context } = subscriptions();
  const process = run(subscriptionReceive<string, string>({ storeName: 's', keySchema: schema })(), context);
  process('f', subscriptionWrapper(hash('f1'), Instruction.PROPAGATE_ONLY_IF_FOUND, 'pk', 0), 10);
  assert.deepEqual([...store.rows.keys()], ['bytes:0000000166706b']);
  process('f', subscriptionWrapper(null, Instruction.DELETE_AND_PROPAGATE, 'pk', 0), 11);
  assert.equal(store.rows.size, 0);
});

test('a null foreign key subscribes to nothing; it goes on only where an answer is needed', () => {
  const { store, context } = subscriptions();
  const processor = subscriptionReceive<string, string>({ storeName: 's', keySchema: schema })();
  const process = run(processor, context);
  assert.equal(process(null, subscriptionWrapper(null, Instruction.PROPAGATE_NULL_IF_MISSING, 'pk', 0), 1).length, 1);
  assert.equal(process(null, subscriptionWrapper(null, Instruction.DELETE_AND_PROPAGATE, 'pk', 0), 1).length, 0);
  assert.deepEqual([store.rows.size, context.dropped.length], [0, 1]);
});

test('the answer to each instruction, with and without a right row', () => {
  const rows = new FakeKeyValueStore<string>();
  rows.put('f', storedValue('R', 50));
  const context = new FakeContext().with('t', rows);
  const processor = subscriptionJoin<string, string, string>({ table: materializedGetterSupplier('t') })();
  processor.init?.(context);
  const answer = (foreignKey: string | null, instruction: Instruction) => {
    run(processor, context)({ foreignKey, primaryKey: 'pk' }, subscriptionWrapper(null, instruction, 'pk', 4), 10);
    return context.take();
  };
  const results = (foreignKey: string | null) =>
    [Instruction.DELETE_NO_PROPAGATE, Instruction.DELETE_AND_PROPAGATE, Instruction.PROPAGATE_NULL_IF_MISSING, Instruction.PROPAGATE_ONLY_IF_FOUND].map(
      (instruction) => {
        const processed = run(processor, context);
        return processed({ foreignKey, primaryKey: 'pk' }, subscriptionWrapper(null, instruction, 'pk', 4), 10).map((line) =>
          line.replace('{"originalHash":null,"foreignValue":', '').replace(',"primaryPartition":4}', ''),
        );
      },
    );
  assert.deepEqual(answer('f', Instruction.DELETE_NO_PROPAGATE), []);
  assert.deepEqual(results('f'), [[], ['pk=null@50'], ['pk="R"@50'], ['pk="R"@50']]);
  assert.deepEqual(results('g'), [[], ['pk=null@10'], ['pk=null@10'], []]);
  assert.deepEqual(results(null), [[], ['pk=null@10'], ['pk=null@10'], []]);
});

test('a change of a right row answers its subscriptions and no others', () => {
  const { context } = subscriptions();
  const receive = run(subscriptionReceive<string, string>({ storeName: 's', keySchema: schema })(), context);
  for (const [foreignKey, primaryKey] of [
    ['f', 'b'],
    ['f', 'a'],
    ['ff', 'c'],
    ['g', 'd'],
  ] as const)
    receive(foreignKey, subscriptionWrapper(hash(primaryKey), 3, primaryKey, 2), 1);
  const join = foreignTableJoin<string, string, string>({ storeName: 's', keySchema: schema });
  const process = run(join.get(), context);
  process('f', new Change('R', null), 9);
  assert.deepEqual(context.forwarded, []);
  const processor = join.get();
  processor.init?.(context);
  const seen: unknown[] = [];
  context.forward = (record) =>
    seen.push([record.key, record.value.foreignValue, record.value.primaryPartition, record.value.originalHash.equals(hash(record.key)), record.timestamp]);
  run(processor, context)('f', new Change('R', null), 9);
  assert.deepEqual(seen, [
    ['a', 'R', 2, true, 9],
    ['b', 'R', 2, true, 9],
  ]);
  run(processor, context)(null, new Change('R', null), 9);
  assert.equal(context.dropped.length, 1);
  join.setUseVersionedSemantics(true);
  run(join.get(), context)('f', new Change('R', null, false), 9);
  assert.deepEqual([seen.length, context.dropped.length], [2, 2]);
});

test('an answer is joined only with the row it was asked for', () => {
  for (const leftJoin of [false, true]) {
    const rows = new FakeVersionedStore<string>();
    rows.put('pk', 'f1', 5);
    const context = new FakeContext().with('l', rows);
    const processor = responseJoin<string, string, string, string>({
      table: materializedGetterSupplier('l'),
      valueSerde: undefined,
      valueSerdeTopic: 'v',
      joiner: (l, r, key) => `${key}:${l}+${r}`,
      leftJoin,
    })();
    const process = run(processor, context);
    const answer = (key: string, value: string | null, foreignValue: string | null) =>
      process(key, { originalHash: value === null ? null : hash(value), foreignValue, primaryPartition: null }, 8);
    assert.deepEqual(answer('pk', 'f1', 'R'), ['pk=pk:f1+R@8']);
    assert.deepEqual(answer('pk', 'f1', null), [leftJoin ? 'pk=pk:f1+null@8' : 'pk=null@8']);
    assert.deepEqual([answer('pk', 'f0', 'R'), answer('pk', null, 'R'), answer('other', 'f1', 'R'), context.dropped.length], [[], [], [], 3]);
    assert.deepEqual(answer('other', null, null), ['other=null@8']);
  }
});

test('serdes that prepare to encode hear the names under which the join encodes', async () => {
  const heard: string[] = [];
  const registering = (name: string) => ({ ...utf8, prepareEncode: async (topics: readonly string[]) => void heard.push(`${name}:${topics.join()}`) });
  const wrapper = subscriptionWrapperSerde(registering('key'), () => 'app-pk', [
    { serde: registering('foreign'), topic: () => 'app-fk', kind: 'key' },
    { serde: undefined, topic: 'app-vh', kind: 'value' },
  ]);
  await wrapper.withDefaults?.(undefined, registering('default') as Serde<unknown>).prepareEncode?.(['registration']);
  assert.deepEqual(heard, ['key:app-pk', 'foreign:app-fk', 'default:app-vh']);
  heard.length = 0;
  await subscriptionResponseSerde(registering('value'), [{ serde: registering('key'), topic: 'app-pk', kind: 'key' }]).prepareEncode?.(['response']);
  assert.deepEqual(heard, ['value:response', 'key:app-pk']);
  assert.equal(subscriptionResponseSerde(utf8).prepareEncode, undefined);
});

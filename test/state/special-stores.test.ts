import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordContext } from '../../src/processor/record-context.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { joinWindowStoreBuilder, outerJoinStoreBuilder, streamRecordBufferBuilder, suppressStoreBuilder } from '../../src/state/internal-stores.ts';
import { Stores } from '../../src/state/stores.ts';
import { Simulation } from './simulation.ts';
import { commit, Harness } from './support.ts';

const S = serdes.string;
const change = <V>(newValue: V | null, oldValue: V | null = null) => ({ newValue, oldValue, isLatest: true });
const windowed = (key: string, start: number) => ({ key, window: { start, end: start + 10 } });

test('suppress: changelog bytes and order are those of Kafka Streams', () => {
  const harness = new Harness();
  const { state, store, context } = harness.open(suppressStoreBuilder({ name: 'sup', keySerde: serdes.timeWindowed(S, 10), valueSerde: serdes.long }));
  store.put(10, windowed('a', 0), change(1), new RecordContext('in', 0, 0, 1));
  commit(state);
  store.put(10, windowed('a', 0), change(2, 1), new RecordContext('in', 0, 2, 3));
  store.put(15, windowed('d', 5), change(1), new RecordContext('in', 0, 2, 10));
  store.put(20, windowed('d', 10), change(1), new RecordContext('in', 0, 2, 10));
  const evicted: string[] = [];
  store.evictWhile(
    () => store.minTimestamp <= 10,
    (key, value, { timestamp }) => evicted.push(`${key.key}@${key.window.start} ${value.oldValue}->${value.newValue} at ${timestamp}`),
  );
  assert.deepEqual(evicted, ['a@0 1->2 at 3']);
  commit(state);
  assert.deepEqual(context.hex(), [
    '610000000000000000 0000000000000001000000000000000000000002696e0000000000000000ffffffffffffffff000000080000000000000001000000000000000a null',
    '610000000000000000 null null',
    '64000000000000000a 000000000000000a000000000000000200000002696e0000000000000000ffffffffffffffff0000000800000000000000010000000000000014 null',
    '640000000000000005 000000000000000a000000000000000200000002696e0000000000000000ffffffffffffffff000000080000000000000001000000000000000f null',
  ]);
  assert.deepEqual(
    context.log[0]?.headers.map(([name, value]) => [name, value?.toString('hex')]),
    [['v', '03']],
  );
  harness.dispose();
});

test('suppress: an old value equal to the prior one is written once', () => {
  const harness = new Harness();
  const { state, store, context } = harness.open(suppressStoreBuilder({ name: 'sup', keySerde: S, valueSerde: serdes.long }));
  store.put(10, 'a', change(1, 0), new RecordContext('in', 0, 0, 1));
  commit(state);
  store.put(10, 'a', change(2, 1), new RecordContext('in', 0, 2, 3));
  commit(state);
  assert.equal(
    context.log[0]?.value?.toString('hex'),
    '0000000000000001000000000000000000000002696e0000000000000000000000080000000000000000fffffffe000000080000000000000001000000000000000a',
  );
  assert.equal(
    context.log[1]?.value?.toString('hex'),
    '0000000000000003000000000000000200000002696e0000000000000000000000080000000000000000000000080000000000000001000000080000000000000002000000000000000a',
  );
  assert.deepEqual(store.priorValue('a'), { value: 0, timestamp: -1 });
  assert.equal(store.priorValue('b'), undefined);
  assert.equal(store.numRecords, 1);
  harness.dispose();
});

test('suppress: an abort puts back what the interval changed; a restore gives what was committed', () => {
  const simulation = new Simulation(suppressStoreBuilder({ name: 'sup', keySerde: S, valueSerde: S }));
  const context = new RecordContext('in', 0, 7, 5, [['h', Buffer.from('x')]]);
  const contents = () => {
    const found: string[] = [];
    const { store } = simulation;
    const size = store.bufferSize;
    let left = store.numRecords;
    store.evictWhile(
      () => left-- > 0,
      (key, value, { timestamp, headers }) => found.push(`${key}=${value.newValue} at ${timestamp} ${headers.length}`),
    );
    simulation.abort(true);
    assert.equal(store.bufferSize, size);
    return found;
  };
  simulation.store.put(30, 'c', change('3'), context);
  simulation.store.put(10, 'a', change('1'), context);
  simulation.store.put(10, 'b', change('2', 'x'), context);
  simulation.commit();
  const all = ['a=1 at 5 1', 'b=2 at 5 1', 'c=3 at 5 1'];
  assert.deepEqual(contents(), all);
  assert.deepEqual(contents(), all, 'put back by the abort');
  simulation.store.put(99, 'b', change('2b', '2'), context);
  simulation.store.put(5, 'd', change('4'), context);
  simulation.abort(false);
  assert.equal(simulation.store.minTimestamp, 10);
  simulation.store.put(99, 'b', change('2b', '2'), context);
  simulation.commit();
  simulation.crash();
  assert.deepEqual(contents(), ['a=1 at 5 1', 'b=2b at 5 1', 'c=3 at 5 1']);
  assert.deepEqual(simulation.store.priorValue('b'), { value: 'x', timestamp: -1 });
  simulation.dispose();
});

test('stream-table grace: changelog bytes are those of Kafka Streams, records leave in the order of time', () => {
  const simulation = new Simulation(streamRecordBufferBuilder({ name: 'jj-Buffer', graceMs: 10, keySerde: S, valueSerde: S }));
  const joined: string[] = [];
  let streamTime = -1;
  const put = (value: string, timestamp: number, offset: number, headers: readonly (readonly [string, Buffer])[] = []) => {
    streamTime = Math.max(streamTime, timestamp);
    const context = new RecordContext('s', 0, offset, timestamp, headers);
    if (!simulation.store.put(streamTime, 'k', value, context)) joined.push(`late ${value}`);
    else simulation.store.evict((key, evicted, { timestamp: at }) => joined.push(`${key} ${evicted} ${at}`));
  };
  put('at10', 10, 0);
  put('at15', 15, 1, [['h', Buffer.from('1')]]);
  put('at20', 20, 2);
  assert.deepEqual(joined, ['k at10 10']);
  assert.deepEqual(simulation.context.hex(), [
    '00000000000000000a6b00000001 000000000000000a000000000000000000000001730000000000000000ffffffffffffffff00000004617431300000000000000000 null',
    '00000000000000000f6b00000002 000000000000000f00000000000000010000000173000000000000000100000001680000000131ffffffffffffffff00000004617431350000000000000000 null',
    '0000000000000000146b00000003 0000000000000014000000000000000200000001730000000000000000ffffffffffffffff00000004617432300000000000000000 null',
    '00000000000000000a6b00000001 null null',
  ]);
  simulation.commit(false);
  assert.equal(simulation.store.numRecords, 2);
  put('at9', 9, 3);
  put('at30', 30, 4);
  assert.deepEqual(joined, ['k at10 10', 'late at9', 'k at15 15', 'k at20 20']);
  simulation.abort(true);
  assert.equal(simulation.store.numRecords, 2);
  simulation.dispose();
});

for (const engine of ['sqlite', 'memory'] as const) {
  test(`unmatched join records, ${engine}: bytes, lists and order are those of Kafka Streams`, () => {
    const simulation = new Simulation(outerJoinStoreBuilder({ name: 'outer', engine, keySerde: S, leftValueSerde: S, rightValueSerde: serdes.long }));
    const { context } = simulation;
    context.at(5);
    simulation.store.add('k0', 0x1a1ee565e00, true, 'v0');
    simulation.store.add('k0', 0x1a1ee565e00, true, 'v1');
    simulation.store.add('k0', 0x1a1ee565e00, false, 7);
    simulation.store.removeIfPresent('nothing', 1, true);
    assert.deepEqual(context.hex(), [
      '000001a1ee565e00016b30 010000000100000003017630 5',
      '000001a1ee565e00016b30 01000000020000000301763000000003017631 5',
      '000001a1ee565e00006b30 010000000100000009000000000000000007 5',
    ]);
    simulation.commit(false);
    assert.deepEqual(
      [...simulation.store.all()].map(({ leftSide, value }) => `${leftSide} ${value}`),
      ['false 7', 'true v0', 'true v1'],
      'right before left',
    );
    simulation.store.remove('k0', 0x1a1ee565e00, true);
    assert.equal([...simulation.store.all()].length, 1);
    simulation.abort(false);
    assert.equal([...simulation.store.all()].length, 3);
    for (const { key, timestamp, leftSide } of simulation.store.all()) simulation.store.removeIfPresent(key, timestamp, leftSide);
    assert.deepEqual([...simulation.store.all()], []);
    simulation.dispose();
  });
}

test('join windows log the headers of the record', () => {
  const harness = new Harness();
  const { store, context } = harness.open(joinWindowStoreBuilder(Stores.persistentWindowStore('j', 100, 10, true), S, S));
  const headers = [['h', Buffer.from('1')]] as const;
  context.at(5, headers);
  store.put('a', '1', 5);
  assert.deepEqual(context.log[0]?.headers, headers);
  harness.dispose();
});

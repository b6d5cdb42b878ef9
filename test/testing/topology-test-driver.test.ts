import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Processor, ProcessorContext } from '../../src/processor/processor.ts';
import { StreamRecord } from '../../src/processor/record.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import type { KeyValueStore } from '../../src/state/contract/stores.ts';
import { Stores } from '../../src/state/stores.ts';
import { TestRecord, TopologyTestDriver } from '../../src/testing/index.ts';
import { Topology } from '../../src/topology/topology.ts';

const text = { key: serdes.string, value: serdes.string };
type Step = (record: StreamRecord<string, string>, context: ProcessorContext<string, string>) => void;

function step(process: Step, init: (context: ProcessorContext<string, string>) => void = () => {}): () => Processor<string, string, string, string> {
  return () => {
    let context: ProcessorContext<string, string>;
    return {
      init(given) {
        context = given;
        init(given);
      },
      process: (record) => process(record, context),
    };
  };
}

const upper: Step = (record, context) => context.forward(record.withValue(record.value.toUpperCase()));

/** `in` → upper case → `out`. */
function upperCase(): Topology {
  return new Topology().addSource('source', 'in', text).addProcessor('upper', step(upper), 'source').addSink('sink', 'out', text, 'upper');
}

function withDriver(driver: TopologyTestDriver, use: (driver: TopologyTestDriver) => void): void {
  try {
    use(driver);
  } finally {
    driver.close();
  }
}

test('records go in and come out, with times and headers', () => {
  withDriver(new TopologyTestDriver(upperCase()), (driver) => {
    const input = driver.createInputTopic('in', serdes.string, serdes.string, { startTimestamp: 100, autoAdvance: '5ms' });
    const output = driver.createOutputTopic('out', serdes.string, serdes.string);
    input.pipeInput('a', 'x');
    input.pipeInput('b', 'y');
    input.advanceTime(1000);
    input.pipeInput(new TestRecord('c', 'z', undefined, [['h', '1']]));
    input.pipeInput('d', 'q', 7);
    assert.equal(output.getQueueSize(), 4);
    assert.deepEqual(output.readKeyValue(), ['a', 'X']);
    output.expectRecords([
      { key: 'b', timestamp: 105 },
      { value: 'Z', timestamp: 1110, headers: [['h', Buffer.from('1')]] },
      { key: 'd', value: 'Q', timestamp: 7 },
    ]);
    assert.equal(output.isEmpty(), true);
    assert.throws(() => output.readValue(), /no more output.*topic out/);
    assert.deepEqual(driver.producedTopicNames(), new Set(['out']));
    assert.deepEqual(driver.metrics(), { droppedRecords: 0, processedRecords: 4, sentRecords: 4, punctuations: 0 });
  });
});

test('lists, maps and iterators', async () => {
  const driver = new TopologyTestDriver(upperCase());
  const input = driver.createInputTopic('in', serdes.string, serdes.string);
  const output = driver.createOutputTopic('out', serdes.string, serdes.string);
  input.pipeKeyValueList([
    ['a', 'x'],
    ['b', 'y'],
    ['a', 'z'],
  ]);
  assert.deepEqual(
    output.readKeyValuesToMap(),
    new Map([
      ['a', 'Z'],
      ['b', 'Y'],
    ]),
  );
  input.pipeRecordList([new TestRecord('a', 'x'), new TestRecord('b', 'y')]);
  assert.deepEqual(
    [...output].map(({ value }) => value),
    ['X', 'Y'],
  );
  input.pipeValueList(['u', 'v']);
  const seen: unknown[] = [];
  for await (const { key, value } of output) seen.push(key, value);
  assert.deepEqual(seen, [null, 'U', null, 'V']);
  driver.close();
});

test('a mismatch is shown record by record', () => {
  withDriver(new TopologyTestDriver(upperCase()), (driver) => {
    driver.createInputTopic('in', serdes.string, serdes.string).pipeKeyValueList([
      ['a', 'x'],
      ['b', 'y'],
    ]);
    const output = driver.createOutputTopic('out', serdes.string, serdes.string);
    assert.throws(
      () =>
        output.expectKeyValues([
          ['a', 'X'],
          ['c', 'Y'],
          ['d', 'Z'],
        ]),
      {
        name: 'AssertionError',
        message: [
          'Topic out: 2 records, expected 3; first difference at record 1 (- expected, + actual)',
          "    0  [ 'a', 'X' ]",
          "  - 1  [ 'c', 'Y' ]",
          "  + 1  [ 'b', 'Y' ]",
          "  - 2  [ 'd', 'Z' ]",
        ].join('\n'),
      },
    );
    output.expectEmpty();
  });
});

test('a topic that nothing reads is refused, with those that are read', () => {
  withDriver(new TopologyTestDriver(upperCase()), (driver) => {
    assert.throws(
      () => driver.createInputTopic('other', serdes.string, serdes.string).pipeInput('k', 'v'),
      /Nothing in the topology reads topic other: it reads in/,
    );
  });
});

test('what is written to a topic that the topology reads comes back', () => {
  const topology = upperCase()
    .addSource('source2', 'out', text)
    .addProcessor(
      'twice',
      step((record, context) => context.forward(record.withValue(record.value + record.value))),
      'source2',
    )
    .addSink('sink2', 'end', text, 'twice');
  withDriver(new TopologyTestDriver(topology), (driver) => {
    driver.createInputTopic('in', serdes.string, serdes.string).pipeInput('a', 'x', 3);
    driver.createOutputTopic('end', serdes.string, serdes.string).expectRecords([{ key: 'a', value: 'XX', timestamp: 3 }]);
    assert.deepEqual(
      driver.takeProduced().map(({ topic }) => topic),
      ['out', 'end'],
    );
  });
});

test('the wall clock moves only when it is told to', () => {
  const ticks: string[] = [];
  const topology = new Topology()
    .addSource('source', 'in', text)
    .addProcessor(
      'p',
      step(
        () => {},
        (context) => {
          context.schedule(10, 'wall-clock-time', (now) => {
            ticks.push(`${now}/${context.currentSystemTimeMs()}`);
            context.forward(new StreamRecord('tick', String(now), now));
          });
        },
      ),
      'source',
    )
    .addSink('sink', 'out', text, 'p');
  withDriver(new TopologyTestDriver(topology, {}, { initialWallClockMs: 1000 }), (driver) => {
    driver.advanceWallClockTime('9ms');
    driver.advanceWallClockTime(1);
    driver.advanceWallClockTime('1s');
    assert.deepEqual(ticks, ['1010/1010', '2010/2010']);
    driver.createOutputTopic('out', serdes.string, serdes.string).expectKeyValues([
      ['tick', '1010'],
      ['tick', '2010'],
    ]);
  });
});

test('maxTaskIdleMs holds back an input until the other has records or time has passed', () => {
  const topology = new Topology().addSource('s1', 'a', text).addSource('s2', 'b', text).addSink('sink', 'out', text, 's1', 's2');
  withDriver(new TopologyTestDriver(topology, { maxTaskIdleMs: 100 }), (driver) => {
    const output = driver.createOutputTopic('out', serdes.string, serdes.string);
    driver.createInputTopic('a', serdes.string, serdes.string).pipeInput('k', 'late', 5);
    output.expectEmpty();
    driver.createInputTopic('b', serdes.string, serdes.string).pipeInput('k', 'early', 1);
    output.expectKeyValues([['k', 'early']]);
    driver.advanceWallClockTime(100);
    output.expectKeyValues([['k', 'late']]);
  });
});

const counter = step((record, context) => {
  const counts = context.getStateStore<KeyValueStore<string, number>>('counts');
  counts.put(record.key, (counts.get(record.key) ?? 0) + 1);
});

function counting(): Topology {
  return new Topology()
    .addSource('source', 'in', text)
    .addProcessor('count', counter, 'source')
    .addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('counts'), serdes.string, serdes.long), 'count');
}

test('stores can be read and written, and log to their changelogs', () => {
  withDriver(new TopologyTestDriver(counting(), { applicationId: 'app' }), (driver) => {
    const input = driver.createInputTopic('in', serdes.string, serdes.string);
    input.pipeKeyValueList([
      ['a', ''],
      ['a', ''],
      ['b', ''],
    ]);
    const counts = driver.getKeyValueStore<string, number>('counts');
    assert.deepEqual(
      [...counts.all()],
      [
        ['a', 2],
        ['b', 1],
      ],
    );
    counts.put('a', 40);
    input.pipeInput('a', '');
    assert.equal(counts.get('a'), 41);
    assert.ok(driver.producedTopicNames().has('app-counts-changelog'));
    assert.deepEqual([...driver.getAllStateStores().keys()], ['counts']);
    assert.throws(() => driver.getStateStore('other'), /no such state store: there are counts.*store other/);
  });
});

test('timestamped stores show plain values too', () => {
  const put = step((record, context) => {
    context
      .getStateStore<KeyValueStore<string, { value: string; timestamp: number }>>('last')
      .put(record.key, { value: record.value, timestamp: record.timestamp });
  });
  const topology = new Topology()
    .addSource('source', 'in', text)
    .addProcessor('p', put, 'source')
    .addStateStore(Stores.timestampedKeyValueStoreBuilder(Stores.persistentTimestampedKeyValueStore('last'), serdes.string, serdes.string), 'p');
  withDriver(new TopologyTestDriver(topology), (driver) => {
    driver.createInputTopic('in', serdes.string, serdes.string).pipeInput('a', 'x', 9);
    assert.equal(driver.getKeyValueStore<string, string>('last').get('a'), 'x');
    assert.deepEqual(driver.getTimestampedKeyValueStore<string, string>('last').get('a'), { value: 'x', timestamp: 9 });
    assert.deepEqual([...driver.getKeyValueStore<string, string>('last').all()], [['a', 'x']]);
  });
});

test('state in a given directory outlives the driver; its own does not', (context) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  context.after(() => rmSync(stateDir, { recursive: true, force: true }));
  withDriver(new TopologyTestDriver(counting(), { stateDir }), (driver) => driver.createInputTopic('in', serdes.string, serdes.string).pipeInput('a', ''));
  withDriver(new TopologyTestDriver(counting(), { stateDir }), (driver) => assert.equal(driver.getKeyValueStore<string, number>('counts').get('a'), 1));
  assert.ok(existsSync(stateDir));
});

test('without a directory nothing is left behind', (context) => {
  const temporary = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = temporary;
  context.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(temporary, { recursive: true, force: true });
  });
  withDriver(new TopologyTestDriver(counting()), (driver) => driver.createInputTopic('in', serdes.string, serdes.string).pipeInput('a', ''));
  assert.deepEqual(readdirSync(temporary), []);
});

test('global stores are filled by their topic and read by processors', () => {
  const fill = () => {
    let store: KeyValueStore<string, string>;
    return {
      init: (context: ProcessorContext) => {
        store = context.getStateStore('names');
      },
      process: (record: StreamRecord<string, string>) => store.put(record.key, record.value),
    };
  };
  const look = step((record, context) =>
    context.forward(record.withValue(context.getStateStore<KeyValueStore<string, string>>('names').get(record.value) ?? '?')),
  );
  const topology = new Topology()
    .addGlobalStore(
      Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore('names'), serdes.string, serdes.string).withLoggingDisabled(),
      'g',
      { ...text, sourceName: 'gs', processorName: 'gp' },
      fill as never,
    )
    .addSource('source', 'in', text)
    .addProcessor('look', look, 'source')
    .addSink('sink', 'out', text, 'look');
  withDriver(new TopologyTestDriver(topology), (driver) => {
    driver.createInputTopic('g', serdes.string, serdes.string).pipeInput('1', 'one');
    driver.createInputTopic('in', serdes.string, serdes.string).pipeKeyValueList([
      ['k', '1'],
      ['k', '2'],
    ]);
    driver.createOutputTopic('out', serdes.string, serdes.string).expectValues(['one', '?']);
    assert.equal(driver.getKeyValueStore<string, string>('names').get('1'), 'one');
  });
});

test('a record of a global table that cannot be decoded can be skipped; its dead letter has nowhere to go', () => {
  const ignore = () => ({ process: () => {} });
  const topology = new Topology().addGlobalStore(
    Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore('names'), serdes.string, serdes.long).withLoggingDisabled(),
    'g',
    { key: serdes.string, value: serdes.long, sourceName: 'gs', processorName: 'gp' },
    ignore as never,
  );
  withDriver(new TopologyTestDriver(topology, { deserializationExceptionHandler: 'continue', errorsDeadLetterQueueTopicName: 'dead' }), (driver) => {
    driver.createInputTopic('g', serdes.string, serdes.string).pipeInput('k', 'not a long');
    assert.equal(driver.metrics().droppedRecords, 1);
    assert.deepEqual(driver.takeProduced(), []);
  });
});

test('a failing processor fails the call that piped the record, and close still works', () => {
  const topology = new Topology().addSource('source', 'in', text).addProcessor(
    'p',
    step(() => assert.fail('bad luck')),
    'source',
  );
  const driver = new TopologyTestDriver(topology);
  assert.throws(() => driver.createInputTopic('in', serdes.string, serdes.string).pipeInput('k', 'v'), {
    code: 'ERR_PROCESSING',
    operator: 'p',
    topic: 'in',
    offset: 0,
  });
  driver.close();
  driver.close();
  assert.throws(() => driver.advanceWallClockTime(1), /The test driver is closed/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../../src/errors.ts';
import { StreamRecord } from '../../../src/processor/record.ts';
import { decodePartitionMetadata, encodePartitionMetadata } from '../../../src/runtime/task/partition-metadata.ts';
import type { StoreBuilder } from '../../../src/state/contract/builder.ts';
import type { StateStoreContext } from '../../../src/state/contract/context.ts';
import type { StateStore } from '../../../src/state/contract/stores.ts';
import { type Context, Harness, processor, sink, source, text } from './harness.ts';

const pass = (name: string, children: string[]) => processor(name, children, (record, context) => context.forward(record));

test('a record goes from its source through the processors to the sink, with time and headers', () => {
  const harness = new Harness([source('in', ['a'], ['p']), pass('p', ['out']), sink('out', 'b')], ['a']).start();
  harness.add('a', 'k', 'v', 7, [{ h: Buffer.from('x') }]);
  harness.add('a', null, null, 8);
  harness.run();
  assert.deepEqual(harness.sink.sent[0]?.headers, [['h', Buffer.from('x')]]);
  assert.deepEqual(harness.sink.take(), ['k=v@7', 'null=null@8']);
  assert.deepEqual({ ...harness.metrics }, { processed: 2, dropped: 0, sent: 2, punctuated: 0, asyncRetries: 0 });
});

test('over several partitions the lowest timestamp at the head is next, and stream time never goes back', () => {
  const times: number[] = [];
  const watch = processor('p', ['out'], (record, context) => {
    times.push(context.currentStreamTimeMs());
    context.forward(record);
  });
  const harness = new Harness([source('s1', ['a'], ['p']), source('s2', ['b'], ['p']), watch, sink('out', 'c')], ['a', 'b']).start();
  for (const [topic, value, at] of [
    ['a', '1', 10],
    ['a', '2', 3],
    ['b', '3', 5],
    ['b', '4', 12],
  ] as const)
    harness.add(topic, 'k', value, at);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=3@5', 'k=1@10', 'k=2@3', 'k=4@12']);
  assert.deepEqual(times, [5, 10, 10, 12]);
});

test('an extractor decides the time; it sees the partition time, is called once a record, and a negative time drops the record', () => {
  const seen: string[] = [];
  const extractor = (record: { value: unknown }, partitionTime: number): number => {
    seen.push(`${record.value}/${partitionTime}`);
    return Number(record.value);
  };
  const nodes = [source('s1', ['a'], ['out'], { timestampExtractor: extractor as never }), source('s2', ['b'], ['out']), sink('out', 'c')];
  const harness = new Harness(nodes, ['a', 'b']).start();
  harness.add('a', 'k', '20', 1);
  harness.add('a', 'k', '-5', 1);
  harness.add('a', 'k', '15', 1);
  harness.add('b', 'k', 'x', 17);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=x@17', 'k=20@20', 'k=15@15']);
  assert.deepEqual(seen, ['20/-1', '-5/20', '15/20']);
  assert.equal(harness.metrics.dropped, 1);
  assert.deepEqual(
    harness.task.offsetsToCommit().map(({ topic, offset }) => `${topic}:${offset}`),
    ['a:3', 'b:1'],
  );
});

test('a time that is no number does not upset the order of the partitions', () => {
  const extractor = (record: { value: unknown }): number => Number(record.value);
  const nodes = ['a', 'b', 'c', 'd'].map((topic) => source(`s-${topic}`, [topic], ['out'], { timestampExtractor: extractor as never }));
  const harness = new Harness([...nodes, sink('out', 'z')], ['a', 'b', 'c', 'd']).start();
  for (const [topic, value] of [
    ['a', '4'],
    ['b', 'none'],
    ['c', '3'],
    ['d', '2'],
    ['b', '1'],
  ] as const)
    harness.add(topic, 'k', value, 0);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=1@1', 'k=2@2', 'k=3@3', 'k=4@4']);
  assert.equal(harness.metrics.dropped, 1);
});

test('a record without a time is an error that says what to do', () => {
  const harness = new Harness([source('in', ['a'], ['out']), sink('out', 'b')], ['a']).start();
  harness.add('a', 'k', 'v', -1);
  assert.throws(() => harness.run(), { code: 'ERR_INVALID_TIMESTAMP', operator: 'in', topic: 'a', offset: 0 });
});

test('maxTaskIdleMs 0 waits for what the broker holds, and not longer', () => {
  const nodes = [source('s1', ['a'], ['out']), source('s2', ['b'], ['out']), sink('out', 'c')];
  const harness = new Harness(nodes, ['a', 'b'], { config: { maxTaskIdleMs: 0 } }).start();
  harness.add('a', 'k', '1', 1);
  assert.equal(harness.task.process(0), false, 'it is not known whether b has records');
  harness.task.caughtUp('b', 0, 0);
  assert.equal(harness.task.isProcessable(0), true);
  harness.add('b', 'k', '2', 2);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=1@1'], 'a is empty now, and may have more');
  harness.task.caughtUp('a', 0, 1);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=2@2']);
});

test('maxTaskIdleMs above 0 also waits by the wall clock, afresh each time', () => {
  const nodes = [source('s1', ['a'], ['out']), source('s2', ['b'], ['out']), sink('out', 'c')];
  const harness = new Harness(nodes, ['a', 'b'], { config: { maxTaskIdleMs: 100 } }).start();
  harness.task.caughtUp('b', 0, 0);
  harness.add('a', 'k', '1', 1);
  assert.equal(harness.task.isProcessable(1000), false);
  assert.equal(harness.task.isProcessable(1099), false);
  assert.equal(harness.task.process(1100), true);
});

test('a child can be chosen by name; an unknown name says which there are', () => {
  const chooser = processor('p', ['x', 'y'], (record, context) => context.forward(record, record.value));
  const harness = new Harness([source('in', ['a'], ['p']), chooser, sink('x', 'tx'), sink('y', 'ty')], ['a']).start();
  harness.add('a', 'k', 'y', 1);
  harness.run();
  assert.deepEqual(
    harness.sink.sent.map(({ topic }) => topic),
    ['ty'],
  );
  harness.add('a', 'k', 'z', 1);
  assert.throws(() => harness.run(), /forward\(\) to "z".*children are x, y/);
});

test('stream-time punctuators start with the first record, get the stream time, and do not make up for missed runs', () => {
  const nodes = [
    source('in', ['a'], ['p']),
    processor('p', ['out'], () => {}, {
      init: (context) => context.schedule(10, 'stream-time', (now) => context.forward(new StreamRecord('p', `${now}`, now))),
    }),
    sink('out', 'b'),
  ];
  const harness = new Harness(nodes, ['a']).start();
  assert.equal(harness.task.punctuateStreamTime(), false);
  for (const at of [3, 5, 12, 45, 49, 50]) harness.add('a', 'k', 'v', at);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['p=3@3', 'p=12@12', 'p=45@45', 'p=50@50']);
});

test('wall-clock punctuators first run after an interval; a start time anchors them; a cancelled one is silent', () => {
  const runs: string[] = [];
  let cancel = (): void => {};
  const init = (context: Context): void => {
    context.schedule('100ms', 'wall-clock-time', (now) => runs.push(`a${now}`));
    context.schedule(50, 'wall-clock-time', (now) => runs.push(`b${now}`), 30);
    const schedule = context.schedule(10, 'wall-clock-time', (now) => {
      runs.push(`c${now}`);
      cancel();
    });
    cancel = () => schedule.cancel();
  };
  const harness = new Harness([source('in', ['a'], ['p']), processor('p', [], () => {}, { init })], ['a']).start();
  for (harness.now of [9, 29, 30, 79, 80, 99, 100, 350]) harness.task.punctuateWallClock(harness.now);
  assert.deepEqual(
    runs,
    ['c29', 'b30', 'b80', 'a100', 'b350', 'a350'].sort((x, y) => Number(x.slice(1)) - Number(y.slice(1))),
  );
  assert.equal(harness.task.nextWallClockPunctuation, 380);
  assert.equal(harness.task.commitNeeded, true);
});

test('metadata and contexts: origin in process, none in a punctuator, changed time and headers below the node that changed them', () => {
  const seen: unknown[] = [];
  const first = processor(
    'p',
    ['q'],
    (record, context) => {
      const { topic, partition, offset } = context.recordMetadata() ?? {};
      seen.push([topic, partition, offset]);
      context.forward(record.withTimestamp(99));
      seen.push(context.recordContext.timestamp);
    },
    { init: (context) => context.schedule(1000, 'wall-clock-time', () => seen.push(context.recordMetadata())) },
  );
  const second = processor('q', [], (_record, context) => seen.push(context.recordContext.timestamp));
  const harness = new Harness([source('in', ['a'], ['p']), first, second], ['a'], { partition: 3 }).start();
  harness.add('a', 'k', 'v', 5);
  harness.run();
  harness.task.punctuateWallClock(1000);
  assert.deepEqual(seen, [['a', 3, 0], 99, 5, undefined]);
});

class CountingStore implements StateStore {
  readonly name = 'counts';
  readonly persistent = false;
  isOpen = false;
  context!: StateStoreContext;

  init(context: StateStoreContext): void {
    this.context = context;
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }
}

function counts(store: StateStore): StoreBuilder {
  return { name: store.name, kind: 'custom', loggingEnabled: true, logConfig: {}, cachingEnabled: false, build: () => store };
}

test('a connected store is found and logs to its changelog, in its partition; others are refused', () => {
  const store = new CountingStore();
  const user = processor(
    'p',
    [],
    (record, context) => {
      const found = context.getStateStore<CountingStore>('counts');
      found.context.logChange('counts', Buffer.from(record.key), Buffer.from('1'), record.timestamp, record.headers);
    },
    { stores: ['counts'] },
  );
  const stranger = processor('q', [], (_record, context) => context.getStateStore('counts'));
  const stores = [{ builder: counts(store), changelogTopic: 'app-counts-changelog', changelogIsSource: false }];
  const harness = new Harness([source('in', ['a'], ['p']), user, source('in2', ['b'], ['q']), stranger], ['a', 'b'], { stores, partition: 2 }).start();
  harness.add('a', 'k', 'v', 5);
  harness.run();
  assert.deepEqual(
    harness.sink.sent.map(({ topic, partition, key }) => [topic, partition, key]),
    [['app-counts-changelog', 2, 'k']],
  );
  harness.add('b', 'k', 'v', 5);
  assert.throws(() => harness.run(), /No state store "counts" is connected.*operator q/);
});

test('a store whose changelog is its source topic logs nothing', () => {
  const store = new CountingStore();
  const stores = [{ builder: counts(store), changelogTopic: 'a', changelogIsSource: true }];
  const harness = new Harness([source('in', ['a'], [])], ['a'], { stores }).start();
  store.context.logChange('counts', Buffer.from('k'), null, 1, []);
  assert.deepEqual(harness.sink.sent, []);
  assert.equal(store.context.changelogTopic('counts'), 'a');
});

test('global stores are open to every processor', () => {
  const store = new CountingStore();
  const user = processor('p', [], (_record, context) => assert.equal(context.getStateStore('counts'), store));
  const harness = new Harness([source('in', ['a'], ['p']), user], ['a'], { globalStores: new Map([['counts', store]]) }).start();
  harness.add('a', 'k', 'v', 5);
  harness.run();
});

test('commits: offsets of what moved, partition times, and what operators keep', () => {
  const keep = processor('p', [], (record, context) => {
    if (record.value === 'keep') context.setProcessorMetadata('emitted', record.timestamp);
    if (record.value === 'commit') context.commit();
  });
  const harness = new Harness([source('s1', ['a'], ['p']), source('s2', ['b'], ['p']), keep], ['a', 'b']).start();
  harness.task.setCommitted({ topic: 'b', partition: 0, offset: 40, metadata: encodePartitionMetadata(30, new Map([['emitted', 3]])) });
  harness.add('a', 'k', 'commit', 20);
  harness.add('a', 'k', 'x', 10);
  harness.run();
  assert.equal(harness.task.commitRequested, true);
  const [only, ...none] = harness.task.offsetsToCommit();
  assert.deepEqual([only?.topic, only?.offset, none.length], ['a', 2, 0]);
  assert.deepEqual(decodePartitionMetadata(only?.metadata), { partitionTime: 20, processorMetadata: new Map([['emitted', 3]]) });
  harness.task.committed();
  assert.deepEqual([harness.task.commitNeeded, harness.task.commitRequested, harness.task.offsetsToCommit()], [false, false, []]);
  assert.equal(harness.task.offsetsToCommit(true).length, 2, 'a recommit has all known positions');

  harness.add('a', 'k', 'keep', 50);
  harness.run();
  assert.deepEqual(
    harness.task.offsetsToCommit().map(({ topic, offset, metadata }) => [topic, offset, decodePartitionMetadata(metadata).processorMetadata.get('emitted')]),
    [
      ['a', 3, 50],
      ['b', 40, 50],
    ],
  );
});

test('the offset to commit is that of the head when records wait: markers of transactions before it are passed', () => {
  const harness = new Harness([source('in', ['a'], [])], ['a']).start();
  harness.task.add('a', 0, harness.message('a', 'k', 'v', 1));
  harness.task.add('a', 0, { ...harness.message('a', 'k', 'v', 1), offset: 5 });
  harness.task.process(0);
  assert.equal(harness.task.offsetsToCommit()[0]?.offset, 5);
  harness.task.process(0);
  assert.equal(harness.task.offsetsToCommit()[0]?.offset, 6);
});

test('a cache flush runs outside of any record, and its errors say where', () => {
  const harness = new Harness([source('in', ['a'], [])], ['a']).start();
  harness.state.flush = () => {
    throw new Error('boom');
  };
  assert.throws(() => harness.task.prepareCommit(), { code: 'ERR_PROCESSING', taskId: '0_0' });
});

test('revive drops queues, times and processors, and starts afresh from what is committed', () => {
  const log: string[] = [];
  const make = processor('p', [], (record) => log.push(record.value), {
    init: (context) => {
      log.push(`init ${context.processorMetadata('m') ?? 'none'}`);
      context.schedule(10, 'stream-time', (now) => log.push(`punctuate ${now}`));
    },
    close: () => log.push('close'),
  });
  const harness = new Harness([source('in', ['a'], ['p']), make], ['a']).start();
  harness.add('a', 'k', 'one', 5);
  harness.run();
  harness.add('a', 'k', 'lost', 6);
  harness.task.revive([{ topic: 'a', partition: 0, offset: 0, metadata: encodePartitionMetadata(2, new Map([['m', 9]])) }]);
  assert.deepEqual([harness.task.bufferedTotal, harness.task.streamTime, harness.task.commitNeeded, harness.task.offsetsToCommit()], [0, -1, false, []]);
  harness.add('a', 'k', 'two', 1);
  harness.run();
  harness.task.close();
  assert.deepEqual(log, ['init none', 'one', 'punctuate 5', 'close', 'init 9', 'two', 'punctuate 1', 'close']);
});

test('close closes every processor even when one throws', () => {
  const closed: string[] = [];
  const nodes = ['p', 'q'].map((name) =>
    processor(name, [], () => {}, {
      close: () => {
        closed.push(name);
        throw new Error(`no ${name}`);
      },
    }),
  );
  const harness = new Harness([source('in', ['a'], ['p', 'q']), ...nodes], ['a']).start();
  assert.throws(() => harness.task.close(), { code: 'ERR_PROCESSING', operator: 'p' });
  assert.deepEqual(closed, ['p', 'q']);
});

test('a partitioner chooses: a number, several, none, or the default', () => {
  const choices: { [value: string]: number | number[] | undefined } = { one: 2, many: [0, 3], none: [], default: undefined };
  const partitioner = (_topic: string, _key: unknown, value: unknown, count: number): number | number[] | undefined => {
    assert.equal(count, 4);
    return choices[value as string];
  };
  const harness = new Harness([source('in', ['a'], ['out']), sink('out', 'b', { partitioner: partitioner as never })], ['a']).start();
  for (const value of Object.keys(choices)) harness.add('a', 'k', value, 1);
  harness.run();
  assert.deepEqual(
    harness.sink.sent.map(({ value, partition }) => `${value}:${partition}`),
    ['one:2', 'many:0', 'many:3', 'default:undefined'],
  );
  assert.equal(harness.metrics.dropped, 1);
});

test('a topic can depend on the record and its context', () => {
  const extractor = (key: unknown, value: unknown, context: { topic: string; timestamp: number }): string =>
    `${context.topic}-${key}-${value}-${context.timestamp}`;
  const harness = new Harness(
    [source('in', ['a'], ['p']), processor('p', ['out'], (record, context) => context.forward(record.withTimestamp(9))), sink('out', extractor as never)],
    ['a'],
  ).start();
  harness.add('a', 'k', 'v', 1);
  harness.run();
  assert.equal(harness.sink.sent[0]?.topic, 'a-k-v-9');
});

test('topics of a pattern are taken as they appear', () => {
  const harness = new Harness([source('in', [], ['out'], { pattern: /logs-.*/ }), sink('out', 'b')], []).start();
  assert.deepEqual([harness.task.reads('logs-1'), harness.task.reads('my-logs-1')], [true, false]);
  harness.add('logs-1', 'k', '1', 2);
  harness.add('logs-2', 'k', '2', 1);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=2@1', 'k=1@2']);
});

test('a missing serde is a configuration error that says where to give it', () => {
  const nodes = [source('in', ['a'], ['out']), sink('out', 'b', { valueSerde: undefined })];
  assert.throws(
    () => new Harness(nodes, ['a']),
    (error) => error instanceof ConfigError && /No value serde for writing b.*defaultValueSerde.*operator out/.test(error.message),
  );
  const harness = new Harness(nodes, ['a'], { config: { defaultValueSerde: text } }).start();
  harness.add('a', 'k', 'v', 1);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=v@1']);
});

test('a serde that prepares sees all its messages of a batch at once', async () => {
  const batches: string[][] = [];
  const preparing = {
    ...text,
    prepare: async (batch: readonly { topic: string; data: Buffer }[]) => void batches.push(batch.map(({ topic, data }) => `${topic}:${data}`)),
  };
  const harness = new Harness([source('in', ['a', 'b'], [], { valueSerde: preparing as never })], ['a', 'b']).start();
  assert.equal(harness.task.needsPrepare, true);
  await harness.task.prepare([harness.message('a', 'k', '1', 1), harness.message('b', 'k', null, 1), harness.message('b', 'k', '2', 1)]);
  assert.deepEqual(batches, [['a:1', 'b:2']]);
});

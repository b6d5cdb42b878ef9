import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import {
  countAggregator,
  countInitializer,
  kstreamAggregate,
  kstreamSessionWindowAggregate,
  kstreamWindowAggregate,
  ktableFilter,
  ktableSource,
} from '../../src/operators/index.ts';
import type { RecordContext } from '../../src/processor/record-context.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import type { StateStoreContext } from '../../src/state/contract/context.ts';
import type { StateStore } from '../../src/state/contract/stores.ts';
import type { TaskState } from '../../src/state/contract/task-state.ts';
import { Stores } from '../../src/state/stores.ts';
import { createTaskState } from '../../src/state/task/task-state.ts';
import { FakeContext, parentTable, run } from './fakes.ts';

/*
 * Operators over real cached stores, several records an interval: the goldens commit after each record, which hides what a cache swallows.
 */

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

class Interval {
  readonly context = new FakeContext();
  readonly state: TaskState;
  #commits = 0;

  constructor(...builders: { build(): StateStore }[]) {
    this.state = createTaskState({ taskId: '0_0', directory: '/nowhere', logger: quiet });
    const { context, state } = this;
    const storeContext: StateStoreContext = {
      applicationId: 'app',
      taskId: '0_0',
      partition: 0,
      defaultKeySerde: undefined,
      defaultValueSerde: undefined,
      changelogTopic: (name) => `app-${name}-changelog`,
      logChange: () => {},
      get recordContext(): RecordContext {
        return context.recordContext;
      },
      set recordContext(recordContext: RecordContext) {
        context.recordContext = recordContext;
      },
      streamTime: 0,
      droppedRecord: (reason) => context.droppedRecord(reason),
      config: () => undefined,
      taskState: state,
    };
    for (const builder of builders) {
      const store = builder.build();
      state.register(store);
      store.init(storeContext);
      context.with(store.name, store);
    }
  }

  /** What leaves the caches at a commit. */
  commit(): string[] {
    this.state.flushCaches();
    const frozen = this.state.freeze();
    if (frozen !== null) this.state.applySync(frozen, new Map(frozen.stores.map((name) => [name, ++this.#commits])));
    return this.context.take();
  }
}

test('an aggregate sends the latest of an interval, with the value from before it', () => {
  const store = Stores.timestampedKeyValueStoreBuilder(Stores.inMemoryKeyValueStore('s'), serdes.string, serdes.long).withCachingEnabled();
  const interval = new Interval(store);
  const supplier = kstreamAggregate<string, string, number>({ storeName: 's', initializer: countInitializer, aggregator: countAggregator });
  supplier.enableSendingOldValues();
  const process = run(supplier.get(), interval.context);
  assert.deepEqual([process('a', 'x', 5), process('b', 'x', 6), process('a', 'x', 3)], [[], [], []]);
  assert.deepEqual(interval.commit().sort(), ['a=2<-null@5', 'b=1<-null@6'], 'no old value was stored, so none is sent: not the initial one');
  process('a', 'x', 9);
  process('a', 'x', 8);
  assert.deepEqual(interval.commit(), ['a=4<-2@9']);
  assert.deepEqual(interval.commit(), []);
});

test('a windowed aggregate sends each window once an interval, with the headers of its last record', () => {
  const store = Stores.timestampedWindowStoreBuilder(Stores.inMemoryWindowStore('s', 100, 10, false), serdes.string, serdes.long).withCachingEnabled();
  const interval = new Interval(store);
  const windows = { sizeMs: 10, advanceMs: 5, graceMs: 90 };
  const supplier = kstreamWindowAggregate<string, string, number>({
    windows,
    storeName: 's',
    emitStrategy: 'window-update',
    initializer: countInitializer,
    aggregator: countAggregator,
  });
  const process = run(supplier.get(), interval.context);
  const headers = [['h', Buffer.from('last')]] as const;
  process('a', 'x', 7);
  process('a', 'x', 12, headers);
  interval.state.flushCaches();
  const sent = interval.context.forwarded.map((f) => [f.key.window.start, f.value.newValue, f.ts, f.headers.length]);
  assert.deepEqual(sent.sort(), [
    [0, 1, 7, 0],
    [10, 1, 12, 1],
    [5, 2, 12, 1],
  ]);
});

test('sessions that come and go within an interval leave no trace', () => {
  const store = Stores.sessionStoreBuilder(Stores.inMemorySessionStore('s', 1000), serdes.string, serdes.string).withCachingEnabled();
  const interval = new Interval(store);
  const supplier = kstreamSessionWindowAggregate<string, string, string>({
    windows: { gapMs: 10, graceMs: 100 },
    storeName: 's',
    emitStrategy: 'window-update',
    initializer: () => '',
    aggregator: (_k, v, a) => a + v,
    merger: (_k, a, b) => a + b,
  });
  supplier.enableSendingOldValues();
  const process = run(supplier.get(), interval.context);
  process('a', '1', 0);
  process('a', '2', 5);
  process('a', '3', 8);
  assert.deepEqual(interval.commit(), ['[a:0/8]=123<-null@8']);
  process('a', '4', 12);
  assert.deepEqual(interval.commit(), ['[a:0/8]=null<-123@8', '[a:0/12]=1234<-null@12']);
});

test('a table source and a materialised filter swallow what was undone within the interval', () => {
  const source = Stores.timestampedKeyValueStoreBuilder(Stores.inMemoryKeyValueStore('t'), serdes.string, serdes.string).withCachingEnabled();
  const interval = new Interval(source);
  const table = ktableSource<string, string>({ storeName: 't', queryableName: 't' });
  table.enableSendingOldValues(true);
  const process = run(table.get(), interval.context);
  process('a', 'x', 1);
  process('a', null, 2);
  assert.deepEqual(interval.commit(), [], 'a row that came and went');
  process('a', 'y', 3);
  interval.commit();
  process('a', 'z', 4);
  process('a', null, 5);
  assert.deepEqual(interval.commit(), ['a=null<-y@5']);

  const kept = Stores.timestampedKeyValueStoreBuilder(Stores.inMemoryKeyValueStore('f'), serdes.string, serdes.string).withCachingEnabled();
  const filtered = new Interval(kept);
  const filter = ktableFilter<string, string>({ parent: parentTable('t'), predicate: (_k, v) => v !== 'no', filterNot: false, queryableName: 'f' });
  const change = run(filter.get(), filtered.context);
  change('a', new Change('yes', null), 1);
  change('a', new Change('no', 'yes'), 2);
  change('b', new Change('yes', null), 3);
  assert.deepEqual(filtered.commit(), ['b=yes<-null@3']);
});

import {
  type Cancellable,
  type KeyValueStore,
  type ProcessorContext,
  Stores,
  StreamRecord,
  type TimestampedKeyValueStore,
  type TimestampedWindowStore,
  TimeWindows,
  Topology,
  type ValueTimestampHeaders,
} from 'millrace';
import { dump, type GoldenCases, L, processing, processingValues, S, win } from './helpers.ts';

type Context = ProcessorContext<string, string>;

export const processorApi: GoldenCases = {
  'papi-punctuators': (b) => {
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('counts'), S, L));
    b.stream<string, string>('in')
      .process(
        () => {
          let store: KeyValueStore<string, number>;
          return {
            init(context: Context) {
              store = context.getStateStore('counts');
              context.schedule(10, 'stream-time', (time) => context.forward(new StreamRecord('stream', dump(store.all()), time)));
              context.schedule(100, 'wall-clock-time', (time) => context.forward(new StreamRecord('wall', dump(store.all()), time)));
            },
            process(record: StreamRecord<string, string>) {
              if (record.key === null) return;
              store.put(record.key, (store.get(record.key) ?? 0) + 1);
            },
          };
        },
        { stores: ['counts'] },
      )
      .to('out');
  },
  'papi-punctuate-cancel': (b) => {
    b.stream<string, string>('in')
      .process(
        () => {
          let context: Context;
          let scheduled: Cancellable | undefined;
          let runs = 0;
          return {
            init(given: Context) {
              context = given;
            },
            process(record: StreamRecord<string, string>) {
              if (record.value === 'start') {
                runs = 0;
                scheduled?.cancel();
                scheduled = context.schedule(10, 'stream-time', (time) => {
                  runs++;
                  context.forward(new StreamRecord('tick', `${runs}@${context.currentStreamTimeMs()}`, time));
                  if (runs === 3) scheduled?.cancel();
                });
              }
              if (record.value === 'wall') {
                context.schedule(20, 'wall-clock-time', (time) => context.forward(new StreamRecord('w', `${context.currentSystemTimeMs()}`, time)));
              }
            },
          };
        },
        { name: 'p' },
      )
      .to('out');
  },
  'papi-punctuate-anchored': (b) => {
    b.stream<string, string>('in')
      .process(() => {
        let context: Context;
        return {
          init(given: Context) {
            context = given;
            context.schedule(10, 'stream-time', (time) => context.forward(new StreamRecord('s', `${time}`, time)), 5);
            context.schedule(50, 'wall-clock-time', (time) => context.forward(new StreamRecord('w', `${time}`, time)), 30);
          },
          process(record: StreamRecord<string, string>) {
            context.forward(record);
          },
        };
      })
      .to('out');
  },
  'papi-raw-topology': () => {
    const router = processing<string, string, string, string>((record, context) => {
      const store = context.getStateStore<KeyValueStore<string, string>>('shared');
      if (record.key !== null) store.put(record.key, `${record.value}`);
      if (record.value === null) context.forward(record);
      else if (record.value.startsWith('a')) context.forward(record.withValue(`to-sink1 ${record.value}`), 'sink1');
      else context.forward(record, 'reader');
    });
    const reader = processing<string, string, string, string>((record, context) => {
      context.forward(record.withValue(dump(context.getStateStore<KeyValueStore<string, string>>('shared').all())));
    });
    return new Topology()
      .addSource('src1', 'in1', { key: S, value: S })
      .addSource('src2', 'in2', { key: S, value: S })
      .addProcessor('router', router, 'src1')
      .addProcessor('reader', reader, 'src2', 'router')
      .addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('shared'), S, S), 'router', 'reader')
      .addSink('sink1', 's1', { key: S, value: S }, 'router')
      .addSink('sink2', 's2', { key: S, value: S }, 'reader', 'src2')
      .addSink('sink3', (key) => (key === 'a' ? 'dyn-a' : 'dyn-x'), { key: S, value: S }, 'reader');
  },
  'papi-connected-stores': (b) => {
    b.stream<string, string>('in')
      .process(
        {
          stores: () => [Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('own'), S, L)],
          get: processing<string, string, string, string>((record, context) => {
            const store = context.getStateStore<KeyValueStore<string, number>>('own');
            if (record.key === null) return;
            const count = store.get(record.key);
            store.put(record.key, (count ?? 0) + 1);
            context.forward(record.withValue(`${record.value}${count}`));
          }),
        },
        { name: 'owner' },
      )
      .to('out');
  },
  'papi-processvalues-store': (b) => {
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('last'), S, S));
    const s = b.stream<string, string>('in').processValues(
      processingValues<string, string, string>((record, context) => {
        const store = context.getStateStore<KeyValueStore<string, string>>('last');
        if (record.key === null || record.value === null) return;
        if (record.value === store.get(record.key)) return;
        store.put(record.key, record.value);
        context.forward(record);
      }),
      { name: 'dedup', stores: ['last'] },
    );
    s.to('out');
    s.groupByKey().count().toStream().to('cnt', { key: S, value: L });
  },
  'papi-context': (b) => {
    b.stream<string, string>(['in', 'in2'])
      .process(
        processing<string, string, string, string>((record, context) => {
          const metadata = context.recordMetadata();
          const origin = metadata === undefined ? 'none' : `${metadata.topic}/${metadata.partition}/${metadata.offset}`;
          const clocks = `st=${context.currentStreamTimeMs()} wc=${context.currentSystemTimeMs()}`;
          context.forward(record.withValue(`${origin} ${clocks} ${context.taskId} ${context.applicationId}`));
        }),
      )
      .to('out');
  },
  'papi-global-store': (b) => {
    b.addGlobalStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore('gstore'), S, S).withLoggingDisabled(), 'g', { key: S, value: S }, () => {
      let store: KeyValueStore<string, string>;
      return {
        init(context) {
          store = context.getStateStore('gstore');
        },
        process(record) {
          if (record.key !== null) store.put(record.key, record.value);
        },
      };
    });
    b.stream<string, string>('in')
      .process(
        processing<string, string, string, string>((record, context) => {
          const store = context.getStateStore<KeyValueStore<string, string>>('gstore');
          context.forward(record.withValue(`${record.value}|${record.key === null ? '' : store.get(record.key)}|${dump(store.all())}`));
        }),
      )
      .to('out');
  },
  'papi-queryable-window-count': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 10))
      .count(win('w', S, L));
    b.stream<string, string>('q')
      .process(
        processing<string, string, string, string>((record, context) => {
          const store = context.getStateStore<TimestampedWindowStore<string, number>>('w');
          if (record.key === null) return;
          let found = '';
          for (const [start, entry] of store.fetchRange(record.key, Math.max(0, record.timestamp - 20), record.timestamp)) {
            found += `${start}:${entry.value}@${entry.timestamp};`;
          }
          context.forward(record.withValue(found));
        }),
        { stores: ['w'] },
      )
      .to('out');
  },
  'papi-kv-inmemory-tstamped': (b) => {
    b.addStateStore(Stores.timestampedKeyValueStoreBuilder(Stores.inMemoryKeyValueStore('tkv'), S, L));
    b.stream<string, string>('in')
      .process(
        processing<string, string, string, string>((record, context) => {
          const store = context.getStateStore<TimestampedKeyValueStore<string, number>>('tkv');
          if (record.key === null) return;
          const old = store.get(record.key);
          if (record.value === null) store.delete(record.key);
          else store.put(record.key, { value: (old?.value ?? 0) + 1, timestamp: record.timestamp * 2 });
          context.forward(record.withValue(old === null ? 'none' : `${old.value}@${old.timestamp}`));
        }),
        { stores: ['tkv'] },
      )
      .to('out');
  },
  'papi-headers-store': (b) => {
    b.addStateStore(Stores.timestampedKeyValueStoreWithHeadersBuilder(Stores.persistentTimestampedKeyValueStoreWithHeaders('hs'), S, S));
    b.stream<string, string>('in')
      .process(
        processing<string, string, string, string>((record, context) => {
          const store = context.getStateStore<KeyValueStore<string, ValueTimestampHeaders<string>>>('hs');
          if (record.key === null) return;
          const old = store.get(record.key);
          if (record.value === null) store.delete(record.key);
          else store.put(record.key, { value: record.value, timestamp: record.timestamp, headers: record.headers });
          context.forward(record.withValue(old === null ? 'none' : `${old.value}@${old.timestamp}#${old.headers.length}`));
        }),
        { stores: ['hs'] },
      )
      .to('out');
  },
  'papi-lru-store': (b) => {
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.lruMap('lru', 3), S, S));
    b.stream<string, string>('in')
      .process(
        processing<string, string, string, string>((record, context) => {
          const store = context.getStateStore<KeyValueStore<string, string>>('lru');
          if (record.key === null) return;
          const old = store.get(record.key);
          if (record.value === null) store.delete(record.key);
          else if (!record.value.startsWith('get')) store.put(record.key, record.value);
          context.forward(record.withValue(`${old} size ${store.approximateNumEntries()}`));
        }),
        { stores: ['lru'] },
      )
      .to('out');
  },
};

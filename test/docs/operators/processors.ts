import { type FixedKeyProcessorContext, type KeyValueStore, type ProcessorContext, Stores, StreamRecord, serdes } from 'millrace';
import type { Example } from '../example.ts';

export const process: Example = {
  topology(builder) {
    builder.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('seen'), serdes.string, serdes.long));
    builder
      .stream<string, string>('views')
      .process(
        () => {
          let context: ProcessorContext<string, string>;
          let seen: KeyValueStore<string, number>;
          return {
            init(given: ProcessorContext<string, string>) {
              context = given;
              seen = context.getStateStore('seen');
              context.schedule('1m', 'stream-time', (time) => context.forward(new StreamRecord('users', [...seen.all()].join(' '), time)));
            },
            process(record: StreamRecord<string, string>) {
              seen.put(record.key, (seen.get(record.key) ?? 0) + 1);
            },
          };
        },
        { name: 'minute-report', stores: ['seen'] },
      )
      .to('reports');
  },
  trace: `
    views  ann  "/"  @0
      → reports  users  "ann,1"  @0
    views  bob  "/"  @1000
    views  ann  "/"  @60000
      → reports  users  "ann,2 bob,1"  @60000
  `,
};

export const processValues: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .processValues({
        stores: () => [Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('last-page'), serdes.string, serdes.string)],
        get: () => {
          let context: FixedKeyProcessorContext<string, string>;
          let lastPage: KeyValueStore<string, string>;
          return {
            init(given: FixedKeyProcessorContext<string, string>) {
              context = given;
              lastPage = context.getStateStore('last-page');
            },
            process(record: StreamRecord<string, string>) {
              if (lastPage.get(record.key) === record.value) return;
              lastPage.put(record.key, record.value);
              context.forward(record);
            },
          };
        },
      })
      .to('page-changes');
  },
  trace: `
    views  ann  "/"  @1
      → page-changes  ann  "/"  @1
    views  ann  "/"  @2
    views  ann  "/cart"  @3
      → page-changes  ann  "/cart"  @3
  `,
};

export const wallClock: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .process(() => {
        let views = 0;
        return {
          init(context: ProcessorContext<string, number>) {
            context.schedule('10s', 'wall-clock-time', (time) => context.forward(new StreamRecord('views', views, time)));
          },
          process() {
            views++;
          },
        };
      })
      .to('rates');
  },
  trace: `
    views  ann  "/"  @1
    clock  +10s
      → rates  views  1  @10000
  `,
};

export const globalStore: Example = {
  topology(builder) {
    const flags = Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore('flags'), serdes.string, serdes.json<boolean>()).withLoggingDisabled();
    builder.addGlobalStore(flags, 'flags', { key: serdes.string, value: serdes.json<boolean>() }, () => {
      let store: KeyValueStore<string, boolean>;
      return {
        init(context) {
          store = context.getStateStore('flags');
        },
        process(record) {
          store.put(record.key, record.value);
        },
      };
    });
    builder
      .stream<string, string>('views')
      .processValues(() => {
        let context: FixedKeyProcessorContext<string, string>;
        return {
          init(given: FixedKeyProcessorContext<string, string>) {
            context = given;
          },
          process(record: StreamRecord<string, string>) {
            const flags = context.getStateStore<KeyValueStore<string, boolean>>('flags');
            if (flags.get(record.value) === true) context.forward(record);
          },
        };
      })
      .to('enabled');
  },
  trace: `
    flags  /beta  true  @0
    views  ann  "/beta"  @1
      → enabled  ann  "/beta"  @1
    views  ann  "/alpha"  @2
  `,
};

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeyValueStore, type Processor, type ProcessorContext, Stores, type StreamRecord, StreamsBuilder, serdes } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const WITH = { key: serdes.string, value: serdes.string };

/** Runs a processor that has a global store, and returns what it makes of record `k`. */
function withGlobalStore(use: (store: KeyValueStore<string, string>) => unknown): unknown {
  const builder = new StreamsBuilder();
  const global = Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore('names'), serdes.string, serdes.string).withLoggingDisabled();
  builder.addGlobalStore(global, 'names-topic', WITH, (): Processor<string, string> => {
    let store: KeyValueStore<string, string>;
    return {
      init(context) {
        store = context.getStateStore('names');
      },
      // Its own processor writes.
      process: ({ key, value }: StreamRecord<string, string>) => store.put(key, value),
    };
  });
  let result: unknown;
  builder.stream<string, string>('in', WITH).process((): Processor<string, string> => {
    let context: ProcessorContext;
    return {
      init(given) {
        context = given;
      },
      process() {
        result = use(context.getStateStore('names'));
      },
    };
  });
  const driver = new TopologyTestDriver(builder.build());
  try {
    driver.createInputTopic('names-topic', serdes.string, serdes.string).pipeInput('k', 'v', 1);
    driver.createInputTopic('in', serdes.string, serdes.string).pipeInput('k', 'x', 2);
    return result;
  } finally {
    driver.close();
  }
}

test('processors read global stores', () => {
  assert.equal(
    withGlobalStore((store) => store.get('k')),
    'v',
  );
  assert.deepEqual(
    withGlobalStore((store) => [...store.all()]),
    [['k', 'v']],
  );
});

for (const [name, write] of Object.entries<(store: KeyValueStore<string, string>) => unknown>({
  put: (store) => store.put('k', 'w'),
  putIfAbsent: (store) => store.putIfAbsent('n', 'w'),
  putAll: (store) => store.putAll([['k', 'w']]),
  delete: (store) => store.delete('k'),
  close: (store) => store.close(),
})) {
  test(`${name} of a global store throws in a processor of another task`, () => {
    assert.throws(() => withGlobalStore(write), {
      code: 'ERR_ILLEGAL_STATE',
      message: new RegExp(`^${name}\\(\\) is called, but a global store is read-only here: .*addGlobalStore.*store names`),
    });
  });
}

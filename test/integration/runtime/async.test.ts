import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaStreams, ProcessingError, StreamsBuilder, serdes } from '../../../src/index.ts';
import { createKafkaClients } from '../../../src/kafka/client.ts';
import type { KafkaClients } from '../../../src/kafka/contract.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertCommittedToTheEnd, expectedSequences, numbered, sequences, waitForValues } from './support/async-workload.ts';
import { assertExactlyOnce, topology, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

const PARTITIONS = 2;

for (const processingGuarantee of ['exactly_once_v2', 'at_least_once'] as const) {
  test(`${processingGuarantee}: calls under way when the process is killed are made again, and offsets are exact`, async () => {
    const app = await Application.create(kafka, 'async', { processingGuarantee }, PARTITIONS);
    try {
      const records = numbered(0, 3000);
      await kafka.produceAll(app.topics.input, records.slice(0, 2000));
      const folder = app.folder();
      const first = await app.child(folder);
      while (first.processed < 500) await sleep(5);
      await first.kill();
      const early = (await kafka.readAll(app.topics.output, 'read_committed')).length;
      assert.ok(early < 2000, `it was killed half-way, after ${early} results`);
      await kafka.produceAll(app.topics.input, records.slice(2000));
      const second = await app.child(folder);
      await waitForValues(kafka, app.topics.output, records);
      await second.kill('SIGTERM');
      await assertCommittedToTheEnd(kafka, app.id, app.topics.input, PARTITIONS);
      const results = await sequences(kafka, app.topics.output, 'read_committed');
      if (processingGuarantee === 'exactly_once_v2') {
        assert.deepEqual(results, expectedSequences(records), 'each once, and in the order of its key');
      } else {
        // What was not committed came again; the first time that a value is seen, everything before it in its key has been.
        const firsts = new Map([...results].map(([key, values]) => [key, [...new Set(values)]]));
        assert.deepEqual(firsts, expectedSequences(records));
      }
    } finally {
      await app.cleanUp();
    }
  });
}

test('exactly_once_v2: counts behind an asynchronous change of keys are exact after SIGKILL', async () => {
  const app = await Application.create(kafka, 'async-count', { processingGuarantee: 'exactly_once_v2' }, PARTITIONS);
  try {
    const records = views(0, 2000);
    await kafka.produceAll(app.topics.input, records.slice(0, 1500));
    const folder = app.folder();
    const first = await app.child(folder);
    while (first.processed < 700) await sleep(5);
    await first.kill();
    await kafka.produceAll(app.topics.input, records.slice(1500));
    await app.child(folder);
    await waitForResults(kafka, 'count', app.topics.output, records);
    await assertExactlyOnce(kafka, 'count', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

test('tasks move while calls are under way: each result once', async () => {
  const app = await Application.create(kafka, 'async', { processingGuarantee: 'exactly_once_v2' }, 4);
  try {
    let going = true;
    const trickle = async (): Promise<number> => {
      let next = 0;
      for (; going; next += 40) {
        await kafka.produceAll(app.topics.input, numbered(next, 40));
        await sleep(50);
      }
      return next;
    };
    const writing = trickle();
    const first = app.instance(app.folder());
    await first.start();
    const second = await app.child(app.folder());
    const deadline = Date.now() + 30_000;
    while ((second.processed < 50 || second.state !== 'RUNNING') && Date.now() < deadline) await sleep(20);
    assert.ok(second.processed > 0, 'the second instance has got tasks');
    await second.kill('SIGTERM');
    going = false;
    const records = numbered(0, await writing);
    await waitForValues(kafka, app.topics.output, records);
    await first.close();
    assert.deepEqual(await sequences(kafka, app.topics.output, 'read_committed'), expectedSequences(records));
    await assertCommittedToTheEnd(kafka, app.id, app.topics.input, 4);
  } finally {
    await app.cleanUp();
  }
});

test('an aborted commit drops calls under way: they are made again, and each result comes once', async () => {
  const app = await Application.create(kafka, 'async', { processingGuarantee: 'exactly_once_v2' }, PARTITIONS);
  const real = createKafkaClients({ bootstrapServers: kafka.bootstrapServers, clientId: app.id });
  let sent = 0;
  let aborted = 0;
  const clients: KafkaClients = {
    membership: (options) => real.membership(options),
    fetcher: (options) => real.fetcher(options),
    admin: () => real.admin(),
    producer(options) {
      const producer = real.producer(options);
      const send = producer.sendOffsetsToTransaction.bind(producer);
      producer.sendOffsetsToTransaction = async (...args) => {
        // Time for the next interval to begin its calls.
        if (++sent % 3 === 0 && aborted < 5) {
          await sleep(100);
          aborted++;
          throw new KafkaClientError('the group has rebalanced', { reaction: 'abortable', kafkaCode: 22 });
        }
        await send(...args);
      };
      return producer;
    },
  };
  try {
    const records = numbered(0, 3000);
    await kafka.produceAll(app.topics.input, records);
    const streams = new KafkaStreams(topology('async', app.topics), app.config(app.folder()), clients);
    await streams.start();
    await waitForValues(kafka, app.topics.output, records);
    await streams.close();
    assert.equal(aborted, 5);
    assert.deepEqual(await sequences(kafka, app.topics.output, 'read_committed'), expectedSequences(records));
    await assertCommittedToTheEnd(kafka, app.id, app.topics.input, PARTITIONS);
  } finally {
    await app.cleanUp();
  }
});

test('what a cached table gives off at a commit goes through an asynchronous operator before that commit', async () => {
  const app = await Application.create(
    kafka,
    'count',
    { processingGuarantee: 'exactly_once_v2', statestoreCacheMaxBytes: 10 << 20, commitIntervalMs: 300 },
    PARTITIONS,
  );
  try {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>(app.topics.input, { key: serdes.string, value: serdes.string })
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .mapValuesAsync(async (count) => {
        await sleep(Math.random() * 10);
        return String(count);
      })
      .to(app.topics.output, { key: serdes.string, value: serdes.string });
    const streams = new KafkaStreams(builder.build(), app.config(app.folder()));
    await streams.start();
    const records = views(0, 3000);
    for (let i = 0; i < 10; i++) {
      await kafka.produceAll(app.topics.input, records.slice(i * 300, (i + 1) * 300));
      await sleep(100);
    }
    while (Object.values(streams.metrics().tasks).reduce((sum, task) => sum + (task.processed ?? 0), 0) < records.length) await sleep(20);
    await streams.close();
    await assertCommittedToTheEnd(kafka, app.id, app.topics.input, PARTITIONS);
    const counts = new Map<string, number>();
    for (const { key } of records) counts.set(String(key), (counts.get(String(key)) ?? 0) + 1);
    const results = await sequences(kafka, app.topics.output, 'read_committed');
    assert.deepEqual(new Map(Array.from(results, ([key, values]) => [key, Number(values.at(-1))])), counts);
    for (const values of results.values())
      assert.deepEqual(
        values,
        values.toSorted((a, b) => Number(a) - Number(b)),
      );
  } finally {
    await app.cleanUp();
  }
});

/** An application of one operator in this process. */
async function single(call: (value: string, signal: AbortSignal, attempt: number) => Promise<string>, options: { retries?: number } = {}) {
  const id = kafka.unique('async');
  const [input, output] = [await kafka.createTopic(`${id}-in`, 1), await kafka.createTopic(`${id}-out`, 1)];
  const app = await Application.create(kafka, 'async', {}, 1);
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>(input, { key: serdes.string, value: serdes.string })
    .mapValuesAsync((value, _key, { signal, attempt }) => call(value, signal, attempt), { name: 'ask', order: 'none', backoff: { initial: 1 }, ...options })
    .to(output, { key: serdes.string, value: serdes.string });
  const folder = app.folder();
  const start = async (): Promise<KafkaStreams> => {
    const streams = new KafkaStreams(builder.build(), { ...app.config(folder), applicationId: id, processingGuarantee: 'exactly_once_v2' });
    await streams.start();
    return streams;
  };
  return { id, input, output, start, cleanUp: () => app.cleanUp() };
}

test('close waits for calls under way and commits their results', async () => {
  let begun = (): void => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const app = await single(async (value, signal) => {
    begun();
    await sleep(1000, undefined, { signal });
    return `${value}!`;
  });
  try {
    await kafka.produceAll(app.input, [{ key: 'a', value: 'x' }]);
    const streams = await app.start();
    await started;
    await streams.close();
    assert.deepEqual(await sequences(kafka, app.output, 'read_committed'), new Map([['a', ['x!']]]));
    await assertCommittedToTheEnd(kafka, app.id, app.input, 1);
  } finally {
    await app.cleanUp();
  }
});

test('close with a timeout cancels calls that take longer; their records are processed again', async () => {
  let calls = 0;
  let reason: unknown;
  const app = await single(async (value, signal) => {
    if (++calls > 1) return `${value}!`;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
        resolve();
      });
    });
    return 'too late';
  });
  try {
    await kafka.produceAll(app.input, [{ key: 'a', value: 'x' }]);
    const streams = await app.start();
    while (calls === 0) await sleep(10);
    await assert.rejects(streams.close({ timeout: 300 }), { code: 'ERR_CLOSE_TIMEOUT' });
    await streams.close();
    assert.equal((reason as Error).name, 'AbortError');
    assert.equal((await kafka.groupOffsets(app.id, [app.input])).get(`${app.input}-0`)?.offset ?? 0, 0);
    const again = await app.start();
    await waitForValues(kafka, app.output, [{ key: 'a', value: 'x!' }]);
    await again.close();
    assert.deepEqual(await sequences(kafka, app.output, 'read_committed'), new Map([['a', ['x!']]]));
  } finally {
    await app.cleanUp();
  }
});

test('retries that are used up stop the service with the place and the cause; nothing of it is committed', async () => {
  const cause = new Error('the service is gone');
  let attempts = 0;
  const app = await single(
    async (value) => {
      if (value !== 'bad') return value;
      attempts++;
      throw cause;
    },
    { retries: 2 },
  );
  try {
    await kafka.produceAll(app.input, [
      { key: 'a', value: 'good' },
      { key: 'a', value: 'bad' },
    ]);
    const streams = await app.start();
    const error = await new Promise<ProcessingError>((resolve) => streams.on('error', (thrown) => resolve(thrown as ProcessingError)));
    assert.ok(error instanceof ProcessingError);
    assert.deepEqual([error.operator, error.topic, error.partition, error.offset], ['ask', app.input, 0, 1]);
    assert.equal(error.cause, cause);
    assert.equal(attempts, 3);
    const committed = (await kafka.groupOffsets(app.id, [app.input])).values().next().value;
    assert.ok((committed?.offset ?? 0) <= 1, 'the record that failed is not committed');
    await streams.close();
  } finally {
    await app.cleanUp();
  }
});

test('once a commit is due, no call begins until those under way have ended', async () => {
  const begun: string[] = [];
  let answer = (): void => {};
  const app = await single((value) => {
    begun.push(value);
    return begun.length > 1 ? Promise.resolve(value) : new Promise((resolve) => (answer = () => resolve(value)));
  });
  try {
    await kafka.produceAll(app.input, [{ key: 'a', value: 'first' }]);
    const streams = await app.start();
    while (begun.length === 0) await sleep(10);
    // The commit is due after 100 ms.
    await sleep(500);
    await kafka.produceAll(app.input, [{ key: 'b', value: 'second' }]);
    await sleep(700);
    assert.deepEqual(begun, ['first']);
    assert.equal((await kafka.groupOffsets(app.id, [app.input])).size, 0, 'nothing is committed meanwhile');
    answer();
    await waitForValues(kafka, app.output, [{ value: 'first' }, { value: 'second' }]);
    await streams.close();
    await assertCommittedToTheEnd(kafka, app.id, app.input, 1);
  } finally {
    await app.cleanUp();
  }
});

test('calls that would hold up a rebalance for too long are cancelled, and made again by whoever has the task then', async () => {
  const app = await Application.create(kafka, 'async', { processingGuarantee: 'exactly_once_v2', maxPollIntervalMs: 6000 }, 4);
  const started: KafkaStreams[] = [];
  try {
    let slow = true;
    let calls = 0;
    let cancelled = 0;
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>(app.topics.input, { key: serdes.string, value: serdes.string })
      .mapValuesAsync(
        async (value, _key, { signal }) => {
          calls++;
          signal.addEventListener('abort', () => cancelled++);
          if (slow) await sleep(3000, undefined, { signal });
          return value;
        },
        { timeout: '5s' },
      )
      .to(app.topics.output, { key: serdes.string, value: serdes.string });
    const start = async (): Promise<void> => {
      const streams = new KafkaStreams(builder.build(), app.config(app.folder()));
      started.push(streams);
      await streams.start();
    };
    // One key a partition: its calls wait for each other, longer than a rebalance would for them.
    const records = Array.from({ length: 80 }, (_, i) => ({ key: `key-${i % 4}`, value: String(i), partition: i % 4 }));
    await kafka.produceAll(app.topics.input, records);
    await start();
    while (calls === 0) await sleep(10);
    await start();
    // It runs as soon as it has joined; the tasks follow.
    const deadline = Date.now() + 30_000;
    while (cancelled === 0 && Date.now() < deadline) await sleep(20);
    assert.ok(cancelled > 0, 'calls were cancelled so that tasks could move');
    slow = false;
    await waitForValues(kafka, app.topics.output, records);
    for (const streams of started) await streams.close();
    assert.deepEqual(await sequences(kafka, app.topics.output, 'read_committed'), expectedSequences(records));
    await assertCommittedToTheEnd(kafka, app.id, app.topics.input, 4);
  } finally {
    for (const streams of started) await streams.close();
    await app.cleanUp();
  }
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { createKafkaClients } from '../../../src/kafka/client.ts';
import type { KafkaClients, Producer, ProducerOptions } from '../../../src/kafka/contract.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { KafkaStreams } from '../../../src/runtime/kafka-streams.ts';
import { serdes } from '../../../src/serdes/serdes.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, topology, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

type Calls = 'beginTransaction' | 'sendOffsetsToTransaction' | 'commitTransaction';

/** Real clients, whose producers do something at chosen calls: `before` and `timeoutMs` see the number of the call, over all producers. */
function tampered(
  app: Application,
  tamper: { before?: (call: Calls, n: number) => Promise<void>; timeoutMs?: (call: Calls, n: number) => number | undefined },
): { clients: KafkaClients; producers: () => number } {
  const real = createKafkaClients({ bootstrapServers: app.kafka.bootstrapServers, clientId: app.id });
  const counts = new Map<Calls, number>();
  let producers = 0;
  const clients: KafkaClients = {
    membership: (options) => real.membership(options),
    fetcher: (options) => real.fetcher(options),
    admin: () => real.admin(),
    producer: (options: ProducerOptions): Producer => {
      const producer = real.producer(options);
      if (options.transactionalId === undefined) return producer;
      producers++;
      for (const name of ['beginTransaction', 'sendOffsetsToTransaction', 'commitTransaction'] as const) {
        const call = producer[name].bind(producer) as (...args: unknown[]) => Promise<void>;
        Object.assign(producer, {
          [name]: async (...args: unknown[]) => {
            const n = (counts.get(name) ?? 0) + 1;
            counts.set(name, n);
            await tamper.before?.(name, n);
            const timeoutMs = tamper.timeoutMs?.(name, n);
            await call(...(timeoutMs === undefined ? args : [...args.slice(0, -1), timeoutMs]));
          },
        });
      }
      return producer;
    },
  };
  return { clients, producers: () => producers };
}

async function runTampered(app: Application, clients: KafkaClients, overrides: object = {}): Promise<KafkaStreams> {
  const streams = new KafkaStreams(
    topology('windows', app.topics),
    app.config(app.folder(), { processingGuarantee: 'exactly_once_v2', ...overrides }),
    clients,
  );
  await streams.start();
  return streams;
}

test('retriable: a commit that times out at the client goes on at the brokers: it is called again, never aborted', async () => {
  const app = await Application.create(kafka, 'windows');
  let calls = 0;
  const { clients, producers } = tampered(app, {
    timeoutMs: (call, n) => {
      if (call !== 'commitTransaction') return undefined;
      calls = n;
      return n % 2 === 0 && n < 12 ? 1 : undefined;
    },
  });
  try {
    const records = views(0, 2000);
    const streams = await runTampered(app, clients);
    for (let i = 0; i < 10; i++) {
      await kafka.produceAll(app.topics.input, records.slice(i * 200, (i + 1) * 200));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await streams.close();
    assert.ok(calls >= 4, `${calls} commits`);
    assert.equal(producers(), 1);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

test('abortable: the interval and the one behind it are dropped, state and all, and done again', async () => {
  const app = await Application.create(kafka, 'windows');
  let aborted = 0;
  const { clients, producers } = tampered(app, {
    before: async (call, n) => {
      if (call !== 'sendOffsetsToTransaction' || n % 2 === 0 || n > 8) return;
      // Time for the next interval to be processed, which then must not survive.
      await new Promise((resolve) => setTimeout(resolve, 150));
      aborted++;
      throw new KafkaClientError('the group has rebalanced', { reaction: 'abortable', kafkaCode: 22 });
    },
  });
  try {
    const records = views(0, 2000);
    const streams = await runTampered(app, clients);
    for (let i = 0; i < 10; i++) {
      await kafka.produceAll(app.topics.input, records.slice(i * 200, (i + 1) * 200));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await streams.close();
    assert.equal(aborted, 4);
    assert.equal(producers(), 1);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

test('fatal: a transaction that outlives its timeout is fenced, and a new producer goes on', async () => {
  const app = await Application.create(kafka, 'windows');
  const { clients, producers } = tampered(app, {
    before: async (call, n) => {
      // The broker aborts it meanwhile and fences the producer.
      if (call === 'commitTransaction' && n === 2) await new Promise((resolve) => setTimeout(resolve, 4500));
    },
  });
  try {
    const records = views(0, 1500);
    const streams = await runTampered(app, clients, { transactionTimeoutMs: 1000 });
    for (let i = 0; i < 3; i++) {
      await kafka.produceAll(app.topics.input, records.slice(i * 500, (i + 1) * 500));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await streams.close();
    assert.equal(producers(), 2, 'a second producer was made');
    await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

for (const processingGuarantee of ['exactly_once_v2', 'at_least_once'] as const) {
  test(`${processingGuarantee}: a record that the broker refuses stops the service and commits nothing`, async () => {
    const app = await Application.create(kafka, 'count', { processingGuarantee, kafka: { 'message.max.bytes': 4_000_000 } }, 1);
    try {
      const { input, output } = app.topics;
      const builder = new StreamsBuilder();
      // The client takes four megabytes, the broker one.
      builder
        .stream<string, string>(input, { key: serdes.string, value: serdes.string })
        .mapValues((value) => (value === 'page-7' ? 'x'.repeat(2_000_000) : value))
        .to(output, { key: serdes.string, value: serdes.string });
      await kafka.produceAll(input, views(0, 3));
      const streams = new KafkaStreams(builder.build(), app.config(app.folder()));
      const error = new Promise<Error>((resolve) => streams.on('error', resolve));
      await streams.start().catch(() => undefined);
      const failure = (await error) as Error & { code?: string; topic?: string };
      assert.deepEqual([failure.code, failure.topic], ['ERR_PRODUCTION', output]);
      await streams.close();
      assert.deepEqual([...(await kafka.groupOffsets(app.id, [input])).values()], [], 'no offset was committed');
      if (processingGuarantee === 'exactly_once_v2') assert.deepEqual(await kafka.readAll(output), []);
    } finally {
      await app.cleanUp();
    }
  });
}

test('at_least_once: a refused record is dropped where the production handler says so, and counted', async () => {
  const app = await Application.create(kafka, 'count', { kafka: { 'message.max.bytes': 4_000_000 } }, 1);
  try {
    const { input, output } = app.topics;
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>(input, { key: serdes.string, value: serdes.string })
      .mapValues((value) => (value === 'page-7' ? 'x'.repeat(2_000_000) : value))
      .to(output, { key: serdes.string, value: serdes.string });
    await kafka.produceAll(input, views(0, 3));
    const streams = new KafkaStreams(builder.build(), app.config(app.folder(), { productionExceptionHandler: 'continue' }));
    await streams.start();
    while ((await kafka.groupOffsets(app.id, [input])).size === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(streams.metrics().droppedOutputs, { [output]: 1 });
    await streams.close();
    assert.deepEqual((await kafka.readAll(output)).map((message) => message.value?.toString()).sort(), ['page-0', 'page-1']);
  } finally {
    await app.cleanUp();
  }
});

test('a restore that starts right after a commit misses nothing', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2' });
  try {
    const records = views(0, 3000);
    let streams = app.instance(app.folder());
    await streams.start();
    for (let i = 0; i < 5; i++) {
      const part = records.slice(i * 600, (i + 1) * 600);
      await kafka.produceAll(app.topics.input, part);
      while (Object.values(streams.metrics().tasks).reduce((sum, task) => sum + (task.processed ?? 0), 0) === 0)
        await new Promise((resolve) => setTimeout(resolve, 5));
      // Closing commits; the next instance has no state and restores at once.
      await streams.close();
      streams = app.instance(app.folder());
      await streams.start();
    }
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

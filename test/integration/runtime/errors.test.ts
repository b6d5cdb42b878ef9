import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { KafkaStreams } from '../../../src/runtime/kafka-streams.ts';
import { serdes } from '../../../src/serdes/serdes.ts';
import { freePorts } from '../../support/broker/ports.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, topology, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

/** Long input values are copied; anything that is not 8 bytes cannot be decoded. */
function longs(input: string, output: string) {
  const builder = new StreamsBuilder();
  builder.stream<string, number>(input, { key: serdes.string, value: serdes.long }).to(output, { key: serdes.string, value: serdes.long });
  return builder.build();
}

const long = (n: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(n));
  return bytes;
};

test('no broker: start rejects within requestTimeoutMs, and the state directory is free again', async () => {
  const app = await Application.create(kafka, 'count');
  try {
    const folder = app.folder();
    const nowhere = `127.0.0.1:${(await freePorts(1))[0]}`;
    const streams = app.instance(folder, { bootstrapServers: nowhere, requestTimeoutMs: 1500 });
    await assert.rejects(streams.start(), { code: 'ERR_KAFKA_NO_BROKER', message: new RegExp(nowhere) });
    assert.equal(streams.state, 'ERROR');
    await streams.close();
    await app.instance(folder).start();
  } finally {
    await app.cleanUp();
  }
});

test('source topics that do not exist are named', async () => {
  const app = await Application.create(kafka, 'count');
  try {
    const streams = new KafkaStreams(topology('count', { input: `${app.id}-missing`, output: app.topics.output }), app.config(app.folder()));
    await assert.rejects(streams.start(), { code: 'ERR_MISSING_SOURCE_TOPICS', message: new RegExp(`${app.id}-missing`) });
  } finally {
    await app.cleanUp();
  }
});

for (const processingGuarantee of ['exactly_once_v2', 'at_least_once'] as const) {
  test(`${processingGuarantee}: a record that cannot be decoded stops the service; records before it are not lost, and it is named`, async () => {
    const app = await Application.create(kafka, 'count', { processingGuarantee }, 1);
    try {
      const { input, output } = app.topics;
      await kafka.produceAll(input, [
        { key: 'a', value: long(1) },
        { key: 'b', value: 'not a long' },
        { key: 'c', value: long(3) },
      ]);
      const folder = app.folder();
      const streams = new KafkaStreams(longs(input, output), app.config(folder));
      const error = new Promise<Error>((resolve) => streams.on('error', resolve));
      await streams.start().catch(() => undefined);
      const failure = (await error) as Error & { [field: string]: unknown };
      assert.deepEqual([failure.code, failure.topic, failure.partition, failure.offset], ['ERR_SERIALIZATION', input, 0, 1]);
      assert.match(failure.message, /cannot be decoded as long/);
      assert.equal(streams.state, 'ERROR');
      await streams.close();

      const skipping = new KafkaStreams(longs(input, output), app.config(folder, { deserializationExceptionHandler: 'continue' }));
      await skipping.start();
      while ((await kafka.readAll(output)).filter((message) => message.key?.toString() === 'c').length === 0)
        await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(skipping.metrics().tasks['0_0']?.dropped, 1);
      await skipping.close();
      const keys = (await kafka.readAll(output)).map((message) => message.key?.toString());
      if (processingGuarantee === 'exactly_once_v2') assert.deepEqual(keys, ['a', 'c']);
      else assert.deepEqual([...new Set(keys)], ['a', 'c']);
    } finally {
      await app.cleanUp();
    }
  });
}

test('another topology under the same application id: refused while the group lives, an upgrade when it is empty', async () => {
  const app = await Application.create(kafka, 'windows');
  try {
    const first = app.instance(app.folder());
    await first.start();
    const other = new KafkaStreams(longs(app.topics.input, app.topics.output), app.config(app.folder()));
    const failed = new Promise<Error>((resolve) => other.on('error', resolve));
    // It joins, learns of the descriptor with its first task, and leaves.
    await other.start().catch(() => undefined);
    assert.equal(((await failed) as { code?: string }).code, 'ERR_TOPOLOGY_MISMATCH');
    await other.close();
    assert.equal(first.state === 'RUNNING' || first.state === 'REBALANCING', true, 'the group goes on');
    await first.close();

    const upgrade = new KafkaStreams(longs(app.topics.input, app.topics.output), app.config(app.folder()));
    await upgrade.start();
    assert.equal(upgrade.state, 'RUNNING');
    await upgrade.close();
  } finally {
    await app.cleanUp();
  }
});

test('an internal topic with another partition count is an error that says so', async () => {
  const app = await Application.create(kafka, 'windows');
  try {
    await kafka.createTopic(`${app.id}-counts-changelog`, 5);
    await assert.rejects(app.instance(app.folder()).start(), { code: 'ERR_INTERNAL_TOPIC', message: /has 5 partitions, and 2 are needed/ });
  } finally {
    await app.cleanUp();
  }
});

test('state whose offsets are gone is an error, not a second counting', async () => {
  const app = await Application.create(kafka, 'count', { processingGuarantee: 'exactly_once_v2' });
  try {
    const records = views(0, 200);
    await kafka.produceAll(app.topics.input, records);
    const folder = app.folder();
    const streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'count', app.topics.output, records);
    await streams.close();

    // The same topics under another group have no offsets: as if the broker had expired them.
    const { rdKafka } = await import('../../../src/kafka/native.ts');
    const admin = rdKafka().AdminClient.create({ 'bootstrap.servers': kafka.bootstrapServers });
    await new Promise<void>((resolve, reject) => admin.deleteGroups([app.id], { timeout: 10_000 }, (error) => (error ? reject(error) : resolve())));
    admin.disconnect();

    for (const again of [app.instance(folder), app.instance(app.folder())]) {
      const error = new Promise<Error>((resolve) => again.on('error', resolve));
      await again.start().catch(() => undefined);
      assert.equal(((await error) as { code?: string }).code, 'ERR_STATE_WITHOUT_OFFSETS');
      await again.close();
    }
    await assertExactlyOnce(kafka, 'count', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

test('a user function that throws stops the service with operator, topic, partition and offset', async () => {
  const app = await Application.create(kafka, 'count', { processingGuarantee: 'exactly_once_v2' }, 1);
  try {
    await kafka.produceAll(app.topics.input, views(0, 3));
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>(app.topics.input, { key: serdes.string, value: serdes.string })
      .mapValues(
        (value) => {
          if (value === 'page-7') throw new Error('seven');
          return value;
        },
        { name: 'picky' },
      )
      .to(app.topics.output, { key: serdes.string, value: serdes.string });
    const streams = new KafkaStreams(builder.build(), app.config(app.folder()));
    const error = new Promise<Error>((resolve) => streams.on('error', resolve));
    await streams.start().catch(() => undefined);
    const failure = (await error) as Error & { [field: string]: unknown };
    assert.deepEqual(
      [failure.code, failure.operator, failure.topic, failure.partition, failure.offset, (failure.cause as Error).message],
      ['ERR_PROCESSING', 'picky', app.topics.input, 0, 1, 'seven'],
    );
    await streams.close();
    assert.deepEqual(await kafka.readAll(app.topics.output), [], 'what was processed with it is not committed');
  } finally {
    await app.cleanUp();
  }
});

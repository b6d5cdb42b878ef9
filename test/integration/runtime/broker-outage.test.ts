import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type PrivateBroker, startBroker } from '../../support/broker.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, views, waitForResults } from './support/workload.ts';

let broker: PrivateBroker;
let kafka: TestKafka;
before(async () => {
  broker = await startBroker();
  kafka = await connectTestKafka(broker.bootstrapServers);
});
after(async () => {
  await kafka.close();
  await broker.stop();
});

test('the broker is frozen with work under way, and comes back in time: nothing is lost or doubled', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2', requestTimeoutMs: 2000 });
  try {
    const records = views(0, 4000);
    await kafka.produceAll(app.topics.input, records);
    const streams = app.instance(app.folder());
    await streams.start();
    while (Object.values(streams.metrics().tasks).reduce((sum, task) => sum + (task.processed ?? 0), 0) < 200)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await broker.signalNode(1, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 4000));
    await broker.signalNode(1, 'SIGCONT');
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await streams.close();
    await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

test('the broker stays away for longer than taskTimeoutMs: an error says what could not be done, and for how long', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2', requestTimeoutMs: 1000, taskTimeoutMs: 3000 });
  try {
    const records = views(0, 4000);
    await kafka.produceAll(app.topics.input, records);
    const folder = app.folder();
    let streams = app.instance(folder);
    const error = new Promise<Error & { code?: string }>((resolve) => streams.on('error', resolve));
    await streams.start();
    while (Object.values(streams.metrics().tasks).reduce((sum, task) => sum + (task.processed ?? 0), 0) < 200)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await broker.signalNode(1, 'SIGSTOP');
    const failure = await error;
    await broker.signalNode(1, 'SIGCONT');
    assert.equal(failure.code, 'ERR_TIMEOUT');
    assert.match(failure.message, /within 3000 ms \(taskTimeoutMs\)/);
    assert.equal(streams.state, 'ERROR');
    await streams.close();
    streams = app.instance(folder, { taskTimeoutMs: 60_000, requestTimeoutMs: 10_000 });
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
  } finally {
    await app.cleanUp();
  }
});

test('a broker that was killed and is back leads its partitions under a new epoch: offsets can be listed again', async () => {
  const topic = await kafka.createTopic(kafka.unique('epoch'), 1);
  const partition = { topic, partition: 0 };
  await kafka.produceAll(topic, [{ value: 'x' }]);
  const list = (): Promise<Map<string, number>> => kafka.admin.listOffsets([partition], 'latest', 'read_uncommitted', 5000);
  assert.deepEqual([...(await list()).values()], [1]);
  await broker.killNode(1);
  await broker.startNode(1);
  for (let attempt = 1; ; attempt++) {
    try {
      assert.deepEqual([...(await list()).values()], [1]);
      return;
    } catch (error) {
      // The client has known the old epoch: it has to look again by itself.
      if (attempt === 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
});

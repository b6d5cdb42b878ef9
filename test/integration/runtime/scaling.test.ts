import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

/** Writes in portions until told to stop, so that there is always something under way. */
async function trickle(app: Application, from: number, portion: number, keepOn: () => boolean): Promise<number> {
  let next = from;
  while (keepOn()) {
    await kafka.produceAll(app.topics.input, views(next, portion));
    next += portion;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return next;
}

for (const groupProtocol of ['classic', 'consumer'] as const) {
  test(`${groupProtocol}: one instance, two, one again while records come in: exact results`, async () => {
    const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2', groupProtocol }, 4);
    try {
      let going = true;
      const writing = trickle(app, 0, 100, () => going);
      const first = app.instance(app.folder());
      await first.start();
      const second = await app.child(app.folder());
      const deadline = Date.now() + 15_000;
      while ((second.processed === 0 || second.state !== 'RUNNING') && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(second.processed > 0, 'the second instance has got tasks and processes');
      const own = Object.keys(first.metrics().tasks).length;
      assert.ok(own > 0 && own < 8, `the first instance keeps some of the 8 tasks, and has ${own}`);
      await second.kill('SIGTERM');
      while (Object.keys(first.metrics().tasks).length < 8 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(Object.keys(first.metrics().tasks).length, 8, 'the first instance has all tasks again');
      going = false;
      const records = views(0, await writing);
      await waitForResults(kafka, 'windows', app.topics.output, records);
      await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
    } finally {
      await app.cleanUp();
    }
  });
}

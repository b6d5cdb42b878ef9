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

for (const groupProtocol of ['classic', 'consumer'] as const) {
  test(`${groupProtocol}: a member more than there are tasks runs without any, and takes over when another leaves`, async () => {
    // Two tasks: one reads the input, the other counts.
    const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2', groupProtocol }, 1);
    try {
      const records = views(0, 1500);
      await kafka.produceAll(app.topics.input, records.slice(0, 500));
      const first = await app.child(app.folder());
      const second = await app.child(app.folder());
      await waitForResults(kafka, 'windows', app.topics.output, records.slice(0, 500));
      await until('both have their task', () => first.state === 'RUNNING' && second.state === 'RUNNING' && first.tasks === 1 && second.tasks === 1);

      const surplus = app.instance(app.folder());
      const tasks = (): number => Object.keys(surplus.metrics().tasks).length;
      await surplus.start();
      assert.equal(surplus.state, 'RUNNING');
      assert.equal(tasks(), 0);
      await kafka.produceAll(app.topics.input, records.slice(500, 1000));
      await waitForResults(kafka, 'windows', app.topics.output, records.slice(0, 1000));
      assert.deepEqual([surplus.state, tasks(), first.tasks, second.tasks], ['RUNNING', 0, 1, 1]);

      await first.kill('SIGTERM');
      await until('it has the task of the one that left', () => surplus.state === 'RUNNING' && tasks() === 1);
      await kafka.produceAll(app.topics.input, records.slice(1000));
      await waitForResults(kafka, 'windows', app.topics.output, records);
      await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
    } finally {
      await app.cleanUp();
    }
  });
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) assert.fail(`After 20 s: not so that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

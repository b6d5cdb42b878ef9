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
  test(`${groupProtocol}: a static member that restarts within its session timeout gets its tasks back, and no other task moves`, async () => {
    const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2', groupProtocol, sessionTimeoutMs: 30_000 }, 4);
    try {
      const records = views(0, 3000);
      await kafka.produceAll(app.topics.input, records.slice(0, 1000));
      // The other one restarts: this process sees whether anything of its own moves.
      const stays = app.instance(app.folder(), { groupInstanceId: 'a' });
      await stays.start();
      const folder = app.folder();
      const leaves = await app.child(folder, { groupInstanceId: 'b' });
      const tasks = (): string[] => Object.keys(stays.metrics().tasks).sort();
      const deadline = Date.now() + 20_000;
      while ((tasks().length !== 4 || leaves.state !== 'RUNNING' || stays.state !== 'RUNNING') && Date.now() < deadline) await pause();
      const own = tasks();
      assert.equal(own.length, 4, `each of the two has half of the 8 tasks: ${own}`);
      await waitForResults(kafka, 'windows', app.topics.output, records.slice(0, 1000));

      const states: string[] = [];
      stays.on('state', (next) => states.push(next));
      await leaves.kill('SIGTERM');
      await kafka.produceAll(app.topics.input, records.slice(1000, 2000));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const back = await app.child(folder, { groupInstanceId: 'b' });
      await waitForResults(kafka, 'windows', app.topics.output, records.slice(0, 2000), 15_000);
      await kafka.produceAll(app.topics.input, records.slice(2000));
      await waitForResults(kafka, 'windows', app.topics.output, records, 15_000);
      assert.equal(back.state, 'RUNNING');
      assert.ok(back.processed > 0, 'it has tasks again');
      assert.deepEqual(tasks(), own);
      assert.deepEqual(states, [], 'the one that stayed never left RUNNING');
      await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
    } finally {
      await app.cleanUp();
    }
  });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

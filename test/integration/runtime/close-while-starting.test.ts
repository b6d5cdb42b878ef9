import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { IllegalStateError } from '../../../src/errors.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

test('an instance that is closed while it starts, at whatever step, ends; and the next one works', async () => {
  const app = await Application.create(kafka, 'windows');
  try {
    const records = views(0, 500);
    await kafka.produceAll(app.topics.input, records);
    for (const afterMs of [0, 20, 60, 120, 200, 300, 450]) {
      const folder = app.folder();
      const streams = app.instance(folder);
      const outcome = streams.start().then(
        () => 'ran',
        (error: unknown) => error,
      );
      await sleep(afterMs);
      await streams.close({ timeout: '20s' });
      assert.equal(streams.state, 'NOT_RUNNING', `closed after ${afterMs} ms`);
      const ended = await outcome;
      if (ended !== 'ran') assert.ok(ended instanceof IllegalStateError, `closed after ${afterMs} ms: ${ended}`);
      // The state directory is free again.
      if (afterMs === 0) await assert.doesNotReject(app.instance(folder).close());
    }
    const next = app.instance(app.folder());
    await next.start();
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await next.close();
  } finally {
    await app.cleanUp();
  }
});

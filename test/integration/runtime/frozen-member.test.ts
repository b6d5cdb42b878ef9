import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, assertNothingLost, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

/** The consumer protocol's session timeout is the broker's: 6 s on test brokers. */
const SESSION = { classic: 1500, consumer: 6000 } as const;

for (const groupProtocol of ['classic', 'consumer'] as const) {
  for (const processingGuarantee of ['exactly_once_v2', 'at_least_once'] as const) {
    test(`${groupProtocol}, ${processingGuarantee}: frozen past its session timeout with work in hand, replaced, and thawed`, async () => {
      const sessionTimeoutMs = SESSION[groupProtocol];
      // The commit is far away, so that the frozen member always holds an interval.
      const app = await Application.create(kafka, 'windows', {
        processingGuarantee,
        groupProtocol,
        sessionTimeoutMs,
        heartbeatIntervalMs: 300,
        commitIntervalMs: 300,
      });
      try {
        const records = views(0, 4000);
        await kafka.produceAll(app.topics.input, records.slice(0, 2000));
        const frozen = await app.child(app.folder());
        while (frozen.processed < 300) await new Promise((resolve) => setTimeout(resolve, 2));
        await frozen.kill('SIGSTOP');
        const other = app.instance(app.folder());
        // Its first assignment may be empty: the frozen member still counts.
        await other.start();
        const deadline = Date.now() + 20_000;
        while (Object.keys(other.metrics().tasks).length < 4 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
        assert.equal(Object.keys(other.metrics().tasks).length, 4, 'the tasks of the frozen member were taken over');
        await waitForResults(kafka, 'windows', app.topics.output, records.slice(0, 2000), 15_000);
        await frozen.kill('SIGCONT');
        await kafka.produceAll(app.topics.input, records.slice(2000));
        await waitForResults(kafka, 'windows', app.topics.output, records, 15_000);
        // It comes back as a member, and processes again.
        while (frozen.state !== 'RUNNING' && Date.now() < deadline + 10_000) await new Promise((resolve) => setTimeout(resolve, 20));
        assert.equal(frozen.state, 'RUNNING');
        if (processingGuarantee === 'exactly_once_v2') await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
        else await assertNothingLost(kafka, 'windows', app.topics.output, records);
      } finally {
        await app.cleanUp();
      }
    });
  }
}

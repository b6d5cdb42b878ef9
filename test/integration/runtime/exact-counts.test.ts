import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RestoreProgress } from '../../../src/runtime/restore/restorer.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, assertNothingLost, expectedCounts, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

for (const processingGuarantee of ['exactly_once_v2', 'at_least_once'] as const) {
  test(`${processingGuarantee}: windowed counts behind a repartition topic are exact, across a restart that restores nothing`, async () => {
    const app = await Application.create(kafka, 'windows', { processingGuarantee });
    try {
      const first = views(0, 2000);
      await kafka.produceAll(app.topics.input, first);
      const folder = app.folder();
      let streams = app.instance(folder);
      await streams.start();
      await waitForResults(kafka, 'windows', app.topics.output, first);
      await streams.close();
      assert.equal(streams.state, 'NOT_RUNNING');

      const second = views(2000, 1000);
      await kafka.produceAll(app.topics.input, second);
      streams = app.instance(folder);
      const restores: RestoreProgress[] = [];
      streams.on('restore', (progress) => restores.push(progress));
      await streams.start();
      const all = [...first, ...second];
      await waitForResults(kafka, 'windows', app.topics.output, all);
      // A commit returns before its marker is written, so the stored offset may be one behind it: a lower bound.
      assert.deepEqual(
        restores.filter(({ total }) => total > 1),
        [],
        'after a clean close the state is as new as the changelog',
      );

      // What the store holds, by its local view.
      const counts = streams.store<string, number>('counts');
      const held = new Map(
        [...counts.all()].map(([windowed, count]) => [
          `${(windowed as unknown as { key: string }).key}@${(windowed as unknown as { window: { start: number } }).window.start}`,
          count,
        ]),
      );
      assert.deepEqual(new Map([...held].sort()), new Map([...expectedCounts('windows', all)].sort()));
      await streams.close();
      assert.throws(() => streams.store('counts'), { code: 'ERR_ILLEGAL_STATE' });
      // Nothing went wrong, so at-least-once is exact too.
      await assertExactlyOnce(kafka, 'windows', app.topics.output, all);
    } finally {
      await app.cleanUp();
    }
  });

  test(`${processingGuarantee}: killed with SIGKILL half-way and started again`, async () => {
    const app = await Application.create(kafka, 'windows', { processingGuarantee });
    try {
      const records = views(0, 6000);
      await kafka.produceAll(app.topics.input, records.slice(0, 3000));
      const folder = app.folder();
      const first = await app.child(folder);
      while (first.processed < 500) await new Promise((resolve) => setTimeout(resolve, 5));
      await first.kill();
      await kafka.produceAll(app.topics.input, records.slice(3000));
      await app.child(folder);
      await waitForResults(kafka, 'windows', app.topics.output, records);
      if (processingGuarantee === 'exactly_once_v2') await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
      else await assertNothingLost(kafka, 'windows', app.topics.output, records);
    } finally {
      await app.cleanUp();
    }
  });
}

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { partitionKey } from '../../../src/kafka/contract.ts';
import { type PrivateBroker, startBroker } from '../../support/broker.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, views, WINDOW_MS, waitForResults } from './support/workload.ts';

/** A broker that looks for expired records every second, by the records' own timestamps, with a week's retention: as in production, only sooner. */
let broker: PrivateBroker;
let kafka: TestKafka;
before(async () => {
  broker = await startBroker({
    properties: { 'log.retention.check.interval.ms': '1000', 'log.retention.ms': '604800000', 'log.segment.delete.delay.ms': '100' },
  });
  kafka = await connectTestKafka(broker.bootstrapServers);
});
after(async () => {
  await kafka.close();
  await broker.stop();
});

/** May 2015. */
const START = 1_431_000_000_000;

test('event times of 2015: the changelog outlives the broker’s retention, so state restored from it is right', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2' });
  try {
    const first = views(0, 1000, { start: START });
    await kafka.produceAll(app.topics.input, first);
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, first);
    await streams.close();
    rmSync(folder, { recursive: true });
    // Time for the broker to delete what it thinks is old.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const changelog = [0, 1].map((partition) => ({ topic: `${app.id}-counts-changelog`, partition }));
    const begin = await kafka.admin.listOffsets(changelog, 'earliest', 'read_uncommitted', 5000);
    assert.deepEqual([...begin.values()], [0, 0], 'nothing of the changelog was deleted');

    const second = views(1000, 1000, { start: START });
    await kafka.produceAll(app.topics.input, second);
    streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, [...first, ...second]);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, [...first, ...second]);
  } finally {
    await app.cleanUp();
  }
});

test('as stream time passes the library deletes what is expired, and nothing else', async () => {
  const app = await Application.create(kafka, 'windows', {
    processingGuarantee: 'exactly_once_v2',
    windowstoreChangelogAdditionalRetentionMs: 0,
    repartitionPurgeIntervalMs: 100,
  });
  try {
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    // Retention is a day and ten seconds: four days of history, and the last hours stay.
    const records = [0, 1, 2, 3].flatMap((day) => views(day * 200, 200, { start: START + day * 86_400_000, stepMs: 100 }));
    for (let day = 0; day < 4; day++) {
      const portion = records.slice(day * 200, (day + 1) * 200);
      await kafka.produceAll(app.topics.input, portion);
      await waitForResults(kafka, 'windows', app.topics.output, records.slice(0, (day + 1) * 200));
    }
    const changelog = [0, 1].map((partition) => ({ topic: `${app.id}-counts-changelog`, partition }));
    const repartition = [0, 1].map((partition) => ({ topic: `${app.id}-counts-repartition`, partition }));
    const deadline = Date.now() + 10_000;
    const begins = async (): Promise<Map<string, number>> => kafka.admin.listOffsets([...changelog, ...repartition], 'earliest', 'read_uncommitted', 5000);
    let begin = await begins();
    while ([...begin.values()].some((offset) => offset === 0) && Date.now() < deadline) {
      // Purges follow commits, so something has to happen.
      const extra = views(records.length, 20, { start: START + 3 * 86_400_000, stepMs: 100 });
      records.push(...extra);
      await kafka.produceAll(app.topics.input, extra);
      await waitForResults(kafka, 'windows', app.topics.output, records);
      begin = await begins();
    }
    for (const partition of [...changelog, ...repartition])
      assert.ok((begin.get(partitionKey(partition)) as number) > 0, `${partitionKey(partition)} was purged`);
    await streams.close();
    rmSync(folder, { recursive: true });

    // What is left restores every window that is still open.
    streams = app.instance(folder);
    await streams.start();
    const more = views(records.length, 200, { start: START + 3 * 86_400_000, stepMs: 100 });
    await kafka.produceAll(app.topics.input, more);
    await waitForResults(kafka, 'windows', app.topics.output, [...records, ...more]);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, [...records, ...more]);
    assert.ok(WINDOW_MS < 86_400_000);
  } finally {
    await app.cleanUp();
  }
});

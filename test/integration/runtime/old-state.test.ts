import assert from 'node:assert/strict';
import { closeSync, cpSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { KafkaStreams } from '../../../src/runtime/kafka-streams.ts';
import { serdes } from '../../../src/serdes/serdes.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

/** A table with its own changelog, whose deletes leave tombstones that live for two seconds. */
function table(app: Application) {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>(app.topics.input, { key: serdes.string, value: serdes.string })
    .toTable({ store: 'rows', key: serdes.string, value: serdes.string, logging: { 'delete.retention.ms': '2000' } })
    .toStream()
    .to(app.topics.output, { key: serdes.string, value: serdes.string });
  return builder.build();
}

test('state that is older than tombstones live is rebuilt, not continued', async () => {
  const app = await Application.create(kafka, 'count', { processingGuarantee: 'exactly_once_v2' }, 1);
  try {
    const { input, output } = app.topics;
    const folder = app.folder();
    const run = async (stateDir: string, records: { key: string; value: string | null }[]): Promise<KafkaStreams> => {
      await kafka.produceAll(input, records);
      const streams = new KafkaStreams(table(app), app.config(stateDir));
      await streams.start();
      const last = records.at(-1)?.key as string;
      while (!(await kafka.readAll(output)).some((message) => message.key?.toString() === last)) await new Promise((resolve) => setTimeout(resolve, 50));
      return streams;
    };
    await (
      await run(folder, [
        { key: 'gone', value: '1' },
        { key: 'first', value: '1' },
      ])
    ).close();
    // Elsewhere the row is deleted, and compaction removes row and tombstone: here the end of the changelog is cut to the same effect.
    await (
      await run(app.folder(), [
        { key: 'gone', value: null },
        { key: 'second', value: '1' },
      ])
    ).close();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const streams = new KafkaStreams(table(app), app.config(folder));
    const read: number[] = [];
    streams.on('restore', ({ total }) => read.push(total));
    await streams.start();
    const rows = streams.store<string, string>('rows');
    assert.deepEqual(
      [...rows.all()].map(([key]) => key),
      ['first', 'second'],
    );
    const offsets = await kafka.admin.listOffsets([{ topic: `${app.id}-rows-changelog`, partition: 0 }], 'latest', 'read_uncommitted', 5000);
    assert.equal(read[0], [...offsets.values()][0], 'all of the changelog was read, not only its tail');
    await streams.close();
  } finally {
    await app.cleanUp();
  }
});

test('state whose changelog was purged beyond it is rebuilt', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2' });
  try {
    const records = views(0, 600);
    await kafka.produceAll(app.topics.input, records);
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, records);
    await streams.close();
    const old = app.folder();
    cpSync(folder, old, { recursive: true });

    // All its windows are counted on elsewhere, so that what remains of the changelog holds each of them.
    const more = views(0, 600);
    await kafka.produceAll(app.topics.input, more);
    const both = [...records, ...more];
    streams = app.instance(app.folder());
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, both);
    await streams.close();
    const changelog = [0, 1].map((partition) => ({ topic: `${app.id}-counts-changelog`, partition }));
    const ends = await kafka.admin.listOffsets(changelog, 'latest', 'read_uncommitted', 5000);
    await kafka.admin.deleteRecords(
      changelog.map((partition) => ({ ...partition, offset: Math.floor((ends.get(`${partition.topic}-${partition.partition}`) as number) * 0.6) })),
      5000,
    );

    streams = app.instance(old);
    const from: number[] = [];
    streams.on('restore', ({ restored }) => from.push(restored));
    await streams.start();
    assert.ok(from.length > 0, 'it was restored');
    const again = views(0, 600);
    await kafka.produceAll(app.topics.input, again);
    await waitForResults(kafka, 'windows', app.topics.output, [...both, ...again]);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, [...both, ...again]);
  } finally {
    await app.cleanUp();
  }
});

test('a state file that is damaged while the service runs loses nothing', async () => {
  const app = await Application.create(kafka, 'count', { processingGuarantee: 'exactly_once_v2' }, 1);
  try {
    const first = views(0, 500);
    await kafka.produceAll(app.topics.input, first);
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'count', app.topics.output, first);
    const file = join(folder, app.id, '1_0.sqlite');
    for (const name of [file, `${file}-wal`]) {
      const handle = openSync(name, 'r+');
      writeSync(handle, Buffer.alloc(64 * 1024, 0x5a), 0, 64 * 1024, 0);
      closeSync(handle);
    }
    const second = views(500, 500);
    await kafka.produceAll(app.topics.input, second);
    const all = [...first, ...second];
    // It may notice at once, and stop with an error, or not before it reads the file again.
    const stopped = new Promise<void>((resolve) => streams.on('error', () => resolve()));
    await Promise.race([stopped, waitForResults(kafka, 'count', app.topics.output, all).catch(() => undefined)]);
    await streams.close();
    streams = app.instance(folder);
    await streams.start();
    const third = views(1000, 200);
    await kafka.produceAll(app.topics.input, third);
    await waitForResults(kafka, 'count', app.topics.output, [...all, ...third]);
    await assertExactlyOnce(kafka, 'count', app.topics.output, [...all, ...third]);
  } finally {
    await app.cleanUp();
  }
});

test('state of another cluster, or of a changelog that was made anew, is not used', async () => {
  const app = await Application.create(kafka, 'count', { processingGuarantee: 'exactly_once_v2' }, 1);
  try {
    const first = views(0, 300);
    await kafka.produceAll(app.topics.input, first);
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'count', app.topics.output, first);
    await streams.close();
    // As if the file had been written on another cluster: same offsets, other contents.
    const db = new Database(join(folder, app.id, '1_0.sqlite'));
    const changed = db.prepare("UPDATE facts SET value = 'another' WHERE key = 'cluster-id'").run().changes;
    db.close();
    assert.equal(changed, 1);
    streams = app.instance(folder);
    const restored: string[] = [];
    streams.on('restore', ({ task }) => restored.push(task));
    await streams.start();
    assert.ok(restored.includes('1_0'), 'it was rebuilt from its changelog');
    const second = views(300, 100);
    await kafka.produceAll(app.topics.input, second);
    await waitForResults(kafka, 'count', app.topics.output, [...first, ...second]);
    await assertExactlyOnce(kafka, 'count', app.topics.output, [...first, ...second]);
    rmSync(folder, { recursive: true, force: true });
  } finally {
    await app.cleanUp();
  }
});

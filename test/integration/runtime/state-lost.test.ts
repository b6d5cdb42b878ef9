import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RestoreProgress } from '../../../src/runtime/restore/restorer.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

test('the state directory is deleted half-way: everything is restored, results are the same', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2' });
  try {
    const first = views(0, 1500);
    await kafka.produceAll(app.topics.input, first);
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, first);
    await streams.close();
    rmSync(folder, { recursive: true });

    const second = views(1500, 1500);
    await kafka.produceAll(app.topics.input, second);
    streams = app.instance(folder);
    const restored = new Map<string, RestoreProgress>();
    streams.on('restore', (progress) => restored.set(`${progress.task} ${progress.store}`, progress));
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, [...first, ...second]);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, [...first, ...second]);
    assert.deepEqual([...restored.keys()].sort(), ['1_0 counts', '1_1 counts']);
    for (const { restored: read, total } of restored.values()) assert.equal(read, total, 'progress ends at its total');
  } finally {
    await app.cleanUp();
  }
});

test('killed before its state was written: only the tail is restored, not everything', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2' });
  try {
    const first = views(0, 3000);
    await kafka.produceAll(app.topics.input, first);
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, first);
    await streams.close();
    // Another instance with other folders moves the application on; then the first folder is offered again.
    const second = views(3000, 300);
    await kafka.produceAll(app.topics.input, second);
    streams = app.instance(app.folder());
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, [...first, ...second]);
    await streams.close();

    streams = app.instance(folder);
    let total = 0;
    const seen = new Set<string>();
    streams.on('restore', (progress) => {
      if (!seen.has(progress.task)) total += progress.total;
      seen.add(progress.task);
    });
    await streams.start();
    assert.ok(total > 0 && total < 600, `the tail is about 300 records, and ${total} were read`);
    const third = views(3300, 300);
    await kafka.produceAll(app.topics.input, third);
    const all = [...first, ...second, ...third];
    await waitForResults(kafka, 'windows', app.topics.output, all);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, all);
  } finally {
    await app.cleanUp();
  }
});

test('a state file that is damaged between two runs is set aside and rebuilt', async () => {
  const app = await Application.create(kafka, 'windows', { processingGuarantee: 'exactly_once_v2' });
  try {
    const first = views(0, 1000);
    await kafka.produceAll(app.topics.input, first);
    const folder = app.folder();
    let streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, first);
    await streams.close();

    const directory = join(folder, app.id);
    const file = join(directory, '1_0.sqlite');
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 100, Math.min(bytes.length, 40_000));
    writeFileSync(file, bytes);

    const second = views(1000, 500);
    await kafka.produceAll(app.topics.input, second);
    streams = app.instance(folder);
    await streams.start();
    await waitForResults(kafka, 'windows', app.topics.output, [...first, ...second]);
    await assertExactlyOnce(kafka, 'windows', app.topics.output, [...first, ...second]);
    assert.ok(
      readdirSync(directory).some((name) => name.startsWith('1_0.sqlite.')),
      'the damaged file is kept beside',
    );
  } finally {
    await app.cleanUp();
  }
});

test('two instances cannot share a state directory', async () => {
  const app = await Application.create(kafka, 'count');
  try {
    const folder = app.folder();
    await app.instance(folder).start();
    await assert.rejects(app.instance(folder).start(), { code: 'ERR_STATE_DIRECTORY_LOCKED' });
  } finally {
    await app.cleanUp();
  }
});

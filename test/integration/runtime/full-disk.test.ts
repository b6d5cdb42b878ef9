import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { StateStoreError } from '../../../src/errors.ts';
import type { RestoreProgress } from '../../../src/runtime/restore/restorer.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';
import { assertExactlyOnce, assertNothingLost, views, waitForResults } from './support/workload.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

/*
 * The disk is full for SQLite when a file may not grow: it fails with its own SQLITE_FULL then, at the same statements. The pragma belongs to a connection, so it goes through those
 * that the service has open, or is about to open.
 */
const pragma = Database.prototype.pragma;
const connections = new Set<Database.Database>();
let maxPages: number | undefined;
Database.prototype.pragma = function (this: Database.Database, ...args: Parameters<typeof pragma>) {
  connections.add(this);
  const result = pragma.apply(this, args);
  limitPages(this);
  return result;
};
after(() => {
  Database.prototype.pragma = pragma;
});
afterEach(() => {
  maxPages = undefined;
  connections.clear();
});

/** Fewer pages than the file has now means as many as it has now. */
function limitPages(connection: Database.Database): void {
  if (maxPages !== undefined) pragma.call(connection, `max_page_count = ${maxPages}`);
}

function fillDisk(pages: number): void {
  maxPages = pages;
  for (const connection of connections) if (connection.open) limitPages(connection);
}

/** Room for the tables and for a few of the rows. */
const SOME_PAGES = 12;

for (const processingGuarantee of ['exactly_once_v2', 'at_least_once'] as const) {
  test(`${processingGuarantee}: a full disk stops the service with an error that says so; with space again nothing is lost`, async () => {
    const app = await Application.create(kafka, 'windows', { processingGuarantee });
    try {
      // A window each, so that the files have to grow.
      const records = views(0, 3000, { stepMs: 10_000 });
      await kafka.produceAll(app.topics.input, records.slice(0, 1500));
      const folder = app.folder();
      const streams = app.instance(folder);
      const stopped = new Promise<Error>((resolve) => streams.on('error', resolve));
      await streams.start();
      await waitForResults(kafka, 'windows', app.topics.output, records.slice(0, 1500));

      fillDisk(1);
      await kafka.produceAll(app.topics.input, records.slice(1500, 2500));
      const error = await stopped;
      assertDiskFull(error, join(folder, app.id));
      assert.equal(streams.state, 'ERROR');
      await streams.close();

      // Nor can it be restored elsewhere when there is no room.
      fillDisk(SOME_PAGES);
      const elsewhere = app.folder();
      const early = app.instance(elsewhere);
      await assert.rejects(early.start(), (refused: Error) => assertDiskFull(refused, join(elsewhere, app.id)));
      assert.equal(early.state, 'ERROR');
      await early.close();

      maxPages = undefined;
      await kafka.produceAll(app.topics.input, records.slice(2500));
      const restores = new Map<string, RestoreProgress>();
      const again = app.instance(folder);
      again.on('restore', (progress) => restores.set(progress.task, progress));
      await again.start();
      await waitForResults(kafka, 'windows', app.topics.output, records);
      if (processingGuarantee === 'exactly_once_v2') await assertExactlyOnce(kafka, 'windows', app.topics.output, records);
      else await assertNothingLost(kafka, 'windows', app.topics.output, records);
      assert.ok(
        [...restores.values()].some(({ total }) => total > 1),
        'what Kafka had accepted and the disk had not is read back from the changelog',
      );
    } finally {
      await app.cleanUp();
    }
  });
}

function assertDiskFull(error: Error, directory: string): true {
  assert.ok(error instanceof StateStoreError, `${error.name}: ${error.message}`);
  assert.equal(error.code, 'ERR_STATE_STORE_FULL');
  assert.ok(error.message.includes(directory), error.message);
  assert.match(error.message, /\.sqlite: SQLITE_FULL: the disk is full: free some space and restart/);
  assert.match(String(error.taskId), /^1_[01]$/);
  assert.equal(error.store, 'counts');
  return true;
}

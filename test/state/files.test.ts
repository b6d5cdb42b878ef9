import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { StateStoreError } from '../../src/errors.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { lockStateDirectory } from '../../src/state/sqlite/directory-lock.ts';
import { Stores } from '../../src/state/stores.ts';
import { commit, Harness } from './support.ts';

const builder = Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('kv'), serdes.string, serdes.string);

/** Bytes of a page of our files. */
const PAGE = 2048;

describe('state files', () => {
  let harness: Harness;
  let file: string;
  beforeEach(() => {
    harness = new Harness();
    file = join(harness.directory, '0_0.sqlite');
  });
  afterEach(() => harness.dispose());

  function fill(rows: number): void {
    const { state, store } = harness.open(builder);
    for (let i = 0; i < rows; i++) store.put(`key-${i}`, `value ${i} `.repeat(20));
    commit(state, [['kv', rows]]);
    state.close();
  }

  function assertSetAside(reason: string): void {
    const again = harness.open(builder);
    assert.equal(again.state.position('kv').changelogOffset, undefined, 'restored from the beginning');
    assert.deepEqual([...again.store.all()], []);
    assert.ok(
      readdirSync(harness.directory).some((name) => name.startsWith(`0_0.sqlite.${reason}-`)),
      readdirSync(harness.directory).join(),
    );
    const line = harness.logger.lines.find((entry) => entry.level === 'error');
    assert.equal(line?.fields.reason, reason);
    assert.equal(line?.fields.file, file);
    again.store.put('a', '1');
    commit(again.state, [['kv', 1]]);
    assert.equal(again.store.get('a'), '1');
  }

  test('bytes that are no database are set aside', () => {
    writeFileSync(file, 'this was never a database, whatever its name says. '.repeat(100));
    assertSetAside('corrupt');
  });

  test('a torn page is found when the file was not closed, and set aside', () => {
    fill(2000);
    const raw = new Database(file);
    raw.prepare("UPDATE facts SET value = 'no' WHERE key = 'closed'").run();
    raw.close();
    const bytes = readFileSync(file);
    // Behind the schema's page; every other page is overwritten, as a failing disk might.
    for (let page = PAGE; page < bytes.length; page += 2 * PAGE) bytes.fill(0xa5, page, page + PAGE / 2);
    writeFileSync(file, bytes);
    assertSetAside('corrupt');
  });

  test('a page found corrupt while running fails the task, and the next start sets the file aside', () => {
    fill(2000);
    const bytes = readFileSync(file);
    // The first pages, with the catalogue, stay as they are.
    bytes.fill(0xa5, 100 * PAGE);
    writeFileSync(file, bytes);
    assert.throws(
      () => {
        const { state, store } = harness.open(builder);
        try {
          for (let i = 0; i < 2000; i++) store.get(`key-${i}`);
        } finally {
          state.close();
        }
      },
      (error: Error) => error instanceof StateStoreError && error.message.includes(file) && error.message.includes('corrupt') && error.store === 'kv',
    );
    assertSetAside('corrupt');
  });

  test("somebody else's database is set aside, unharmed", () => {
    const foreign = new Database(file);
    foreign.exec("CREATE TABLE precious (x); INSERT INTO precious VALUES ('mine')");
    foreign.close();
    assertSetAside('foreign');
    const aside = readdirSync(harness.directory).find(
      (name) => name.startsWith('0_0.sqlite.foreign-') && !name.endsWith('-wal') && !name.endsWith('-shm'),
    ) as string;
    const kept = new Database(join(harness.directory, aside), { readonly: true });
    assert.equal(kept.prepare('SELECT x FROM precious').pluck().get(), 'mine');
    kept.close();
  });

  test('a file that another process has open is an error that says so', () => {
    const first = harness.open(builder);
    first.store.put('a', '1');
    commit(first.state);
    const script = `
      import { createTaskState } from './src/state/task/task-state.ts';
      import { Stores } from './src/state/stores.ts';
      const quiet = { info() {}, warn() {}, error() {} };
      try { createTaskState({ taskId: '0_0', directory: process.argv[1], logger: quiet }).register(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('kv')).build()); console.log('opened'); }
      catch (error) { console.log(error.name, error.message); }`;
    const second = spawnSync(
      process.execPath,
      ['--conditions=millrace:source', '--import', 'tsx', '--input-type=module', '-e', script, '--', harness.directory],
      { encoding: 'utf8' },
    );
    assert.match(second.stdout, /^StateStoreError .*is open in another process/, second.stderr);
    assert.ok(existsSync(file));
  });

  test('a full disk writes nothing of the commit and says what to do; with space again all goes on', () => {
    const small = harness.open(builder, { maxFilePages: 40 });
    small.store.put('before', 'kept');
    commit(small.state, [['kv', 1]]);
    for (let i = 0; i < 2000; i++) small.store.put(`key-${i}`, 'x'.repeat(500));
    const frozen = small.state.freeze();
    assert.ok(frozen);
    assert.throws(
      () => small.state.applySync(frozen, new Map([['kv', 2001]])),
      (error: Error) =>
        error instanceof StateStoreError &&
        error.code === 'ERR_STATE_STORE_FULL' &&
        error.store === 'kv' &&
        error.message.includes(file) &&
        /SQLITE_FULL: the disk is full: free some space/.test(error.message),
    );
    assert.equal(small.state.position('kv').changelogOffset, 1);
    small.state.close();
    const roomy = harness.open(builder);
    assert.deepEqual([...roomy.store.all()], [['before', 'kept']]);
    assert.equal(roomy.state.position('kv').changelogOffset, 1);
    roomy.state.restore('kv', [{ key: Buffer.from('key-0'), value: Buffer.from('x'), timestamp: 0, headers: [], offset: 1 }], 2);
    assert.equal(roomy.store.get('key-0'), 'x');
  });

  test('an asynchronous apply on a full disk rejects, and a restore reports the store', async () => {
    const { state, store } = harness.open(builder, { maxFilePages: 40, budgetMs: 0 });
    for (let i = 0; i < 2000; i++) store.put(`key-${i}`, 'x'.repeat(500));
    const frozen = state.freeze();
    assert.ok(frozen);
    await assert.rejects(state.apply(frozen, new Map()), (error: Error) => error instanceof StateStoreError && error.code === 'ERR_STATE_STORE_FULL');
    const records = Array.from({ length: 2000 }, (_, i) => ({ key: Buffer.from(`r${i}`), value: Buffer.alloc(500), timestamp: 0, headers: [], offset: i }));
    assert.throws(
      () => state.restore('kv', records, 2000),
      (error: Error) => error instanceof StateStoreError && error.store === 'kv' && error.taskId === '0_0',
    );
    assert.equal(state.position('kv').changelogOffset, undefined);
  });

  test('destroy deletes the file', () => {
    fill(10);
    const { state } = harness.open(builder);
    state.destroy();
    assert.equal(existsSync(file), false);
  });
});

describe('the lock of a state directory', () => {
  let harness: Harness;
  beforeEach(() => {
    harness = new Harness();
  });
  afterEach(() => harness.dispose());

  test('one holder at a time; the process id stays', () => {
    const first = lockStateDirectory(harness.directory);
    assert.match(first.processId, /^[0-9a-f-]{36}$/);
    assert.throws(
      () => lockStateDirectory(harness.directory),
      (error: Error) => error instanceof StateStoreError && error.code === 'ERR_STATE_DIRECTORY_LOCKED' && error.message.includes(harness.directory),
    );
    first.release();
    const second = lockStateDirectory(harness.directory);
    assert.equal(second.processId, first.processId);
    second.release();
  });

  test('it is let go when its process is killed', () => {
    const script = `
      import { lockStateDirectory } from './src/state/sqlite/directory-lock.ts';
      const lock = lockStateDirectory(process.argv[1]);
      process.stdout.write(lock.processId, () => process.kill(process.pid, 'SIGKILL'));`;
    const killed = spawnSync(
      process.execPath,
      ['--conditions=millrace:source', '--import', 'tsx', '--input-type=module', '-e', script, '--', harness.directory],
      { encoding: 'utf8' },
    );
    assert.equal(killed.signal, 'SIGKILL', killed.stderr);
    const lock = lockStateDirectory(harness.directory);
    assert.equal(lock.processId, killed.stdout);
    lock.release();
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { cleanState } from '../../../src/runtime/thread/state-cleaner.ts';

test('only files of tasks that are not owned go, and only when they are old', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  try {
    const now = Date.now();
    const write = (name: string, ageMs: number): void => {
      writeFileSync(join(directory, name), '');
      utimesSync(join(directory, name), (now - ageMs) / 1000, (now - ageMs) / 1000);
    };
    for (const name of ['.lock', 'notes.txt', 'global.sqlite', '0_0.sqlite', '0_1.sqlite', '0_1.sqlite-wal', '0_1.sqlite.corrupt-17']) write(name, 700_000);
    write('0_2.sqlite', 1000);
    const deleted = cleanState(directory, (task) => task === '0_0', 600_000, now, pino({ level: 'silent' }));
    assert.deepEqual(deleted.sort(), ['0_1.sqlite', '0_1.sqlite-wal', '0_1.sqlite.corrupt-17']);
    assert.deepEqual(readdirSync(directory).sort(), ['.lock', '0_0.sqlite', '0_2.sqlite', 'global.sqlite', 'notes.txt']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

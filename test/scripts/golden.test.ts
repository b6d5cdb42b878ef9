import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DATA = join(ROOT, 'test/goldens/data');

function golden(args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=millrace:source', '--import', 'tsx', 'scripts/golden.ts', ...args], { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code as unknown as number), output: stdout + stderr });
    });
  });
}

test('the command runs a folder, says what differs, writes JSON, and fails when a case does', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-golden-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  copyFileSync(join(DATA, 'mapvalues.json.gz'), join(folder, 'mapvalues.json.gz'));
  const good = await golden([folder]);
  assert.deepEqual([good.code, good.output.trim()], [0, '1 passed, 0 failed']);

  const wrong = JSON.parse(gunzipSync(readFileSync(join(DATA, 'mapvalues.json.gz'))).toString()) as { expected: { valueHex: string }[][] };
  const record = wrong.expected.flat()[0];
  assert.ok(record);
  record.valueHex = 'ff';
  writeFileSync(join(folder, 'wrong.json'), JSON.stringify(wrong));
  writeFileSync(join(folder, 'unknown.json'), JSON.stringify({ ...wrong, name: 'never-heard-of' }));
  const json = join(folder, 'result.txt');
  const bad = await golden([folder, '--json', json]);
  assert.equal(bad.code, 1);
  assert.match(bad.output, /FAILED wrong\.json: 1 difference\n {4}step \d+: topic \S+, record 0\n {6}expected .* = ff/);
  assert.match(bad.output, /FAILED unknown\.json: 1 difference\n {4}the module has no topology named never-heard-of/);
  assert.match(bad.output, /1 passed, 2 failed\s*$/);
  const result = JSON.parse(readFileSync(json, 'utf8')) as { passed: number; failed: number; results: { file: string; passed: boolean }[] };
  assert.deepEqual([result.passed, result.failed, result.results.find(({ file }) => file === 'mapvalues.json.gz')?.passed], [1, 2, true]);
});

test('an empty folder is not a success', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-golden-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const { code, output } = await golden([folder]);
  assert.deepEqual([code, output.trim()], [1, '0 passed, 0 failed']);
});

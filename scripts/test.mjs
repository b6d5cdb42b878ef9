#!/usr/bin/env node
/*
 * `npm test`: set-up, lint, types, build, then every test, against one real broker. `npm run test:unit` leaves out lint, build, and the tests that need a broker.
 * `npm test -- <part of a path> ...` runs the test files that match, and nothing else. The last lines count what passed and failed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { ROOT } from './setup/run.mjs';
import { fail, setup } from './setup.mjs';

const SUMMARY = join(ROOT, '.cache', 'tests.tap');
/** One test, not the run: the slowest wait for brokers' timeouts. */
const TEST_TIMEOUT_MS = 240_000;

const unitOnly = process.argv.includes('--unit');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const started = Date.now();

/** Files that are run by a process of their own, and only with a broker, lie here. */
const INTEGRATION = join('test', 'integration') + sep;

function testFiles() {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true })
    .map((file) => join('test', file))
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
  const matching = wanted.length === 0 ? files : files.filter((file) => wanted.some((part) => file.split(sep).join('/').includes(part)));
  return unitOnly ? matching.filter((file) => !file.startsWith(INTEGRATION)) : matching;
}

function stage(name, command, args, env = {}) {
  const from = Date.now();
  console.log(`\n[test] ${name}`);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', forward);
    process.on('SIGTERM', forward);
    child.once('error', (error) => console.error(error.message));
    child.once('close', (code, signal) => {
      process.off('SIGINT', forward);
      process.off('SIGTERM', forward);
      if (signal === 'SIGINT' || signal === 'SIGTERM') process.exit(130);
      console.log(`[test] ${name}: ${code === 0 ? 'ok' : 'FAILED'} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
      resolve(code === 0);
    });
  });
}

const node = (name, args, env) => stage(name, process.execPath, args, env);
const tool = (path) => join(ROOT, 'node_modules', path);

async function checks() {
  const failed = [];
  const check = async (name, args) => {
    if (!(await node(name, args))) failed.push(name);
  };
  await check('lint', [tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']);
  await check('layers', [tool('dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.cjs', 'src']);
  await check('types', [tool('typescript/bin/tsc'), '--noEmit', '-p', '.']);
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  await check('build', [tool('typescript/bin/tsc'), '-p', 'tsconfig.build.json']);
  return failed;
}

async function broker() {
  const { register } = await import('tsx/esm/api');
  const unregister = register();
  const { sharedBroker } = await import('../test/support/broker.ts');
  console.log('\n[test] broker');
  const found = await sharedBroker();
  console.log(`[test] broker: ${found.bootstrapServers} (${found.kind})`);
  return { ...found, unregister };
}

async function tests(files) {
  const needsBroker = files.some((file) => file.startsWith(INTEGRATION));
  const shared = needsBroker ? await broker() : undefined;
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  try {
    const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap', `--test-reporter-destination=${SUMMARY}`];
    const concurrency = `--test-concurrency=${Math.max(2, availableParallelism())}`;
    const flags = ['--conditions=millrace:source', '--import', 'tsx', '--test', concurrency, `--test-timeout=${TEST_TIMEOUT_MS}`];
    return await node('tests', [...flags, ...reporters, ...files], shared === undefined ? {} : { KAFKA_BOOTSTRAP: shared.bootstrapServers });
  } finally {
    await shared?.stop();
    await shared?.unregister();
  }
}

/** The counters that the test runner wrote last. */
function counters() {
  try {
    return readFileSync(SUMMARY, 'utf8')
      .split('\n')
      .filter((line) => /^# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(line))
      .slice(-8);
  } catch {
    return [];
  }
}

await setup({ quiet: true }).catch(fail);
const files = testFiles();
if (files.length === 0) {
  console.error(`[test] no test file matches ${wanted.join(' ')}`);
  process.exit(1);
}
rmSync(SUMMARY, { force: true });
const failedChecks = unitOnly || wanted.length > 0 ? [] : await checks();
let passed = false;
try {
  passed = await tests(files);
} catch (error) {
  console.error(`[test] ${error.message}`);
}
const summary = counters();
const ran = summary.length > 0;
console.log(`\n[test] ${files.length} files, ${Math.round((Date.now() - started) / 1000)} s`);
for (const name of failedChecks) console.log(`# check failed: ${name}`);
// A failed check counts as a failed test: the last lines are what a reader, or a machine, looks at.
for (const line of summary) console.log(line.replace(/^# fail (\d+)$/, (_, count) => `# fail ${Number(count) + failedChecks.length}`));
if (!ran) console.log('# pass 0\n# fail 1');
process.exit(passed && ran && failedChecks.length === 0 ? 0 : 1);

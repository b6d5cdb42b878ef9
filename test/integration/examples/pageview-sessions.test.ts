import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pageViews } from '../../../examples/pageview-sessions/generator.ts';
import type { Summary } from '../../../examples/pageview-sessions/results.ts';
import type { PageView } from '../../../examples/pageview-sessions/types.ts';
import { sharedBroker, type TestBroker } from '../../support/broker.ts';

const DEMO = fileURLToPath(new URL('../../../examples/pageview-sessions/demo.ts', import.meta.url));
const MINUTE = 60_000;
const VIEWS = 6000;
const MALFORMED = ['', 'not a line of a log', '198.51.100.1 - - [17/May/2015:10:05:03 +0000] "GET /cut HTTP/1.1" 200 1 "-" "Mozilla'];

let broker: TestBroker;
let directory: string;
let log: string;
let expected: Summary;

before(async () => {
  broker = await sharedBroker();
  directory = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  log = join(directory, 'access.log');
  // Of 2015, some out of order: brokers would delete them by their times, and sessions must not care.
  const traffic = pageViews({ seed: 5, startAt: Date.UTC(2015, 4, 17), viewsPerSecond: 0.5, users: 300, late: 0 });
  const views = Array.from({ length: VIEWS }, () => traffic.next().value);
  const lines = views.map(logLine);
  for (const [index, line] of MALFORMED.entries()) lines.splice(1000 * (index + 1), 0, line);
  writeFileSync(log, `${lines.join('\n')}\n`);
  expected = oracle(views);
});

after(async () => {
  rmSync(directory, { recursive: true, force: true });
  await broker.stop();
});

function logLine(view: PageView): string {
  const at = new Date(view.at);
  const month = at.toLocaleString('en', { month: 'short', timeZone: 'UTC' });
  const pad = (value: number): string => String(value).padStart(2, '0');
  const time = `${pad(at.getUTCDate())}/${month}/${at.getUTCFullYear()}:${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())} +0000`;
  return `198.51.100.7 - ${view.user} [${time}] "GET ${view.url} HTTP/1.1" 200 512 "-" "Mozilla/5.0"`;
}

/** What any correct program makes of these page views. Times in the log are seconds. */
function oracle(views: readonly PageView[]): Summary {
  const byUser = new Map<string, number[]>();
  const windows = new Set<string>();
  for (const view of views) {
    const at = Math.floor(view.at / 1000) * 1000;
    byUser.set(view.user, [...(byUser.get(view.user) ?? []), at]);
    windows.add(`${view.url} ${Math.floor(at / (5 * MINUTE))}`);
  }
  let sessions = 0;
  for (const times of byUser.values()) {
    times.sort((a, b) => a - b);
    sessions += 1 + times.filter((at, index) => index > 0 && at - (times[index - 1] as number) > 30 * MINUTE).length;
  }
  return { records: views.length, malformed: MALFORMED.length, users: byUser.size, sessions, windows: windows.size, late: 0 };
}

function startDemo(name: string, ...args: string[]): { demo: ChildProcess; output: () => string; summary: () => Promise<Summary> } {
  const file = join(directory, `${name}.json`);
  const demo = spawn(process.execPath, [...process.execArgv, DEMO, '--access-log', log, '--until-end', '--summary-json', file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.on('data', (data: Buffer) => {
      text += data.toString();
    });
  }
  return {
    demo,
    output: () => text,
    summary: async () => {
      if (demo.exitCode === null) await once(demo, 'exit');
      assert.equal(demo.exitCode, 0, text);
      return JSON.parse(readFileSync(file, 'utf8')) as Summary;
    },
  };
}

test('a log replayed on the embedded broker gives the numbers that follow from it', async () => {
  assert.deepEqual(await startDemo('embedded').summary(), expected);
});

test('a log replayed on a real broker gives the same numbers, with an instance killed half-way', async () => {
  const run = startDemo(
    'killed',
    '--bootstrap',
    broker.bootstrapServers,
    '--run',
    `kill-${process.pid}`,
    '--instances',
    '2',
    '--rate',
    '350',
    '--log-level',
    'error',
  );
  const deadline = Date.now() + 60_000;
  while (!/^[1-9][\d,]* page views/m.test(run.output()) && run.demo.exitCode === null && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const pid = /instance 2 is process (\d+)/.exec(run.output())?.[1];
  assert.ok(pid, run.output());
  process.kill(Number(pid), 'SIGKILL');
  assert.deepEqual(await run.summary(), expected);
  assert.match(run.output(), /instance 2 was killed by SIGKILL/);
});

test('a broker that is not there is an error that says what to do', async () => {
  const { demo, output } = startDemo('nobody', '--bootstrap', '127.0.0.1:1');
  await once(demo, 'exit');
  assert.notEqual(demo.exitCode, 0);
  assert.match(output(), /No Kafka broker answers at 127\.0\.0\.1:1.*--bootstrap/);
});

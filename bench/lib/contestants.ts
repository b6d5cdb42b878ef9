import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PROGRAMS } from './build.ts';

export type Guarantee = 'at_least_once' | 'exactly_once_v2';

export interface RunOptions {
  readonly bootstrap: string;
  readonly workload: string;
  readonly applicationId: string;
  readonly input: string;
  readonly output: string;
  readonly stateDir: string;
  readonly guarantee: Guarantee;
  readonly commitIntervalMs: number;
  readonly instances: number;
}

/** Milliseconds. */
export interface EventLoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A program under measurement: one or more processes that share the work. */
export interface Contestant {
  readonly pids: readonly number[];
  /** Resolves once every instance has joined; rejects when one ends. */
  readonly ready: Promise<void>;
  /** Rejects when a process ends before it was told to. */
  readonly failure: Promise<never>;
  /** The measurement begins. */
  begin(): void;
  /** Of the worst instance; null where there is no event loop. */
  eventLoopDelay(): Promise<EventLoopDelay | null>;
  stop(): Promise<void>;
}

const STOP_MS = 30_000;

/** The library, built, under plain Node.js: a process for each instance. */
export function startMillrace(options: RunOptions): Contestant {
  const children = Array.from({ length: options.instances }, (_, index) =>
    fork(join(PROGRAMS, 'bench/peers/millrace/main.js'), programArguments(options, join(options.stateDir, `millrace-${index}`)), {
      execArgv: profileArguments(index),
      stdio: ['ignore', 2, 2, 'ipc'],
    }),
  );
  const ready = Promise.all(children.map((child) => message(child, (value) => value === 'ready'))).then(() => {});
  return {
    ...watch('Millrace', children, ready),
    begin: () => {
      for (const child of children) child.send('reset');
    },
    eventLoopDelay: async () => {
      const delays = (await Promise.all(
        children.map((child) => {
          const answer = message(child, (value) => typeof value === 'object');
          child.send('report');
          return answer;
        }),
      )) as EventLoopDelay[];
      return delays.reduce((worst, each) => (each.p99 > worst.p99 ? each : worst));
    },
    stop: () => stopAll(children, (child) => child.send('stop')),
  };
}

/** Kafka Streams: one process with a stream thread for each instance. */
export function startJava(options: RunOptions, classPath: string): Contestant {
  const args = [...programArguments(options, join(options.stateDir, 'java')), '--threads', String(options.instances)];
  const child = spawn('java', ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath, 'millrace.bench.Main', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') resolve();
    });
  });
  return {
    ...watch('Kafka Streams', [child], ready),
    begin: () => {},
    eventLoopDelay: async () => null,
    stop: () => stopAll([child], () => child.stdin.end()),
  };
}

/** `BENCH_CPU_PROFILE=DIR` writes a profile of each of our processes there. */
export function profileArguments(index: number): string[] {
  const directory = process.env.BENCH_CPU_PROFILE;
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-name=millrace-${Date.now()}-${index}.cpuprofile`];
}

function programArguments(options: RunOptions, stateDir: string): string[] {
  return [
    ...['--bootstrap', options.bootstrap, '--workload', options.workload, '--application-id', options.applicationId],
    ...['--input', options.input, '--output', options.output, '--state-dir', stateDir],
    ...['--guarantee', options.guarantee, '--commit-interval', String(options.commitIntervalMs)],
  ];
}

function watch(name: string, children: readonly ChildProcess[], ready: Promise<void>): Pick<Contestant, 'pids' | 'ready' | 'failure'> {
  const failure = Promise.race(
    children.map(async (child) => {
      const [code, signal] = await once(child, 'exit');
      throw new Error(`${name} ended before it was told to, with ${signal ?? `code ${code}`}: see its output above`);
    }),
  ) as Promise<never>;
  failure.catch(() => {});
  return { pids: children.map((child) => child.pid as number), ready: Promise.race([ready, failure]), failure };
}

async function stopAll(children: readonly ChildProcess[], tell: (child: ChildProcess) => void): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      tell(child);
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(patience);
    }),
  );
}

function message(child: ChildProcess, wanted: (value: unknown) => boolean): Promise<unknown> {
  return new Promise((resolve) => {
    const listener = (value: unknown): void => {
      if (!wanted(value)) return;
      child.off('message', listener);
      resolve(value);
    };
    child.on('message', listener);
  });
}

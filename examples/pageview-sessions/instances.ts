import { type ChildProcess, fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type InstanceOptions, toArguments } from './options.ts';

const SERVICE = fileURLToPath(new URL(`./service${extname(import.meta.url)}`, import.meta.url));
const RESTART_AFTER_MS = 1000;
/** An instance that ends by itself sooner than this, so many times in a row, will not get better. */
const HOPELESS = { sooner: 15_000, times: 3 };

/** The instances of the service, each a process. One that dies is started again, as a container platform would. */
export class Instances {
  readonly #children: (ChildProcess | undefined)[] = [];
  readonly #options: InstanceOptions;
  readonly #say: (line: string) => void;
  readonly #failed: (error: Error) => void;
  #closing = false;
  /** Rejects when an instance cannot be kept running. */
  readonly failure: Promise<never>;

  constructor(options: InstanceOptions, count: number, say: (line: string) => void) {
    this.#options = options;
    this.#say = say;
    let failed!: (error: Error) => void;
    this.failure = new Promise<never>((_resolve, reject) => {
      failed = reject;
    });
    this.failure.catch(() => {});
    this.#failed = failed;
    for (let index = 0; index < count; index += 1) this.#start(index, 0);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      this.#children.map(async (child) => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        const patience = setTimeout(() => child.kill('SIGKILL'), 15_000);
        await gone;
        clearTimeout(patience);
      }),
    );
  }

  #start(index: number, failures: number): void {
    if (this.#closing) return;
    const options = { ...this.#options, stateDir: join(this.#options.stateDir, `instance-${index + 1}`) };
    const started = Date.now();
    const child = fork(SERVICE, toArguments(options), { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#children[index] = child;
    // Its log goes above the table, not into it.
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#say(`instance ${index + 1}: ${readable(line)}`));
    }
    this.#say(`instance ${index + 1} is process ${child.pid}`);
    child.once('exit', (code, signal) => {
      if (this.#closing) return;
      const again = signal === null && Date.now() - started < HOPELESS.sooner ? failures + 1 : 0;
      if (again === HOPELESS.times) {
        this.#failed(new Error(`Instance ${index + 1} ended with code ${code} ${again} times in a row: see its error above`));
        return;
      }
      this.#say(`instance ${index + 1} ${signal === null ? `ended with code ${code}` : `was killed by ${signal}`}: it is started again`);
      setTimeout(() => this.#start(index, again), RESTART_AFTER_MS);
    });
  }
}

/** A line of the service's log, which is JSON, for people. */
function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { level, msg, task, topic, partition, offset, err } = JSON.parse(line) as { [field: string]: unknown };
    const severity = Number(level) >= 50 ? 'error: ' : Number(level) >= 40 ? 'warning: ' : '';
    const where = [task && `task ${task}`, topic && `${topic}-${partition}${offset === undefined ? '' : ` at ${offset}`}`].filter(Boolean).join(', ');
    const cause = typeof err === 'object' && err !== null && 'message' in err ? `: ${String(err.message)}` : '';
    return `${severity}${msg}${cause}${where === '' ? '' : ` (${where})`}`;
  } catch {
    return line;
  }
}

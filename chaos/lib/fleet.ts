import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PROGRAMS } from '../../bench/lib/build.ts';
import type { Workload } from '../service/shapes.ts';
import type { Table } from './oracle.ts';

export interface FleetOptions {
  readonly instances: number;
  /** Logs, dumps and state go here. */
  readonly directory: string;
  readonly bootstrap: string;
  readonly prefix: string;
  readonly workload: Workload;
  readonly guarantee: 'at_least_once' | 'exactly_once_v2';
  readonly protocol: 'classic' | 'consumer';
  readonly sessionTimeoutMs: number;
  readonly staticMembers: boolean;
}

export type Condition = 'up' | 'frozen' | 'stopping' | 'down';

export interface Instance {
  readonly number: number;
  readonly stateDir: string;
  readonly logFile: string;
  condition: Condition;
  child: ChildProcess | undefined;
  /** As it last told, and when, in milliseconds of the epoch. */
  state: string;
  since: number;
}

const STOP_MS = 60_000;
const DUMP_MS = 60_000;

/** The processes under chaos, and the only hand that touches them. */
export class Fleet {
  readonly instances: readonly Instance[];
  /** Times that an instance began to rebalance after it had run. */
  rebalances = 0;
  starts = 0;
  /** Instances that ended although nobody told them to. */
  readonly crashes: string[] = [];
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.instances = Array.from({ length: options.instances }, (_, index) => ({
      number: index + 1,
      stateDir: join(options.directory, `state-${index + 1}`),
      logFile: join(options.directory, `instance-${index + 1}.log`),
      condition: 'down' as Condition,
      child: undefined,
      state: 'CREATED',
      since: 0,
    }));
    mkdirSync(options.directory, { recursive: true });
  }

  start(instance: Instance): void {
    const { bootstrap, prefix, workload, guarantee, protocol, sessionTimeoutMs, staticMembers } = this.#options;
    const log = openSync(instance.logFile, 'a');
    const args = [
      ...['--bootstrap', bootstrap, '--prefix', prefix, '--workload', workload, '--guarantee', guarantee, '--protocol', protocol],
      ...['--state-dir', instance.stateDir, '--session-timeout', String(sessionTimeoutMs)],
      ...(staticMembers ? ['--instance-id', `instance-${instance.number}`] : []),
    ];
    const child = fork(join(PROGRAMS, 'chaos/service/main.js'), args, { execArgv: [], stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    this.starts += 1;
    instance.child = child;
    instance.condition = 'up';
    instance.state = 'CREATED';
    child.on('message', (message: { state?: string }) => {
      if (message.state === undefined) return;
      if (message.state === 'REBALANCING' && instance.state === 'RUNNING') this.rebalances += 1;
      instance.state = message.state;
      instance.since = Date.now();
    });
    child.once('exit', (code, signal) => {
      if (instance.child !== child) return;
      instance.child = undefined;
      const told = instance.condition === 'stopping';
      instance.condition = 'down';
      // A SIGTERM while Node.js still starts ends it as it would any program.
      if (told && (code === 0 || signal !== null)) return;
      this.crashes.push(`instance ${instance.number} ended with ${signal ?? `code ${code}`}: see ${instance.logFile}`);
    });
  }

  async kill(instance: Instance): Promise<void> {
    await this.#end(instance, 'SIGKILL');
  }

  /** SIGTERM: it commits, leaves its group and ends. */
  async terminate(instance: Instance): Promise<void> {
    await this.#end(instance, 'SIGTERM');
  }

  freeze(instance: Instance): void {
    instance.child?.kill('SIGSTOP');
    instance.condition = 'frozen';
  }

  thaw(instance: Instance): void {
    if (instance.condition !== 'frozen') return;
    instance.child?.kill('SIGCONT');
    instance.condition = 'up';
  }

  async deleteState(instance: Instance): Promise<void> {
    await rm(instance.stateDir, { recursive: true, force: true });
  }

  async stopAll(): Promise<void> {
    for (const instance of this.instances) this.thaw(instance);
    await Promise.all(this.instances.filter((each) => each.condition === 'up').map((each) => this.terminate(each)));
  }

  killAll(): void {
    for (const { child } of this.instances) child?.kill('SIGKILL');
  }

  /** All that are up run, and have for so long: no task is between two of them. */
  settled(forMs: number): boolean {
    const last = Date.now() - forMs;
    return this.instances.every(({ condition, state, since }) => condition === 'down' || (condition === 'up' && state === 'RUNNING' && since < last));
  }

  /** What a store holds, in each instance that runs. */
  async dump(): Promise<Map<string, Table[]>> {
    const stores = new Map<string, Table[]>();
    for (const instance of this.instances) {
      if (instance.child === undefined) continue;
      const file = join(this.#options.directory, `dump-${instance.number}.jsonl`);
      const { child } = instance;
      const dumped = new Promise<void>((resolve, reject) => {
        const timeout = setTimeout(() => reject(new Error(`Instance ${instance.number} did not say what its stores hold: see ${instance.logFile}`)), DUMP_MS);
        const listener = (message: { dumped?: number }): void => {
          if (message.dumped === undefined) return;
          clearTimeout(timeout);
          child.off('message', listener);
          resolve();
        };
        child.on('message', listener);
      });
      child.send({ dump: file });
      await dumped;
      const tables = new Map<string, Table>();
      for (const line of (await readFile(file, 'utf8')).split('\n')) {
        if (line === '') continue;
        const [store, key, count, sum] = JSON.parse(line) as [string, string, number, number];
        const table = tables.get(store) ?? new Map();
        table.set(key, { count, sum });
        tables.set(store, table);
      }
      for (const [store, table] of tables) stores.set(store, [...(stores.get(store) ?? []), table]);
    }
    return stores;
  }

  async #end(instance: Instance, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = instance;
    if (child === undefined) return;
    instance.condition = 'stopping';
    const gone = once(child, 'exit');
    child.kill(signal);
    const patience = setTimeout(() => {
      this.crashes.push(`instance ${instance.number} did not stop within ${STOP_MS / 1000} seconds: see ${instance.logFile}`);
      child.kill('SIGKILL');
    }, STOP_MS);
    await gone;
    clearTimeout(patience);
  }
}

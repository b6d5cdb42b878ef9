import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import type { Guarantee, RunOptions } from './contestants.ts';

export interface BenchOptions {
  workload: string;
  records: number;
  keys: number;
  against: 'java' | 'none';
  guarantee: Guarantee;
  instances: number;
  runs: number;
  users: number;
  seed: number;
  commitInterval?: number;
  json?: string;
}

/** What a bench runs on. */
export interface Bench {
  readonly options: BenchOptions;
  readonly cluster: Cluster;
  /** Prefix of all topics and applications of this run: they are deleted in the end. */
  readonly id: string;
  /** Removed in the end. */
  readonly stateDir: string;
}

/** Arguments of a program under measurement. */
export function runOptions({ options, cluster, stateDir }: Bench, workload: string, applicationId: string, input: string): RunOptions {
  return {
    bootstrap: cluster.bootstrapServers,
    workload,
    applicationId,
    input,
    output: `${applicationId}-output`,
    stateDir: join(stateDir, applicationId),
    guarantee: options.guarantee,
    commitIntervalMs: options.commitInterval ?? (options.guarantee === 'exactly_once_v2' ? 100 : 500),
    instances: options.instances,
  };
}

export function machine(): object {
  return { cpus: cpus().length, model: cpus()[0]?.model, node: process.version, platform: `${process.platform} ${process.arch}` };
}

/** Progress: figures alone go to the standard output. */
export function say(line: string): void {
  console.error(line);
}

export function thousands(count: number): string {
  return count.toLocaleString('en');
}

import { readFileSync } from 'node:fs';
import { KafkaStreams } from 'millrace';
import { buildWorkload } from './workloads.ts';

/*
 * Starts a count whose state directory was deleted, and sends how long it took until it runs, and what is in its store then. Its argument is JSON: the bench's RunOptions.
 */

const options = JSON.parse(process.argv[2] ?? '{}') as {
  bootstrap: string;
  workload: string;
  applicationId: string;
  input: string;
  output: string;
  stateDir: string;
  guarantee: 'at_least_once' | 'exactly_once_v2';
  commitIntervalMs: number;
};

const streams = new KafkaStreams(buildWorkload(options.workload, options.input, options.output), {
  applicationId: options.applicationId,
  bootstrapServers: options.bootstrap,
  stateDir: options.stateDir,
  processingGuarantee: options.guarantee,
  commitIntervalMs: options.commitIntervalMs,
  logger: 'warn',
});
streams.on('error', (error: Error) => {
  console.error(error);
  process.exit(1);
});
let firstProgress: number | undefined;
streams.on('restore', () => {
  firstProgress ??= performance.now();
});

const cpu = process.cpuUsage();
const began = performance.now();
await streams.start();
const running = performance.now();
const used = process.cpuUsage(cpu);
const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];

let entries = 0;
let sum = 0;
for (const [, count] of streams.store<string, number>('views-by-user').all()) {
  entries += 1;
  sum += count;
}
process.send?.({
  entries,
  sum,
  seconds: (running - began) / 1000,
  restoring: (running - (firstProgress ?? running)) / 1000,
  cpuSeconds: (used.user + used.system) / 1e6,
  peakMemory: Number(peak) * 1024,
});
await streams.close();
process.disconnect?.();

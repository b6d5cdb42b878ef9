import { rm } from 'node:fs/promises';
import { type Bench, machine, say, thousands } from './lib/bench.ts';
import { countDistinct } from './lib/count-distinct.ts';
import { INPUT_PARTITIONS } from './lib/input.ts';
import { runProgram } from './lib/run-program.ts';

/** Answer of bench/peers/client/consume.ts. */
interface Consumed {
  readonly records: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Answer of bench/peers/millrace/restore.ts. */
interface Restored {
  readonly entries: number;
  readonly sum: number;
  /** From `start()` to RUNNING. */
  readonly seconds: number;
  /** Of these from the first progress to RUNNING. */
  readonly restoring: number;
  readonly cpuSeconds: number;
  /** Bytes. */
  readonly peakMemory: number;
}

/**
 * A count's store is deleted and restored from its changelog; in between the Kafka client alone reads that topic, in a process of its own, twice for each restore, and the
 * faster time counts.
 */
export async function restore(bench: Bench): Promise<object> {
  const { options, stateDir } = bench;
  const { run } = await countDistinct(bench, options.records);
  const changelog = `${run.applicationId}-views-by-user-changelog`;
  const runs: { consumed: Consumed; restored: Restored }[] = [];
  for (let index = 1; index <= options.runs; index += 1) {
    const before = await consume();
    await rm(stateDir, { recursive: true, force: true });
    const restored = await runProgram<Restored>('bench/peers/millrace/restore.js', run);
    if (restored.entries !== options.records || restored.sum !== options.records) {
      throw new Error(
        `${restored.entries} of ${options.records} keys are in the restored store, with counts that add up to ${restored.sum}: no figure is worth anything`,
      );
    }
    const after = await consume();
    runs.push({ consumed: before.seconds < after.seconds ? before : after, restored });
    say(`run ${index}: ${before.seconds.toFixed(2)} s and ${after.seconds.toFixed(2)} s by the client alone, ${restored.seconds.toFixed(2)} s to RUNNING`);
  }
  const median = [...runs].sort((a, b) => a.restored.seconds - b.restored.seconds)[Math.floor((runs.length - 1) / 2)] as (typeof runs)[number];
  const { consumed, restored } = median;
  const ratios = { start: consumed.seconds / restored.seconds, restoring: consumed.seconds / restored.restoring };
  console.log(`\nrestore, ${options.guarantee}, ${thousands(options.records)} keys${options.runs === 1 ? '' : `, median of ${options.runs} runs`}`);
  console.log(line('client alone', options.records, consumed.seconds, consumed.cpuSeconds));
  console.log(`${line('Millrace', options.records, restored.seconds, restored.cpuSeconds)}  ${(restored.peakMemory / 2 ** 20).toFixed(0)} MiB peak`);
  console.log(
    `ratio             ${ratios.start.toFixed(2)} × the client's rate from start to RUNNING; ${ratios.restoring.toFixed(2)} × while restoring (${restored.restoring.toFixed(2)} s)`,
  );
  return { workload: 'restore', guarantee: options.guarantee, records: options.records, machine: machine(), consumed, restored, ratios, runs };

  async function consume(): Promise<Consumed> {
    const consumed = await runProgram<Consumed>('bench/peers/client/consume.js', { bootstrap: run.bootstrap, topic: changelog, partitions: INPUT_PARTITIONS });
    if (consumed.records !== options.records)
      throw new Error(`The changelog has ${consumed.records} records, not ${options.records}: no figure is worth anything`);
    return consumed;
  }
}

function line(name: string, records: number, seconds: number, cpuSeconds: number): string {
  return `${name.padEnd(16)} ${thousands(Math.round(records / seconds)).padStart(9)} records/s  ${((cpuSeconds / records) * 1e6).toFixed(1).padStart(6)} CPU s per million  ${seconds.toFixed(2)} s`;
}

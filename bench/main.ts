import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compare } from './compare.ts';
import type { Bench, BenchOptions } from './lib/bench.ts';
import { driverBroker } from './lib/broker.ts';
import { buildLibrary } from './lib/build.ts';
import { Cluster } from './lib/cluster.ts';
import { WORKLOADS } from './lib/workloads.ts';
import { memory } from './memory.ts';
import { restore } from './restore.ts';

/** Of the library alone. Each prints its figures and returns them for `--json`. */
const ALONE: { readonly [workload: string]: (bench: Bench) => Promise<object> } = { restore, memory };

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number above 0.');
  return value;
}

const options = new Command('npm run bench --')
  .description('The library and Kafka Streams on the same topics of the same broker, in turn. bench/README.md says what is measured and how.')
  .addOption(
    new Option('--workload <name>', 'what to run; restore and memory are of the library alone')
      .choices([...Object.keys(WORKLOADS), ...Object.keys(ALONE)])
      .makeOptionMandatory(),
  )
  .option('--records <n>', 'in the input topics; restore: keys in the store', positive, 1_000_000)
  .option('--keys <n>', 'memory: keys that are counted', positive, 5_000_000)
  .addOption(new Option('--against <peer>', 'java: Kafka Streams 4.3').choices(['java', 'none']).default('java'))
  .addOption(new Option('--guarantee <guarantee>', 'of both').choices(['at_least_once', 'exactly_once_v2']).default('exactly_once_v2'))
  .option('--instances <n>', 'processes here, stream threads there', positive, 1)
  .option('--runs <n>', 'of each; the median counts', positive, 1)
  .option('--users <n>', 'how many users the records are of, at most', positive, 20_000)
  .option('--seed <n>', 'of the records', positive, 1)
  .option('--commit-interval <ms>', 'of both (default: 100 under exactly-once, 500 under at-least-once)', positive)
  .option('--json <file>', 'write the figures there too')
  .parse()
  .opts<BenchOptions>();

const cleanUp: (() => Promise<unknown>)[] = [];
try {
  await run();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  for (const undo of cleanUp.reverse()) await undo();
}

async function run(): Promise<void> {
  buildLibrary();
  const broker = await driverBroker();
  cleanUp.push(() => broker.stop());
  const cluster = await Cluster.connect(broker.bootstrapServers);
  cleanUp.push(() => cluster.close());
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  cleanUp.push(() => rm(stateDir, { recursive: true, force: true }));
  const id = `bench-${options.workload}-${randomBytes(4).toString('hex')}`;
  cleanUp.push(() => cluster.deleteTopicsStartingWith(id));
  const figures = await (ALONE[options.workload] ?? compare)({ options, cluster, id, stateDir });
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`);
}

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { driverBroker } from './lib/broker.ts';
import { buildJavaPeer, buildLibrary } from './lib/build.ts';
import { Cluster } from './lib/cluster.ts';
import { type Contestant, type Guarantee, type RunOptions, startJava, startMillrace } from './lib/contestants.ts';
import { INPUT_PARTITIONS, producePageViews } from './lib/input.ts';
import { type Figures, measure } from './lib/measure.ts';
import { difference, type Output, readOutput } from './lib/outputs.ts';
import { figureLine, medianRun, ratioLine, ratios } from './lib/report.ts';
import { lateShare, OUTPUT_KINDS, WORKLOADS } from './lib/workloads.ts';

interface BenchOptions {
  workload: string;
  records: number;
  against: 'java' | 'none';
  guarantee: Guarantee;
  instances: number;
  runs: number;
  users: number;
  seed: number;
  commitInterval?: number;
  json?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number above 0.');
  return value;
}

const options = new Command('npm run bench --')
  .description('The library and Kafka Streams on the same topic of the same broker, in turn. bench/README.md says what is measured and how.')
  .addOption(new Option('--workload <name>', 'what to run').choices(WORKLOADS).makeOptionMandatory())
  .option('--records <n>', 'page views in the input topic', positive, 1_000_000)
  .addOption(new Option('--against <peer>', 'java: Kafka Streams 4.3').choices(['java', 'none']).default('java'))
  .addOption(new Option('--guarantee <guarantee>', 'of both').choices(['at_least_once', 'exactly_once_v2']).default('exactly_once_v2'))
  .option('--instances <n>', 'processes here, stream threads there', positive, 1)
  .option('--runs <n>', 'of each; the median counts', positive, 1)
  .option('--users <n>', 'how many users the page views are of, at most', positive, 20_000)
  .option('--seed <n>', 'of the page views', positive, 1)
  .option('--commit-interval <ms>', 'of both (default: 100 under exactly-once, 500 under at-least-once)', positive)
  .option('--json <file>', 'write the figures there too')
  .parse()
  .opts<BenchOptions>();

const cleanUp: (() => Promise<unknown>)[] = [];
try {
  await bench();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  for (const undo of cleanUp.reverse()) await undo();
}

async function bench(): Promise<void> {
  buildLibrary();
  const classPath = options.against === 'java' ? buildJavaPeer() : undefined;
  const broker = await driverBroker();
  cleanUp.push(() => broker.stop());
  const cluster = await Cluster.connect(broker.bootstrapServers);
  cleanUp.push(() => cluster.close());
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  cleanUp.push(() => rm(stateDir, { recursive: true, force: true }));

  const id = `bench-${options.workload}-${randomBytes(4).toString('hex')}`;
  cleanUp.push(() => cluster.deleteTopicsStartingWith(id));
  const input = `${id}-input`;
  say(`${options.records.toLocaleString('en')} page views into ${input} on ${broker.bootstrapServers}`);
  await producePageViews(cluster, { topic: input, records: options.records, users: options.users, seed: options.seed, late: lateShare(options.workload) });

  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  let reference: Output | undefined;
  for (let run = 1; run <= options.runs; run += 1) {
    const here = await contest(`${id}-millrace${run}`, startMillrace);
    ours.push(here.figures);
    if (classPath !== undefined) {
      const there = await contest(`${id}-java${run}`, (each) => startJava(each, classPath));
      theirs.push(there.figures);
      reference ??= there.output;
    }
    reference ??= here.output;
    const differs = difference(here.output, reference);
    if (differs !== null) throw new Error(`The outputs differ, so no figure is worth anything:\n  ${differs}`);
    say(`run ${run}: outputs equal, ${here.output.entries.toLocaleString('en')} entries in the end (${here.output.records.toLocaleString('en')} records here)`);
  }
  await report(ours, theirs, reference as Output);

  async function contest(applicationId: string, start: (each: RunOptions) => Contestant): Promise<{ figures: Figures; output: Output }> {
    const output = `${applicationId}-output`;
    await cluster.createTopic(output, INPUT_PARTITIONS);
    const contestant = start({
      bootstrap: broker.bootstrapServers,
      workload: options.workload,
      applicationId,
      input,
      output,
      stateDir: join(stateDir, applicationId),
      guarantee: options.guarantee,
      commitIntervalMs: options.commitInterval ?? (options.guarantee === 'exactly_once_v2' ? 100 : 500),
      instances: options.instances,
    });
    try {
      const figures = await measure(cluster, contestant, applicationId, input);
      return { figures, output: await readOutput(cluster, output, INPUT_PARTITIONS, OUTPUT_KINDS[options.workload] ?? 'table') };
    } finally {
      await contestant.stop();
      await cluster.deleteTopicsStartingWith(applicationId);
      await rm(join(stateDir, applicationId), { recursive: true, force: true });
    }
  }
}

async function report(ours: Figures[], theirs: Figures[], output: Output): Promise<void> {
  const { workload, guarantee, instances, records, users, seed } = options;
  const here = medianRun(ours);
  const there = theirs.length === 0 ? null : medianRun(theirs);
  console.log(
    `\n${workload}, ${guarantee}, ${instances} instance${instances === 1 ? '' : 's'}, ${records.toLocaleString('en')} records${options.runs === 1 ? '' : `, median of ${options.runs} runs`}`,
  );
  console.log(figureLine('Millrace', here));
  if (there !== null) {
    console.log(figureLine('Kafka Streams', there));
    console.log(ratioLine(ratios(here, there)));
  }
  if (options.json === undefined) return;
  const document = {
    workload,
    guarantee,
    instances,
    records,
    users,
    seed,
    machine: { cpus: cpus().length, model: cpus()[0]?.model, node: process.version, platform: `${process.platform} ${process.arch}` },
    output: { entries: output.entries, digest: output.digest, equal: there !== null },
    millrace: here,
    java: there,
    ratios: there === null ? null : ratios(here, there),
    runs: { millrace: ours, java: theirs },
  };
  await writeFile(options.json, `${JSON.stringify(document, null, 2)}\n`);
}

function say(line: string): void {
  console.error(line);
}

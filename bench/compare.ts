import { rm } from 'node:fs/promises';
import { type Bench, machine, runOptions, say, thousands } from './lib/bench.ts';
import { buildJavaPeer } from './lib/build.ts';
import { type Contestant, type RunOptions, startJava, startMillrace } from './lib/contestants.ts';
import { INPUT_PARTITIONS, produceInput } from './lib/input.ts';
import { type Figures, measure } from './lib/measure.ts';
import { difference, type Output, readOutput } from './lib/outputs.ts';
import { figureLine, medianRun, ratioLine, ratios } from './lib/report.ts';
import { topicsOf, WORKLOADS, type Workload } from './lib/workloads.ts';

/** Of the records: how many go through unmeasured first. */
const WARM_UP_PART = 5;

/**
 * The library and Kafka Streams, in turn, on the same input topics.
 * @returns all figures of all runs
 * @throws Error when their outputs differ: then no figure is worth anything.
 */
export async function compare(bench: Bench): Promise<object> {
  const { options, cluster, id } = bench;
  const workload = WORKLOADS[options.workload] as Workload;
  const classPath = options.against === 'java' ? buildJavaPeer() : undefined;
  // Nobody's figures: else the broker, which is a JVM too, would compile its code in the first contestant's time.
  await contest(`${id}-warmup`, startMillrace, await prepare(`${id}-warmup-input`, Math.ceil(options.records / WARM_UP_PART)));
  const input = await prepare(`${id}-input`, options.records);

  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  let reference: Output | undefined;
  for (let run = 1; run <= options.runs; run += 1) {
    const here = await contest(`${id}-millrace${run}`, startMillrace, input);
    ours.push(here.figures);
    if (classPath !== undefined) {
      const there = await contest(`${id}-java${run}`, (each) => startJava(each, classPath), input);
      theirs.push(there.figures);
      reference ??= there.output;
    }
    reference ??= here.output;
    const differs = difference(here.output, reference);
    if (differs !== null) throw new Error(`The outputs differ, so no figure is worth anything:\n  ${differs}`);
    say(`run ${run}: outputs equal, ${thousands(here.output.entries)} entries in the end (${thousands(here.output.records)} records here)`);
  }
  return report(bench, ours, theirs, reference as Output);

  async function prepare(input: string, records: number): Promise<string> {
    const topics = topicsOf(workload, input);
    say(`${thousands(records)} records into ${topics.join(' and ')} on ${cluster.bootstrapServers}`);
    await produceInput(cluster, topics, workload.input({ topic: input, records, users: options.users, seed: options.seed }), records);
    return input;
  }

  async function contest(applicationId: string, start: (each: RunOptions) => Contestant, input: string): Promise<{ figures: Figures; output: Output }> {
    const each = runOptions(bench, options.workload, applicationId, input);
    await cluster.createTopic(each.output, INPUT_PARTITIONS);
    const contestant = start(each);
    try {
      const figures = await measure(cluster, contestant, applicationId, topicsOf(workload, input));
      return { figures, output: await readOutput(cluster, each.output, INPUT_PARTITIONS, workload.output) };
    } finally {
      await contestant.stop();
      await cluster.deleteTopicsStartingWith(applicationId);
      await rm(each.stateDir, { recursive: true, force: true });
    }
  }
}

function report({ options }: Bench, ours: Figures[], theirs: Figures[], output: Output): object {
  const { workload, guarantee, instances, records, users, seed } = options;
  const here = medianRun(ours);
  const there = theirs.length === 0 ? null : medianRun(theirs);
  console.log(
    `\n${workload}, ${guarantee}, ${instances} instance${instances === 1 ? '' : 's'}, ${thousands(records)} records${options.runs === 1 ? '' : `, median of ${options.runs} runs`}`,
  );
  console.log(figureLine('Millrace', here));
  if (there !== null) {
    console.log(figureLine('Kafka Streams', there));
    console.log(ratioLine(ratios(here, there)));
  }
  return {
    workload,
    guarantee,
    instances,
    records,
    users,
    seed,
    machine: machine(),
    output: { entries: output.entries, digest: output.digest, equal: there !== null },
    millrace: here,
    java: there,
    ratios: there === null ? null : ratios(here, there),
    runs: { millrace: ours, java: theirs },
  };
}

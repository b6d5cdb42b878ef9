import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { driverBroker } from '../bench/lib/broker.ts';
import { buildLibrary } from '../bench/lib/build.ts';
import { Cluster, GroupOffsets, nothingLeft, partitionsOf } from '../bench/lib/cluster.ts';
import { seededRandom } from '../examples/pageview-sessions/random.ts';
import { allUp, doHarm, FAULTS, type FaultCounts, type FaultKind } from './lib/faults.ts';
import { Fleet, type FleetOptions } from './lib/fleet.ts';
import { type Expected, expectedOf } from './lib/oracle.ts';
import { readOutputs, watchGaps } from './lib/outputs.ts';
import { events } from './lib/traffic.ts';
import { Verdict } from './lib/verdict.ts';
import { writeEvents } from './lib/writer.ts';
import { chaosTopics, type Event, STORES } from './service/shapes.ts';

interface ChaosOptions extends Pick<FleetOptions, 'instances' | 'guarantee' | 'workload' | 'protocol' | 'staticMembers'> {
  minutes: number;
  seed: number;
  rate: number;
  sessionTimeout: number;
  faults: FaultKind[];
  json?: string;
  keep: boolean;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}

const options = new Command('npm run chaos --')
  .description('Processes killed, frozen and stopped at random while a writer that knows the exact answer feeds them. chaos/README.md says what is checked.')
  .option('--minutes <n>', 'for how long', positive, 10)
  .option('--instances <n>', 'processes', positive, 3)
  .addOption(new Option('--guarantee <guarantee>', 'of the service').choices(['at_least_once', 'exactly_once_v2']).default('exactly_once_v2'))
  .option('--seed <n>', 'of the traffic and of the harm', positive, 1)
  .addOption(new Option('--workload <workload>', 'what runs').choices(['sessions', 'windows', 'all']).default('all'))
  .addOption(new Option('--protocol <protocol>', "Kafka's group protocol").choices(['classic', 'consumer']).default('classic'))
  .option('--static-members', 'instances keep their identity over restarts (group.instance.id)', false)
  .option('--rate <n>', 'events a second', positive, 400)
  .option('--session-timeout <ms>', 'of the group', positive, 6000)
  .addOption(new Option('--faults <kinds...>', 'only these; wipe: state deleted before a restart').choices(FAULTS).default([...FAULTS]))
  .option('--json <file>', 'write the result there too')
  .option('--keep', 'keep logs, state and topics also when all is well', false)
  .parse()
  .opts<ChaosOptions>();

const PARTITIONS = 4;
/** Event time passes so much faster than the clock: ten minutes hold ten hours of sessions. */
const SPEED = 60;
const QUIET_MS = 180_000;
/** How long all instances have to run before their stores are read. */
const SETTLED_MS = 5000;

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
try {
  await chaos();
} catch (error) {
  console.error((error as Error).stack);
  process.exitCode = 1;
} finally {
  for (const undo of cleanUp.reverse()) await undo();
}
// A broker that could not be started may have left something that would keep this process.
process.exit(process.exitCode ?? 0);

async function chaos(): Promise<void> {
  buildLibrary();
  const broker = await driverBroker();
  cleanUp.push(() => broker.stop());
  const cluster = await Cluster.connect(broker.bootstrapServers);
  cleanUp.push(() => cluster.close());

  const prefix = `chaos-${randomBytes(4).toString('hex')}`;
  if (!options.keep) cleanUp.push(() => cluster.deleteTopicsStartingWith(prefix));
  const topics = chaosTopics(prefix);
  for (const topic of Object.values(topics)) await cluster.createTopic(topic, PARTITIONS);

  const directory = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  const fleet = new Fleet({
    ...options,
    directory,
    bootstrap: broker.bootstrapServers,
    prefix,
    sessionTimeoutMs: options.sessionTimeout,
  });
  cleanUp.push(() => fleet.killAll());
  for (const instance of fleet.instances) fleet.start(instance);
  await allUp(fleet);
  say(`${options.instances} instances on ${broker.bootstrapServers}, logs in ${directory}`);

  const started = Date.now();
  const untilMs = started + options.minutes * 60_000;
  const written: Event[] = [];
  const counts: FaultCounts = { kills: 0, freezes: 0, terminations: 0, stateDeletions: 0 };
  const over = new AbortController();
  const gaps = watchGaps(cluster, [options.workload === 'sessions' ? topics.sessions : topics.through], PARTITIONS, over.signal);
  const stepMs = (SPEED * 1000) / options.rate;
  const source = events(options.seed, started - options.minutes * 60_000 * SPEED, stepMs);
  await Promise.all([
    writeEvents(cluster, { topic: topics.input, partitions: PARTITIONS, source, perSecond: options.rate, untilMs, stop: interrupted.signal, written }),
    doHarm(fleet, {
      kinds: options.faults,
      random: seededRandom(options.seed + 1),
      untilMs,
      sessionTimeoutMs: options.sessionTimeout,
      counts,
      say: timed,
      stop: interrupted.signal,
    }),
  ]);
  timed(`the harm is over, ${written.length.toLocaleString('en')} events are written`);
  over.abort();
  const longestGap = await gaps;
  await quiescence(cluster, prefix, topics.input);
  timed('all of them are processed');

  const expected = expectedOf(written, PARTITIONS);
  const verdict = new Verdict();
  await checkOutputs(cluster, expected, verdict);
  // The last to thaw may still have tasks to take over, or to give up; a task on its way has its store nowhere.
  const settledBy = Date.now() + QUIET_MS;
  while (!fleet.settled(SETTLED_MS)) {
    if (Date.now() > settledBy)
      throw new Error(`The instances do not settle: ${fleet.instances.map(({ state }) => state).join(', ')}. Logs are in ${directory}`);
    await sleep(500);
  }
  await checkStores(expected, verdict, 'stores');

  // Everything again from the changelogs alone.
  await fleet.stopAll();
  const [survivor] = fleet.instances;
  for (const instance of fleet.instances) await fleet.deleteState(instance);
  // Static members that stop keep their tasks until their sessions end.
  if (options.staticMembers) await sleep(options.sessionTimeout + 2000);
  if (survivor !== undefined) {
    fleet.start(survivor);
    const crashes = fleet.crashes.length;
    const deadline = Date.now() + QUIET_MS;
    while (survivor.state !== 'RUNNING') {
      if (Date.now() > deadline || fleet.crashes.length > crashes)
        throw new Error(`The stores could not be restored: ${fleet.crashes.slice(crashes).join('; ') || survivor.state}, see ${survivor.logFile}`);
      await sleep(100);
    }
    await checkStores(expected, verdict, 'stores restored from their changelogs');
    await fleet.stopAll();
  }

  await report();

  function timed(line: string): void {
    say(`${((Date.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  }

  async function quiescence(on: Cluster, group: string, input: string): Promise<void> {
    const offsets = await GroupOffsets.open(on, group);
    try {
      const deadline = Date.now() + QUIET_MS;
      const repartition = (await on.topicsStartingWith(`${group}-`)).filter((each) => each.name.endsWith('-repartition'));
      const partitions = [...partitionsOf(input, PARTITIONS), ...repartition.flatMap((each) => partitionsOf(each.name, each.partitions))];
      for (;;) {
        const committed = await offsets.read(partitions);
        if (await nothingLeft(on, partitions, committed)) return;
        if (Date.now() > deadline) {
          const ends = await on.ends(partitions);
          const left = [...ends].filter(([key, end]) => (committed.get(key) ?? 0) < end).map(([key, end]) => `${key} at ${committed.get(key)} of ${end}`);
          throw new Error(
            `Not everything is processed ${QUIET_MS / 1000} seconds after the harm: ${left.join(', ')}. ${fleet.crashes.join('; ')} Logs are in ${directory}`,
          );
        }
        await sleep(500);
      }
    } finally {
      await offsets.close();
    }
  }

  async function checkOutputs(on: Cluster, truth: Expected, into: Verdict): Promise<void> {
    const outputs = await readOutputs(on, topics, PARTITIONS, truth.events);
    if (options.workload !== 'windows') into.checkTable('sessions', outputs.sessions, truth.sessions);
    if (options.workload !== 'sessions') {
      into.checkThrough(outputs.through, truth.events);
      into.checkTable('windows', outputs.windows, truth.windows);
      // At least once, an update may be made by a process that dies before its output is out; the next one then counts further.
      if (options.guarantee === 'exactly_once_v2') into.checkUpdates(outputs.updates, truth.windows);
    }
  }

  async function checkStores(truth: Expected, into: Verdict, name: string): Promise<void> {
    const stores = await fleet.dump();
    if (options.workload !== 'windows') into.checkStores(`${name}, sessions`, stores.get(STORES.sessions) ?? [], truth, 'sessions');
    if (options.workload !== 'sessions') into.checkStores(`${name}, windows`, stores.get(STORES.windows) ?? [], truth, 'windows');
  }

  async function report(): Promise<void> {
    const faults = counts.kills + counts.freezes + counts.terminations;
    const result = {
      workload: options.workload,
      guarantee: options.guarantee,
      protocol: options.protocol,
      staticMembers: options.staticMembers,
      instances: options.instances,
      minutes: options.minutes,
      seed: options.seed,
      recordsIn: written.length,
      resultsExpected: verdict.expected,
      lost: verdict.lost,
      duplicated: verdict.duplicated,
      wrong: verdict.wrong,
      faults,
      ...counts,
      restarts: fleet.starts - options.instances,
      rebalances: fleet.rebalances,
      crashes: fleet.crashes.length,
      longestGapSeconds: longestGap / 1000,
    };
    for (const example of verdict.examples) console.log(example);
    for (const [check, count] of verdict.counts) console.log(`${check}: ${count.toLocaleString('en')}`);
    for (const crash of fleet.crashes) console.log(crash);
    console.log(
      [
        `records in        ${result.recordsIn.toLocaleString('en')}`,
        `results expected  ${result.resultsExpected.toLocaleString('en')}`,
        `lost              ${result.lost}`,
        `duplicated        ${result.duplicated}`,
        `wrong             ${result.wrong}`,
        `faults            ${faults}: ${counts.kills} kills, ${counts.freezes} freezes, ${counts.terminations} stops; ${counts.stateDeletions} times the state was deleted`,
        `restarts          ${result.restarts}`,
        `rebalances        ${result.rebalances}`,
        `crashes           ${result.crashes}`,
        `longest gap       ${result.longestGapSeconds.toFixed(1)} s`,
      ].join('\n'),
    );
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
    const exactly = options.guarantee === 'exactly_once_v2';
    const failed = result.lost > 0 || result.crashes > 0 || (exactly && (result.duplicated > 0 || result.wrong > 0));
    if (failed) process.exitCode = 1;
    if (failed || options.keep) console.log(`logs are in ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

function say(line: string): void {
  console.error(line);
}

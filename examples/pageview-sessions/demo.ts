import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { startEmbeddedBroker } from 'millrace/testing';
import { generate, replayAccessLog, timeSpan } from './input.ts';
import { Instances } from './instances.ts';
import { createTopics, Feed, Follower, hasRecords, Probe } from './kafka.ts';
import { addSharedOptions, count, duration, type InstanceOptions } from './options.ts';
import { Results } from './results.ts';
import { LiveTable } from './table.ts';
import { topicNames } from './topology.ts';

interface DemoOptions extends Omit<InstanceOptions, 'bootstrap' | 'applicationId' | 'topicPrefix' | 'guarantee' | 'drift' | 'stateDir'> {
  bootstrap?: string;
  guarantee?: InstanceOptions['guarantee'];
  drift?: number;
  stateDir?: string;
  run?: string;
  input: 'generator' | 'none';
  accessLog?: string;
  records?: number;
  rate?: number;
  seed: number;
  speed: number;
  instances: number;
  untilEnd: boolean;
  summaryJson?: string;
}

const APPLICATION = 'pageview-sessions';
const DEFAULT_RUN = 'default';
/** A generated run that has an end, when no other number is given. */
const RECORDS = 20_000;
/** Page views a second of a live run. */
const LIVE_RATE = 200;
/** After the input's end, without anything new: something is missing. */
const SILENCE_MS = 60_000;

const options = addSharedOptions(new Command('npm run demo --'))
  .description('Page views become sessions, windowed counts and a ranking. Without options: made-up traffic, on a broker inside this process.')
  .option('--bootstrap <host:port>', 'a real Kafka broker')
  .option(
    '--run <name>',
    "of topics and application id: a run of its own, or one to join; 'default' is the one without a name (default: the first that is not used)",
  )
  .addOption(new Option('--input <input>', 'none: run instances, feed nothing').choices(['generator', 'none']).default('generator'))
  .option('--access-log <file>', "replay a web server's log in the combined format")
  .option('--records <n>', `page views to make up (default: without end, or ${RECORDS} with --until-end)`, count)
  .option('--rate <n>', 'page views a second (default: as fast as possible when they have an end)', count)
  .option('--seed <n>', 'of the made-up traffic', count, 1)
  .option('--speed <n>', 'seconds of made-up event time that pass in a second, from a day ago until now; with 1 it is now', count, 60)
  .option('--instances <n>', 'processes that share the work', count, 1)
  .option('--until-end', 'stop when all input is processed', false)
  .option('--summary-json <file>', 'write the results in numbers when all input is processed')
  .parse()
  .opts<DemoOptions>();

const NEVER = new Promise<never>(() => {});
const table = new LiveTable(process.stdout);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

/** What is to be undone at the end, last first. */
const cleanUp: (() => Promise<unknown> | unknown)[] = [];
try {
  await demo();
} catch (error) {
  table.say(`${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  for (const undo of cleanUp.reverse()) await undo();
}

async function demo(): Promise<void> {
  const replaySpan = options.accessLog === undefined ? 0 : await timeSpan(options.accessLog);
  const embedded = options.bootstrap === undefined;
  const bootstrap = options.bootstrap ?? (await embeddedBroker());
  const run = options.run === DEFAULT_RUN ? '' : (options.run ?? (await freshRun(bootstrap, embedded)));
  const applicationId = run === '' ? APPLICATION : `${APPLICATION}-${run}`;
  const topicPrefix = run === '' ? '' : `${run}-`;
  const topics = topicNames(topicPrefix);
  await createTopics(bootstrap, Object.values(topics), embedded);

  const instanceOptions: InstanceOptions = {
    bootstrap,
    applicationId,
    topicPrefix,
    // The embedded broker accepts transactions, but does not apply the offsets that they carry.
    guarantee: options.guarantee ?? (embedded ? 'at_least_once' : 'exactly_once_v2'),
    gap: options.gap,
    window: options.window,
    grace: options.grace,
    drift: options.drift ?? duration('1d') + replaySpan,
    stateDir: options.stateDir ?? (await temporaryDirectory()),
    logLevel: options.logLevel,
  };

  const outputs = [topics.sessions, topics.counts, topics.top, topics.late, topics.malformed];
  const follower = await Follower.open(bootstrap, outputs);
  cleanUp.push(() => follower.close());
  const probe = await Probe.open(bootstrap, applicationId);
  cleanUp.push(() => probe.close());
  const instances = new Instances(instanceOptions, options.instances, (line) => table.say(line));
  cleanUp.push(() => instances.close());

  let fed: number | undefined;
  const feeding = feedInput(bootstrap).then((records) => {
    fed = records;
  });
  feeding.catch(() => {});
  cleanUp.push(() => {
    interrupted.abort();
    return feeding.catch(() => {});
  });
  const failure = Promise.race([instances.failure, feeding.then(() => NEVER)]);
  failure.catch(() => {});

  const results = new Results(topics, options.window);
  const where = `${embedded ? 'embedded broker' : bootstrap} · ${instanceOptions.guarantee} · ${options.instances} instance${options.instances === 1 ? '' : 's'}`;
  const title = `Millrace · ${applicationId} · ${where}`;
  table.say(title);

  let lastNews = Date.now();
  let shown = { at: Date.now(), done: 0 };
  let finished = false;
  while (!interrupted.signal.aborted) {
    const messages = await Promise.race([follower.read(), failure]);
    for (const message of messages) results.add(message);
    if (messages.length > 0) lastNews = Date.now();
    const sinceShown = Date.now() - shown.at;
    if (messages.length === 5000 || sinceShown < 500) {
      if (messages.length === 0) await sleep(20);
      continue;
    }
    const { records, lag } = await probe.lag(topics.pageviews);
    const progress = { at: Date.now(), done: records - lag };
    table.show(results, { title, lag, rate: ((progress.done - shown.done) / sinceShown) * 1000, inputEnded: fed !== undefined });
    if (progress.done > shown.done) lastNews = Date.now();
    shown = progress;

    if (finished || fed === undefined || options.input === 'none') continue;
    const allRead = lag === 0 && follower.hasReached(await probe.ends(outputs));
    const complete = allRead && results.summary().records >= fed;
    if (!complete && Date.now() - lastNews < SILENCE_MS) continue;
    finished = true;
    await report(results, fed, complete);
    if (options.untilEnd) return;
  }
  table.say('Stopped.');

  async function feedInput(server: string): Promise<number> {
    if (options.accessLog === undefined && options.input === 'none') return 0;
    const feed = await Feed.open(server);
    try {
      if (options.accessLog !== undefined) return await replayAccessLog(options.accessLog, feed, topics, { rate: options.rate, stop: interrupted.signal });
      const records = options.records ?? (options.untilEnd ? RECORDS : undefined);
      const rate = options.rate ?? (records === undefined ? LIVE_RATE : undefined);
      const viewsPerSecond = (options.rate ?? LIVE_RATE) / options.speed;
      return await generate(feed, topics, { seed: options.seed, records, rate, viewsPerSecond, fromNow: options.speed === 1, stop: interrupted.signal });
    } finally {
      await feed.close();
    }
  }
}

async function report(results: Results, fed: number, complete: boolean): Promise<void> {
  const summary = results.summary();
  table.say(`\n${JSON.stringify(summary, null, 2)}`);
  if (options.summaryJson !== undefined) {
    await writeFile(options.summaryJson, `${JSON.stringify(summary, null, 2)}\n`);
    table.say(`The summary is in ${options.summaryJson}`);
  }
  if (complete) return;
  process.exitCode = 1;
  table.say(
    `Nothing new for ${SILENCE_MS / 1000} seconds, but of ${fed} page views the results hold ${summary.records}: --log-level info shows what the instances do`,
  );
}

async function embeddedBroker(): Promise<string> {
  const broker = await startEmbeddedBroker();
  cleanUp.push(() => broker.close());
  return broker.bootstrapServers;
}

/** Topics that hold an earlier run are left alone: its event times would make everything of this one late. */
async function freshRun(bootstrap: string, embedded: boolean): Promise<string> {
  if (embedded || options.input === 'none') return '';
  for (let number = 1; ; number += 1) {
    const run = number === 1 ? '' : `run${number}`;
    const { pageviews } = topicNames(run === '' ? '' : `${run}-`);
    if (await hasRecords(bootstrap, pageviews)) continue;
    if (number > 1) table.say(`Topic pageviews holds an earlier run: this one is --run ${run}, its topics start with ${run}-`);
    return run;
  }
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pageview-sessions-'));
  cleanUp.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

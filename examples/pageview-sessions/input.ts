import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAccessLogLine } from './access-log.ts';
import { pageViews } from './generator.ts';
import type { Feed } from './kafka.ts';
import type { Topics } from './topology.ts';
import type { MalformedLine } from './types.ts';

const HOUR = 3_600_000;

/** Keeps to a number of records a second; without one it never waits. */
class Pace {
  readonly #perSecond: number | undefined;
  readonly #started = Date.now();
  #sent = 0;

  constructor(perSecond: number | undefined) {
    this.#perSecond = perSecond;
  }

  async next(): Promise<void> {
    if (this.#perSecond === undefined) return;
    this.#sent += 1;
    const ahead = (this.#sent / this.#perSecond) * 1000 - (Date.now() - this.#started);
    if (ahead > 10) await sleep(ahead);
  }
}

/** The first and last event time of a log, so that a replay knows how much history it goes through. */
export async function timeSpan(file: string): Promise<number> {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for await (const line of lines(file)) {
    const view = parseAccessLogLine(line);
    if ('reason' in view) continue;
    first = Math.min(first, view.at);
    last = Math.max(last, view.at);
  }
  return Math.max(0, last - first);
}

/** Writes every page view of a log, in the order of its lines, and the lines that are none to a topic of their own. Returns the number of page views. */
export async function replayAccessLog(file: string, feed: Feed, topics: Topics, options: { rate: number | undefined; stop: AbortSignal }): Promise<number> {
  const pace = new Pace(options.rate);
  let number = 0;
  let records = 0;
  for await (const line of lines(file)) {
    if (options.stop.aborted) break;
    number += 1;
    const view = parseAccessLogLine(line);
    if ('reason' in view) {
      const malformed: MalformedLine = { file: basename(file), line: number, reason: view.reason, text: line.slice(0, 200) };
      await feed.send(topics.malformed, null, malformed);
    } else {
      await feed.send(topics.pageviews, view.user, view);
      records += 1;
    }
    await pace.next();
  }
  await feed.flush();
  return records;
}

export interface GeneratedInput {
  seed: number;
  /** Undefined: without end. */
  records: number | undefined;
  /** Records a second; undefined: as fast as the broker takes them. */
  rate: number | undefined;
  /** Views in a second of event time. */
  viewsPerSecond: number;
  /** Event time starts now instead of a day ago. */
  fromNow: boolean;
  stop: AbortSignal;
}

/** Writes made-up traffic that never runs ahead of the clock. Returns the number of page views. */
export async function generate(feed: Feed, topics: Topics, options: GeneratedInput): Promise<number> {
  const pace = new Pace(options.rate);
  const startAt = options.fromNow ? Date.now() : Math.floor(Date.now() / HOUR - 24) * HOUR;
  let records = 0;
  for (const view of pageViews({ seed: options.seed, startAt, viewsPerSecond: options.viewsPerSecond })) {
    if (options.stop.aborted || records === options.records) break;
    const ahead = view.at - Date.now();
    if (ahead > 0) await sleep(ahead);
    await feed.send(topics.pageviews, view.user, view);
    records += 1;
    await pace.next();
  }
  await feed.flush();
  return records;
}

async function* lines(file: string): AsyncGenerator<string> {
  const input = createReadStream(file, { encoding: 'utf8' });
  // readline does not pass on the stream's errors.
  const failed = new Promise<never>((_resolve, reject) => input.once('error', reject));
  failed.catch(() => {});
  const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([reader.next(), failed]);
    if (next.done) return;
    yield next.value;
  }
}

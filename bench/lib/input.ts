import { setTimeout as sleep } from 'node:timers/promises';
import { pageViews } from '../../examples/pageview-sessions/generator.ts';
import { NO_HEADERS } from '../../src/processor/headers.ts';
import { partitionOfKey } from '../../src/util/murmur2.ts';
import type { Cluster } from './cluster.ts';

export const INPUT_PARTITIONS = 4;
/** Page views in a second of event time. */
const VIEWS_PER_SECOND = 100;
const HOUR = 3_600_000;
const BATCH = 2000;

export interface InputOptions {
  topic: string;
  records: number;
  users: number;
  seed: number;
  /** Share of views that come 10 to 40 minutes late. */
  late: number;
}

/** Writes seeded page views, keyed by user, JSON of about 60 bytes, that end in this hour: nothing is old enough to be deleted, nothing is of the future. */
export async function producePageViews(cluster: Cluster, { topic, records, users, seed, late }: InputOptions): Promise<void> {
  await cluster.createTopic(topic, INPUT_PARTITIONS);
  const producer = cluster.clients.producer({ transactionTimeoutMs: 60_000, overrides: { 'compression.type': 'none', 'linger.ms': 20 } });
  await producer.connect(30_000);
  const hours = Math.ceil(((records / VIEWS_PER_SECOND) * 1000) / HOUR) + 1;
  const traffic = pageViews({ seed, startAt: (Math.floor(Date.now() / HOUR) - hours) * HOUR, viewsPerSecond: VIEWS_PER_SECOND, users, late });
  for (let sent = 0; sent < records; sent += 1) {
    const view = traffic.next().value;
    const key = Buffer.from(view.user);
    const value = Buffer.from(JSON.stringify(view));
    const partition = partitionOfKey(key, INPUT_PARTITIONS);
    while (!producer.produce(topic, partition, key, value, view.at, NO_HEADERS)) {
      producer.poll();
      await sleep(5);
    }
    if (sent % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await producer.flush(120_000);
  const [failure] = producer.takeFailures();
  await producer.close(10_000);
  if (failure) throw new Error(`The broker refused an input record: ${failure.error.message}`);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { NO_HEADERS } from '../../src/processor/headers.ts';
import { partitionOfKey } from '../../src/util/murmur2.ts';
import type { Cluster } from './cluster.ts';

export const INPUT_PARTITIONS = 4;
const BATCH = 2000;

export interface InputRecord {
  /** Which of the workload's topics. */
  readonly topic: string;
  readonly key: string;
  /** Written as JSON; null is a tombstone. */
  readonly value: object | null;
  /** Event time, epoch milliseconds: the record's timestamp. */
  readonly at: number;
}

/** Writes the first `count` records, in this order, to topics that it creates. */
export async function produceInput(cluster: Cluster, topics: readonly string[], records: Iterator<InputRecord>, count: number): Promise<void> {
  for (const topic of topics) await cluster.createTopic(topic, INPUT_PARTITIONS);
  const producer = cluster.clients.producer({ transactionTimeoutMs: 60_000, overrides: { 'compression.type': 'none', 'linger.ms': 20 } });
  await producer.connect(30_000);
  for (let sent = 0; sent < count; sent += 1) {
    const record = records.next().value as InputRecord;
    const key = Buffer.from(record.key);
    const value = record.value === null ? null : Buffer.from(JSON.stringify(record.value));
    const partition = partitionOfKey(key, INPUT_PARTITIONS);
    while (!producer.produce(record.topic, partition, key, value, record.at, NO_HEADERS)) {
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

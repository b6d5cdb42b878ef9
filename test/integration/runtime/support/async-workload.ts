import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamsBuilder } from '../../../../src/dsl/streams-builder.ts';
import type { AsyncCallContext, AsyncOptions } from '../../../../src/operators/async/async-options.ts';
import { serdes } from '../../../../src/serdes/serdes.ts';
import type { Topology } from '../../../../src/topology/topology.ts';
import type { TestKafka, TestRecord } from '../../../support/kafka.ts';

/** A service that takes its time, and is busy now and then. */
async function ask<T>(answer: T, { signal, attempt }: AsyncCallContext): Promise<T> {
  await sleep(Math.random() * 20, undefined, { signal });
  if (attempt === 1 && Math.random() < 0.05) throw new Error('busy');
  return answer;
}

const OPTIONS: AsyncOptions = { concurrency: 8, retries: 5, backoff: { initial: 5 }, timeout: '5s' };

/** `async`: every record as it is. `async-count`: counts by value, behind a repartition topic. */
export function asyncTopology(name: 'async' | 'async-count', { input, output }: { input: string; output: string }): Topology {
  const builder = new StreamsBuilder();
  const records = builder.stream<string, string>(input, { key: serdes.string, value: serdes.string });
  if (name === 'async') {
    records.mapValuesAsync((value, _key, call) => ask(value, call), OPTIONS).to(output, { key: serdes.string, value: serdes.string });
  } else {
    records
      .mapAsync((key, value, call) => ask([value, key] as const, call), OPTIONS)
      .groupByKey({ key: serdes.string, value: serdes.string })
      .count({ store: 'counts' })
      .toStream()
      .to(output, { key: serdes.string, value: serdes.long });
  }
  return builder.build();
}

/** `count` records from the `from`th on; each value is one of its kind. */
export function numbered(from: number, count: number): TestRecord[] {
  return Array.from({ length: count }, (_, n) => ({ key: `key-${((from + n) * 7) % 40}`, value: String(from + n), timestamp: 1_795_000_000_000 + from + n }));
}

/** Values of a topic by key, in order. */
export async function sequences(kafka: TestKafka, topic: string, isolation: 'read_committed' | 'read_uncommitted'): Promise<Map<string, string[]>> {
  const byKey = new Map<string, string[]>();
  for (const { key, value } of await kafka.readAll(topic, isolation)) {
    const sequence = byKey.get(String(key)) ?? [];
    sequence.push(String(value));
    byKey.set(String(key), sequence);
  }
  return byKey;
}

export function expectedSequences(records: readonly TestRecord[]): Map<string, string[]> {
  const byKey = new Map<string, string[]>();
  for (const { key, value } of records) byKey.set(String(key), [...(byKey.get(String(key)) ?? []), String(value)]);
  return byKey;
}

/** Waits until the output has every value of the records. */
export async function waitForValues(kafka: TestKafka, topic: string, records: readonly TestRecord[], timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = new Set([...(await sequences(kafka, topic, 'read_committed')).values()].flat());
    const missing = records.filter(({ value }) => !seen.has(String(value)));
    if (missing.length === 0) return;
    if (Date.now() > deadline) assert.fail(`After ${timeoutMs} ms ${missing.length} of ${records.length} results are missing, the first ${missing[0]?.value}`);
    await sleep(200);
  }
}

/** The group's committed offsets are the ends of the topic. */
export async function assertCommittedToTheEnd(kafka: TestKafka, group: string, topic: string, partitions: number): Promise<void> {
  const inputs = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  const ends = await kafka.admin.listOffsets(inputs, 'latest', 'read_uncommitted', 10_000);
  const committed = await kafka.groupOffsets(group, [topic]);
  assert.deepEqual(new Map([...committed].map(([key, { offset }]) => [key, offset])), ends);
}

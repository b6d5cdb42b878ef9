import assert from 'node:assert/strict';
import { StreamsBuilder } from '../../../../src/dsl/streams-builder.ts';
import { SessionWindows } from '../../../../src/dsl/windows/session-windows.ts';
import { TimeWindows } from '../../../../src/dsl/windows/time-windows.ts';
import type { ConsumedMessage } from '../../../../src/kafka/contract.ts';
import { serdes } from '../../../../src/serdes/serdes.ts';
import type { Topology } from '../../../../src/topology/topology.ts';
import type { TestKafka, TestRecord } from '../../../support/kafka.ts';
import { asyncTopology } from './async-workload.ts';

export const WINDOW_MS = 10_000;
const START = 1_795_000_000_000;

/** What runs: page views by user, counted by page. Results never depend on the order between partitions: the grace outlasts the input. */
export type WorkloadName = 'windows' | 'sessions' | 'count' | 'async' | 'async-count';

export interface Topics {
  readonly input: string;
  readonly output: string;
}

export function topology(name: WorkloadName, { input, output }: Topics): Topology {
  if (name === 'async' || name === 'async-count') return asyncTopology(name, { input, output });
  const builder = new StreamsBuilder();
  const views = builder.stream<string, string>(input, { key: serdes.string, value: serdes.string });
  const byPage = views.groupBy((_user, page) => page, { key: serdes.string, value: serdes.string });
  if (name === 'windows') {
    byPage
      .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW_MS, '1d'))
      .count({ store: 'counts' })
      .toStream()
      .to(output, { key: serdes.timeWindowed(serdes.string, WINDOW_MS), value: serdes.long });
  } else if (name === 'sessions') {
    views
      .groupByKey({ key: serdes.string, value: serdes.string })
      .windowedBy(SessionWindows.ofInactivityGapAndGrace('1h', '1d'))
      .count({ store: 'counts' })
      .toStream()
      .to(output, { key: serdes.sessionWindowed(serdes.string), value: serdes.long });
  } else {
    byPage.count({ store: 'counts' }).toStream().to(output, { key: serdes.string, value: serdes.long });
  }
  return builder.build();
}

/** `count` page views from the `from`th on: the same for the same numbers. */
export function views(from: number, count: number, options: { start?: number; stepMs?: number } = {}): TestRecord[] {
  const { start = START, stepMs = 10 } = options;
  return Array.from({ length: count }, (_, n) => {
    const i = from + n;
    return { key: `user-${i % 40}`, value: `page-${(i * 7) % 13}`, timestamp: start + i * stepMs };
  });
}

/** Exact results of `windows` or `count`: by output key, the number of views. */
export function expectedCounts(name: 'windows' | 'count', records: readonly TestRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { value, timestamp } of records) {
    const key = name === 'count' ? String(value) : `${value}@${Math.floor((timestamp as number) / WINDOW_MS) * WINDOW_MS}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Values of an output topic by key, in the order of the topic. */
export function valuesByKey(name: 'windows' | 'count', messages: readonly ConsumedMessage[]): Map<string, number[]> {
  const values = new Map<string, number[]>();
  const serde = serdes.timeWindowed(serdes.string, WINDOW_MS);
  for (const message of messages) {
    const bytes = message.key as Buffer;
    let key = bytes.toString();
    if (name === 'windows') {
      const windowed = serde.deserialize('', bytes);
      key = `${windowed.key}@${windowed.window.start}`;
    }
    const count = Number((message.value as Buffer).readBigInt64BE());
    const sequence = values.get(key);
    if (sequence === undefined) values.set(key, [count]);
    else sequence.push(count);
  }
  return values;
}

/** Exactly once: with caches off, every key's results are 1, 2, 3, … up to its count, none twice and none missing. */
export async function assertExactlyOnce(kafka: TestKafka, name: 'windows' | 'count', output: string, records: readonly TestRecord[]): Promise<void> {
  const actual = valuesByKey(name, await kafka.readAll(output, 'read_committed'));
  const expected = expectedCounts(name, records);
  const wrong: string[] = [];
  for (const [key, count] of expected) {
    const sequence = actual.get(key) ?? [];
    const bad = sequence.findIndex((value, index) => value !== index + 1);
    if (bad >= 0 || sequence.length !== count)
      wrong.push(
        `${key}: ${sequence.length} results for ${count} records${bad >= 0 ? `, at ${bad}: …${sequence.slice(Math.max(0, bad - 2), bad + 3).join()}…` : ''}`,
      );
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(
    [...actual.keys()].filter((key) => !expected.has(key)),
    [],
  );
}

function last(results: readonly number[] | undefined): number {
  return results?.at(-1) ?? 0;
}

/** At least once: every key's last result counts all its records. */
export async function assertNothingLost(kafka: TestKafka, name: 'windows' | 'count', output: string, records: readonly TestRecord[]): Promise<void> {
  const actual = valuesByKey(name, await kafka.readAll(output, 'read_uncommitted'));
  const short: string[] = [];
  for (const [key, count] of expectedCounts(name, records)) {
    const result = last(actual.get(key));
    if (result < count) short.push(`${key}: ${result} of ${count}`);
  }
  assert.deepEqual(short, []);
}

/** What the output holds. A broker that was just away answers with errors that pass. */
async function readPatiently(kafka: TestKafka, output: string, deadline: number): ReturnType<TestKafka['readAll']> {
  for (;;) {
    try {
      return await kafka.readAll(output);
    } catch (error) {
      if ((error as { reaction?: string }).reaction !== 'retriable' || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Waits until the output holds a result for every record, or the deadline. */
export async function waitForResults(
  kafka: TestKafka,
  name: 'windows' | 'count',
  output: string,
  records: readonly TestRecord[],
  timeoutMs = 30_000,
): Promise<void> {
  const expected = expectedCounts(name, records);
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const actual = valuesByKey(name, await readPatiently(kafka, output, deadline));
    const open = [...expected].filter(([key, count]) => last(actual.get(key)) < count);
    if (open.length === 0) return;
    if (Date.now() > deadline)
      assert.fail(
        `After ${timeoutMs} ms results are missing: ${open
          .slice(0, 5)
          .map(([key, count]) => `${key} ${last(actual.get(key))}/${count}`)
          .join(', ')} and ${Math.max(0, open.length - 5)} more`,
      );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

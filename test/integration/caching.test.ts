import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { JoinWindows, KafkaStreams, StreamsBuilder, serdes, TimeWindows, type Topology } from 'millrace';
import { connectTestKafka, type TestKafka, type TestRecord } from '../support/kafka.ts';

/*
 * A joined and windowed application on the real broker, with record caches and without: final tables are the same. The grace outlasts the input, so nothing depends on
 * the order between partitions.
 */

const PARTITIONS = 2;
const ORDERS = 1500;
const START = 1_795_000_000_000;
const WINDOW_MS = 10_000;
const WITH = { key: serdes.string, value: serdes.long };
const OUTPUTS = ['spent', 'windows', 'countries', 'paid'] as const;

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

/** Orders `customer → amount`, customers `customer → country`, payments `customer → amount`. */
function topology(id: string): Topology {
  const builder = new StreamsBuilder();
  const orders = builder.stream<string, number>(`${id}-orders`, WITH);
  const customers = builder.table<string, number>(`${id}-customers`, { ...WITH, store: 'customers' });
  const sum = (left: number, right: number): number => left + right;
  // A table of sums, joined with another table; a group of its rows.
  const spent = orders.groupByKey(WITH).reduce(sum, { ...WITH, store: 'spent' });
  spent
    .join(customers, (amount, country) => amount * 1000 + country, { ...WITH, store: 'spent-with-country' })
    .toStream()
    .to(`${id}-spent`, WITH);
  customers
    .groupBy((_customer, country) => [String(country), country], WITH)
    .count({ ...WITH, store: 'countries' })
    .toStream()
    .to(`${id}-countries`, WITH);
  // Windows behind a repartition topic.
  orders
    .groupBy((_customer, amount) => String(amount % 7), WITH)
    .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW_MS, '1d'))
    .count({ store: 'windows' })
    .toStream((windowed) => `${windowed.key}@${windowed.window.start}`)
    .to(`${id}-windows`, WITH);
  // A stream-stream join, counted.
  orders
    .join(builder.stream<string, number>(`${id}-payments`, WITH), sum, JoinWindows.ofTimeDifferenceAndGrace(2000, '1d'), { ...WITH, otherValue: serdes.long })
    .groupByKey(WITH)
    .reduce(sum, { ...WITH, store: 'paid' })
    .toStream()
    .to(`${id}-paid`, WITH);
  return builder.build();
}

function input(): { readonly [topic: string]: TestRecord[] } {
  const record = (customer: number, amount: number, at: number): TestRecord => ({
    key: `c${customer}`,
    value: serdes.long.serialize('', amount),
    timestamp: START + at,
  });
  return {
    customers: Array.from({ length: 120 }, (_, n) => record(n % 30, (n * 7 + Math.floor(n / 30)) % 5, n)),
    orders: Array.from({ length: ORDERS }, (_, n) => record((n * 13) % 30, (n % 50) + 1, 200 + n * 40)),
    payments: Array.from({ length: 400 }, (_, n) => record((n * 11) % 30, 1, 300 + n * 150)),
  };
}

/** Runs the application until it has committed all input and what follows from it. Returns the last value of each key of each output, and how many records there were. */
async function run(statestoreCacheMaxBytes: number): Promise<{ tables: { [output: string]: [string, number][] }; records: number }> {
  const id = kafka.unique('caching');
  const stateDir = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  await Promise.all(['orders', 'customers', 'payments', ...OUTPUTS].map((topic) => kafka.createTopic(`${id}-${topic}`, PARTITIONS)));
  for (const [topic, records] of Object.entries(input())) await kafka.produceAll(`${id}-${topic}`, records);
  const streams = new KafkaStreams(topology(id), {
    applicationId: id,
    bootstrapServers: kafka.bootstrapServers,
    stateDir,
    statestoreCacheMaxBytes,
    commitIntervalMs: 500,
    processingGuarantee: 'exactly_once_v2',
    logger: 'silent',
  });
  try {
    await streams.start();
    const read = async () => {
      const tables: { [output: string]: [string, number][] } = {};
      let records = 0;
      const outputs = await Promise.all(OUTPUTS.map(async (output) => [output, await kafka.readAll(`${id}-${output}`)] as const));
      for (const [output, messages] of outputs) {
        const last = new Map<string, number>();
        for (const { key, value } of messages) {
          records++;
          if (value === null) last.delete(String(key));
          else last.set(String(key), serdes.long.deserialize('', value));
        }
        tables[output] = [...last].sort(([a], [b]) => (a < b ? -1 : 1));
      }
      return { tables, records };
    };
    // Every order is in some window: then all of them came through the repartition topic, and the others, which take fewer steps, follow within a commit or two.
    const deadline = Date.now() + 30_000;
    let result = await read();
    let before = -1;
    const counted = (): number => (result.tables.windows ?? []).reduce((sum, [, count]) => sum + count, 0);
    while (counted() < ORDERS || result.records !== before) {
      assert.ok(Date.now() < deadline, `only ${counted()} of ${ORDERS} orders were counted`);
      before = result.records;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      result = await read();
    }
    return result;
  } finally {
    await streams.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

test('final tables with caches equal those without', async () => {
  const [without, withCaches] = await Promise.all([run(0), run(10_000_000)]);
  assert.ok(withCaches.records < without.records / 2, `the caches held back nothing: ${withCaches.records} records, ${without.records} without`);
  for (const output of OUTPUTS) assert.ok((without.tables[output]?.length ?? 0) > 0, `${output} is empty`);
  assert.deepEqual(withCaches.tables, without.tables);
});

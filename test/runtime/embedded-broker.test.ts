import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../src/kafka/embedded.ts';
import { KafkaStreams } from '../../src/runtime/kafka-streams.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { connectTestKafka, type TestKafka } from '../support/kafka.ts';

let broker: EmbeddedBroker;
let kafka: TestKafka;
let stateDir: string;
before(async () => {
  broker = await startEmbeddedBroker();
  kafka = await connectTestKafka(broker.bootstrapServers);
  stateDir = mkdtempSync(join(tmpdir(), 'millrace-test-'));
});
after(async () => {
  await kafka.close();
  await broker.close();
  rmSync(stateDir, { recursive: true, force: true });
});

const WORDS = ['to', 'be', 'or', 'not', 'to', 'be'];

function wordCount(input: string, output: string) {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>(input, { key: serdes.string, value: serdes.string })
    .groupBy((_line, word) => word, { key: serdes.string, value: serdes.string })
    .count({ store: 'counts' })
    .toStream()
    .to(output, { key: serdes.string, value: serdes.long });
  return builder.build();
}

/** Counts by word, in order, once there are so many. */
async function results(output: string, count: number): Promise<Map<string, number[]>> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const messages = await kafka.readAll(output);
    if (messages.length < count && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    const counts = new Map<string, number[]>();
    for (const { key, value } of messages) counts.set(String(key), [...(counts.get(String(key)) ?? []), Number(value?.readBigInt64BE())]);
    return counts;
  }
}

test('at least once, a count runs end to end on the embedded broker, behind a repartition topic', async () => {
  const input = await kafka.createTopic('words', 4);
  const output = await kafka.createTopic('counts', 4);
  const config = {
    applicationId: 'word-count',
    bootstrapServers: broker.bootstrapServers,
    stateDir,
    commitIntervalMs: 50,
    statestoreCacheMaxBytes: 0,
    logger: (process.env.TEST_LOG ?? 'silent') as 'silent',
  };
  const lines = WORDS.map((value, n) => ({ key: `line-${n}`, value, timestamp: 1_795_000_000_000 + n }));

  await kafka.produceAll(input, lines);
  const streams = new KafkaStreams(wordCount(input, output), config);
  try {
    await streams.start();
    assert.deepEqual(
      await results(output, WORDS.length),
      new Map([
        ['to', [1, 2]],
        ['be', [1, 2]],
        ['or', [1]],
        ['not', [1]],
      ]),
    );
    assert.equal(streams.store<string, number>('counts').get('be'), 2);
  } finally {
    await streams.close();
  }
  assert.equal(streams.state, 'NOT_RUNNING');
});

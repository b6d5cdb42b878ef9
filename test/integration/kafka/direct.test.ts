import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { createKafkaClients } from '../../../src/kafka/client.ts';
import type { ConsumedMessage, FetchConsumer, FetchConsumerOptions, ProducerOptions, TopicPartition } from '../../../src/kafka/contract.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { T, until } from './support.ts';

const HANDS_OVER = /through librdkafka from now on.*compressed with (\w+)/;

let kafka: TestKafka;
let log: string[] = [];
const open: (() => Promise<void>)[] = [];

before(async () => {
  kafka = await connectTestKafka();
});

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  log = [];
});

after(() => kafka.close());

async function fetcher(options: Partial<FetchConsumerOptions> = {}): Promise<FetchConsumer> {
  const clients = createKafkaClients({ bootstrapServers: kafka.bootstrapServers, clientId: 'direct-test', onLog: ({ message }) => log.push(message) });
  const made = clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 1 << 20, ...options });
  open.push(() => made.close());
  await made.connect(T);
  return made;
}

interface Written {
  readonly partition: number;
  readonly value: Buffer | string;
}

/** Resolves when all are acknowledged; in one batch a partition where they fit in one. */
async function produce(topic: string, records: readonly Written[], overrides: NonNullable<ProducerOptions['overrides']> = {}): Promise<void> {
  const producer = kafka.clients.producer({ transactionTimeoutMs: T, overrides });
  await producer.connect(T);
  try {
    for (const { partition, value } of records) {
      while (!producer.produce(topic, partition, null, Buffer.from(value), null, [])) {
        producer.poll();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await producer.flush(T);
    assert.deepEqual(producer.takeFailures(), []);
  } finally {
    await producer.close(T);
  }
}

async function consumeUntil(from: FetchConsumer, into: ConsumedMessage[], enough: () => boolean, max = 1000): Promise<void> {
  const deadline = Date.now() + 2 * T;
  while (!enough()) {
    assert.ok(Date.now() < deadline, `enough was not read, only ${into.length}`);
    into.push(...(await from.consume(max, 100)));
  }
}

const numbers = (partition: number, from: number, count: number): Written[] =>
  Array.from({ length: count }, (_, i) => ({ partition, value: `${from + i} ${'compressible '.repeat(10)}` }));

const values = (messages: readonly ConsumedMessage[], partition: number): number[] =>
  messages.filter((m) => m.partition === partition).map((m) => Number.parseInt(String(m.value), 10));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('compressed records', () => {
  it('of every kind in one partition are read once and in order, those of librdkafka from the offset where the direct consumer stands', async () => {
    const topic = await kafka.createTopic(kafka.unique('t'), 3);
    const paused = { topic, partition: 1 };
    await produce(topic, [...numbers(0, 0, 50), ...numbers(1, 0, 300), ...numbers(2, 0, 300)]);
    await produce(topic, numbers(0, 50, 50), { 'compression.codec': 'gzip' });
    const from = await fetcher();
    const read: ConsumedMessage[] = [];
    await from.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })));
    await consumeUntil(from, read, () => values(read, 0).length === 100 && values(read, 1).length > 0 && values(read, 2).length > 0, 20);
    from.pause([paused]);
    const position = from.position(paused) as number;
    assert.equal(position, values(read, 1).length);
    assert.deepEqual(
      log.filter((line) => HANDS_OVER.test(line)),
      [],
    );

    for (const [i, codec] of ['snappy', 'lz4', 'zstd', 'none', 'gzip'].entries()) {
      await produce(topic, [...numbers(0, 100 + 50 * i, 50), ...numbers(2, 300 + 50 * i, 50)], { 'compression.codec': codec });
    }
    await consumeUntil(from, read, () => values(read, 0).length >= 350 && values(read, 2).length >= 550, 30);
    assert.deepEqual(
      log.flatMap((line) => HANDS_OVER.exec(line)?.[1] ?? []),
      ['snappy'],
    );
    assert.deepEqual(values(read, 0), range(0, 350));
    assert.deepEqual(values(read, 2), range(0, 550));
    assert.equal(from.position(paused), position);
    assert.equal(values(read, 1).length, position, 'it was paused before');

    from.resume([paused]);
    await consumeUntil(from, read, () => values(read, 1).length >= 300);
    assert.deepEqual(values(read, 1), range(0, 300));
    assert.deepEqual(
      [0, 1, 2].map((partition) => from.position({ topic, partition })),
      [350, 300, 550],
    );
  });

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    it(`with ${codec} from the beginning`, async () => {
      const topic = await kafka.createTopic(kafka.unique('t'), 1);
      await produce(topic, numbers(0, 0, 2000), { 'compression.codec': codec });
      const from = await fetcher();
      await from.assign([{ topic, partition: 0, offset: 700 }]);
      const read: ConsumedMessage[] = [];
      await consumeUntil(from, read, () => read.length >= 1300);
      assert.deepEqual(values(read, 0), range(700, 2000));
      assert.equal(
        log.some((line) => HANDS_OVER.test(line)),
        codec !== 'none' && codec !== 'gzip',
      );
    });
  }
});

describe('large records', () => {
  it('come through, also those over the limit of a partition and of what is prefetched, beside a partition that always has others', async () => {
    const topic = await kafka.createTopic(kafka.unique('t'), 2, { 'max.message.bytes': '8000000' });
    const sizes = [900_000, 10, 3_000_000, 900_000, 3_000_000, 10, 10, 5_000_000];
    const large = sizes.map((size, i) => ({ partition: 1, value: Buffer.alloc(size, i) }));
    await produce(topic, [...numbers(0, 0, 20_000), ...large], { 'message.max.bytes': 8_000_000, 'queue.buffering.max.kbytes': 64_000 });
    const from = await fetcher();
    const read: ConsumedMessage[] = [];
    await from.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })));
    await consumeUntil(from, read, () => read.length >= 20_000 + sizes.length, 50);
    assert.deepEqual(values(read, 0), range(0, 20_000));
    const found = read.filter((m) => m.partition === 1);
    assert.deepEqual(
      found.map(({ offset, value }) => [offset, value?.length]),
      sizes.map((size, i) => [i, size]),
    );
    for (const [i, { value }] of found.entries()) assert.ok(value?.equals(large[i]?.value as Buffer));
    assert.ok(!log.some((line) => HANDS_OVER.test(line)));
  });
});

/** Numbers that look random and are the same in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('forty partitions', () => {
  it('are read as an oracle says, whatever is paused, sought, unassigned and assigned', async () => {
    const partitions = 40;
    const count = 400;
    const topic = await kafka.createTopic(kafka.unique('t'), partitions);
    await produce(
      topic,
      range(0, count).flatMap((i) => range(0, partitions).map((partition) => ({ partition, value: `${i} ${'x'.repeat(100)}` }))),
    );
    const random = randomNumbers(11);
    const from = await fetcher({ maxPrefetchBytes: 1 << 18 });
    /** Next offset of each assigned partition. */
    const next = new Map<number, number>();
    const paused = new Set<number>();
    const at = (partition: number): TopicPartition => ({ topic, partition });
    const accept = (messages: readonly ConsumedMessage[]): void => {
      for (const { partition, offset, value } of messages) {
        assert.ok(!paused.has(partition), `partition ${partition} is paused`);
        assert.deepEqual([offset, Number.parseInt(String(value), 10)], [next.get(partition), offset], `partition ${partition}`);
        next.set(partition, offset + 1);
      }
    };
    const change = async (): Promise<void> => {
      const partition = random(partitions);
      const offset = random(count);
      if (!next.has(partition)) {
        next.set(partition, offset);
        return from.incrementalAssign([{ ...at(partition), offset }]);
      }
      switch (random(5)) {
        case 0:
          next.delete(partition);
          paused.delete(partition);
          return from.incrementalUnassign([at(partition)]);
        case 1:
          next.set(partition, offset);
          return from.seek({ ...at(partition), offset });
        case 2:
          paused.add(partition);
          return from.pause([at(partition)]);
        case 3:
          paused.clear();
          return from.resume(range(0, partitions).map(at));
        default:
          return;
      }
    };
    /** It names positions: not with a consume under way. A new assignment keeps what stays, pauses too. */
    const replace = (): Promise<void> => {
      for (const partition of range(0, partitions)) {
        if (random(10) > 0) continue;
        paused.delete(partition);
        if (next.delete(partition)) continue;
        next.set(partition, random(count));
      }
      for (const partition of next.keys()) if (random(20) === 0) next.set(partition, random(count));
      return from.assign([...next].map(([partition, offset]) => ({ ...at(partition), offset })));
    };
    for (let round = 0; round < 600; round++) {
      const consuming = random(3) === 0 ? undefined : from.consume(1 + random(200), random(3) * 10);
      if (random(2) === 0) await change();
      accept((await consuming) ?? []);
      if (random(10) === 0) await replace();
      for (const [partition, position] of next) assert.equal(from.position(at(partition)), position);
    }
    from.resume(range(0, partitions).map(at));
    paused.clear();
    for (const partition of range(0, partitions)) if (!next.has(partition)) next.set(partition, 0);
    await from.assign([...next].map(([partition, offset]) => ({ ...at(partition), offset })));
    const ends = new Set<number>();
    await until('all ends are reached', async () => {
      accept(await from.consume(500, 100));
      for (const end of from.takeEndOfPartitions()) {
        assert.equal(end.offset, count);
        ends.add(end.partition);
      }
      return ends.size === partitions;
    });
    assert.deepEqual(
      [...next.values()],
      range(0, partitions).map(() => count),
    );
  });
});

describe('where reading begins', () => {
  it('may be the beginning, and the end', async () => {
    const topic = await kafka.createTopic(kafka.unique('t'), 2);
    await produce(topic, [...numbers(0, 0, 10), ...numbers(1, 0, 10)]);
    await kafka.admin.deleteRecords([{ topic, partition: 0, offset: 4 }], T);
    const from = await fetcher();
    await from.assign([
      { topic, partition: 0, offset: -2 },
      { topic, partition: 1, offset: -1 },
    ]);
    assert.deepEqual(
      [0, 1].map((partition) => from.position({ topic, partition })),
      [undefined, undefined],
    );
    const read: ConsumedMessage[] = [];
    const ends: number[] = [];
    await until('both ends are reached', async () => {
      read.push(...(await from.consume(100, 100)));
      for (const { partition } of from.takeEndOfPartitions()) ends.push(partition);
      return ends.length === 2;
    });
    assert.deepEqual(
      [0, 1].map((partition) => from.position({ topic, partition })),
      [10, 10],
    );
    await produce(topic, numbers(1, 10, 3));
    await consumeUntil(from, read, () => read.length >= 9);
    assert.deepEqual([values(read, 0), values(read, 1)], [range(4, 10), range(10, 13)]);
    await from.seek({ topic, partition: 1, offset: -2 });
    await consumeUntil(from, read, () => read.length >= 22);
    assert.deepEqual(values(read, 1), [...range(10, 13), ...range(0, 13)]);
  });

  it('may be a topic that is created only later', async () => {
    const existing = await kafka.createTopic(kafka.unique('t'), 1);
    await produce(existing, numbers(0, 0, 10));
    const topic = kafka.unique('later');
    const from = await fetcher();
    const read: ConsumedMessage[] = [];
    await from.assign([existing, topic].map((name) => ({ topic: name, partition: 0, offset: 0 })));
    await consumeUntil(from, read, () => read.length >= 10);
    for (let i = 0; i < 10; i++) assert.deepEqual(await from.consume(10, 50), []);
    await kafka.createTopic(topic, 1);
    await produce(topic, numbers(0, 10, 10));
    await consumeUntil(from, read, () => read.length >= 20);
    assert.deepEqual(values(read, 0), range(0, 20));
  });

  it('is an error once a topic has not appeared for a while, and the others go on', async () => {
    const existing = await kafka.createTopic(kafka.unique('t'), 1);
    await produce(existing, numbers(0, 0, 10));
    const topic = kafka.unique('never');
    const from = await fetcher({ overrides: { 'topic.metadata.propagation.max.ms': 500 } });
    await from.assign([existing, topic].map((name) => ({ topic: name, partition: 0, offset: 0 })));
    const read: ConsumedMessage[] = [];
    await assert.rejects(
      consumeUntil(from, read, () => false),
      (error: unknown) => error instanceof KafkaClientError && error.kafkaCode === 3 && JSON.stringify(error).includes(topic),
    );
    await produce(existing, numbers(0, 10, 10));
    await consumeUntil(from, read, () => read.length >= 20);
    assert.deepEqual(values(read, 0), range(0, 20));
  });
});

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaClients } from '../../../src/kafka/client.ts';
import type { Producer } from '../../../src/kafka/contract.ts';
import { Cluster } from '../../../src/kafka/direct/cluster.ts';
import { type PrivateBroker, startBroker } from '../../support/broker.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { T, until } from './support.ts';

const PARTITIONS = 6;
/** Records of each partition between one trouble and the next. */
const MEANWHILE = 300;

let brokers: PrivateBroker;
let kafka: TestKafka;

before(async () => {
  brokers = await startBroker({ brokers: 3 });
  kafka = await connectTestKafka(brokers.bootstrapServers);
});

after(async () => {
  await kafka?.close();
  await brokers?.stop();
});

/** Writes 0, 1, 2, … into each partition until it is stopped; an idempotent producer keeps their order whatever it has to repeat. */
class Writer {
  written = 0;
  readonly #producer: Producer;
  readonly #loop: Promise<void>;
  #running = true;

  constructor(producer: Producer, topic: string) {
    this.#producer = producer;
    this.#loop = this.#write(topic);
  }

  /** Resolves when all is acknowledged, with how many there are in each partition. */
  async stop(): Promise<number> {
    this.#running = false;
    await this.#loop;
    await this.#producer.flush(60_000);
    assert.deepEqual(this.#producer.takeFailures(), []);
    return this.written;
  }

  async #write(topic: string): Promise<void> {
    while (this.#running) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        assert.ok(this.#producer.produce(topic, partition, null, Buffer.from(`${this.written} ${'x'.repeat(200)}`), null, []));
      }
      this.written++;
      await sleep(3);
    }
  }
}

it('every acknowledged record is read once and in order while leaders are killed and come back', { timeout: 200_000 }, async () => {
  const topic = await kafka.createTopic(kafka.unique('t'), PARTITIONS);
  const cluster = new Cluster({
    bootstrapServers: brokers.bootstrapServers,
    clientId: 'leaders',
    security: { tls: null, sasl: null },
    connectTimeoutMs: T,
  });
  const leaders = async (): Promise<number[]> => ((await cluster.metadata([topic])).topics[0]?.partitions ?? []).map(({ leader }) => leader);
  const log: string[] = [];
  const clients = createKafkaClients({ bootstrapServers: brokers.bootstrapServers, clientId: 'leaders', onLog: ({ message }) => log.push(message) });
  const producer = kafka.clients.producer({ transactionTimeoutMs: T });
  const fetcher = clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 1 << 20 });
  const next = new Array<number>(PARTITIONS).fill(0);
  let reading = true;
  const read = async (): Promise<void> => {
    while (reading) {
      for (const { partition, offset, value } of await fetcher.consume(500, 100)) {
        const expected = next[partition] as number;
        assert.deepEqual([offset, Number.parseInt(String(value), 10)], [expected, expected], `partition ${partition}`);
        next[partition] = expected + 1;
      }
    }
  };
  try {
    await producer.connect(T);
    await fetcher.connect(T);
    await until('all partitions have leaders', async () => (await leaders()).filter((leader) => leader > 0).length === PARTITIONS);
    await fetcher.assign(next.map((offset, partition) => ({ topic, partition, offset })));
    const writer = new Writer(producer, topic);
    const readAll = read();
    const failed = readAll.then(
      () => new Promise<never>(() => {}),
      (error: unknown) => Promise.reject(error),
    );
    const more = async (what: string): Promise<void> => {
      const goal = writer.written + MEANWHILE;
      await Promise.race([
        failed,
        until(`${what} every partition is read on; now at ${next}, ${log.slice(-5).join('; ')}`, () => Math.min(...next) >= goal, 60_000),
      ]);
    };

    await more('at first');
    for (const partition of [0, 1]) {
      const leader = (await leaders())[partition] as number;
      assert.ok(leader > 0);
      await brokers.killNode(leader);
      await more(`without broker ${leader}`);
      const now = await leaders();
      assert.ok(!now.includes(leader), `${now}`);
      await brokers.startNode(leader);
      await more(`after broker ${leader} has come back`);
    }
    const written = await writer.stop();
    await Promise.race([failed, until(`all ${written} are read; now at ${next}`, () => Math.min(...next) >= written)]);
    await sleep(300);
    reading = false;
    await readAll;
    assert.deepEqual(
      next,
      next.map(() => written),
    );
    assert.deepEqual(
      log.filter((line) => line.includes('through librdkafka')),
      [],
    );
  } finally {
    reading = false;
    cluster.close();
    await fetcher.close();
    await producer.close(T);
  }
});

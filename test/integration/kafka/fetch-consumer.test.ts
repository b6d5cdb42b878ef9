import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ConsumedMessage, FetchConsumer } from '../../../src/kafka/contract.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { RdKafkaFetchConsumer } from '../../../src/kafka/fetch-consumer.ts';
import { FETCHERS } from '../../support/fetchers.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { closeAll, T, transactional, until } from './support.ts';

let kafka: TestKafka;

before(async () => {
  kafka = await connectTestKafka();
});

afterEach(closeAll);

after(() => kafka.close());

const numbers = (count: number): { value: string; partition: number }[] => Array.from({ length: count }, (_, i) => ({ value: String(i), partition: 0 }));

for (const { name, overrides } of FETCHERS) {
  describe(`the fetch consumer on a real broker (${name})`, () => {
    async function withFetcher<R>(isolation: 'read_committed' | 'read_uncommitted', use: (fetcher: FetchConsumer) => Promise<R>): Promise<R> {
      const fetcher = kafka.clients.fetcher({ isolation, maxPrefetchBytes: 1 << 20, overrides });
      assert.equal(fetcher instanceof RdKafkaFetchConsumer, name === 'librdkafka');
      await fetcher.connect(T);
      try {
        return await use(fetcher);
      } finally {
        await fetcher.close();
      }
    }

    it('delivers nothing from before a seek with a consume under way', async () => {
      const topic = await kafka.createTopic(kafka.unique('t'), 1);
      await kafka.produceAll(topic, numbers(5000));
      await withFetcher('read_committed', async (fetcher) => {
        const at = { topic, partition: 0 };
        await fetcher.assign([{ ...at, offset: 0 }]);
        await until('it has read', async () => (await fetcher.consume(100, 100)).length > 0);
        for (let round = 0; round < 25; round++) {
          const target = (round * 733) % 4900;
          const underWay = fetcher.consume(100, 0);
          const seek = fetcher.seek({ ...at, offset: target });
          const old = await underWay;
          await seek;
          let fresh: ConsumedMessage[] = [];
          while (fresh.length === 0) fresh = await fetcher.consume(100, 1000);
          assert.deepEqual(old, []);
          assert.deepEqual([fresh[0]?.offset, String(fresh[0]?.value)], [target, String(target)], `round ${round}`);
        }
      });
    });

    it('comes to the end past control records and aborted records, which read_committed hides', async () => {
      const topic = await kafka.createTopic(kafka.unique('t'), 1);
      const at = { topic, partition: 0 };
      const producer = await transactional(kafka.clients, kafka.unique('tx'));
      for (const value of ['aborted', 'committed', 'aborted too']) {
        await producer.beginTransaction();
        producer.produce(topic, 0, null, Buffer.from(value), 1, []);
        await producer.flush(T);
        if (value === 'committed') await producer.commitTransaction(T);
        else await producer.abortTransaction(T);
      }
      await producer.close(T);
      // Two positions each: the record and the marker, which is written after the call has returned.
      const end = 6;
      await until('the last marker is written', async () => (await kafka.admin.listOffsets([at], 'latest', 'read_uncommitted', T)).get(`${topic}-0`) === end);
      await withFetcher('read_committed', async (fetcher) => {
        await fetcher.assign([{ ...at, offset: 0 }]);
        const read: ConsumedMessage[] = [];
        let reached: number | undefined;
        await until('the end is reached', async () => {
          read.push(...(await fetcher.consume(100, 100)));
          for (const e of fetcher.takeEndOfPartitions()) reached = e.offset;
          return fetcher.position(at) === end;
        });
        assert.deepEqual(
          read.map((m) => [m.offset, String(m.value)]),
          [[2, 'committed']],
        );
        assert.equal(reached, end);
      });
      await withFetcher('read_uncommitted', async (fetcher) => {
        await fetcher.assign([{ ...at, offset: 0 }]);
        const read: ConsumedMessage[] = [];
        while (read.length < 3) read.push(...(await fetcher.consume(100, 100)));
        assert.deepEqual(
          read.map((m) => m.offset),
          [0, 2, 4],
        );
      });
    });

    it('fails on an offset that is not in the log, and never starts elsewhere by itself', async () => {
      const topic = await kafka.createTopic(kafka.unique('t'), 1);
      await kafka.produceAll(topic, numbers(10));
      await kafka.admin.deleteRecords([{ topic, partition: 0, offset: 5 }], T);
      for (const offset of [2, 50]) {
        await withFetcher('read_committed', async (fetcher) => {
          await fetcher.assign([{ topic, partition: 0, offset }]);
          await assert.rejects(
            async () => {
              for (let i = 0; i < 50; i++) assert.deepEqual(await fetcher.consume(10, 100), []);
            },
            (error: unknown) => error instanceof KafkaClientError && error.code === 'ERR_KAFKA_AUTO_OFFSET_RESET',
            `offset ${offset}`,
          );
        });
      }
    });
  });
}

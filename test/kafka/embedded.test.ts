import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { IllegalStateError } from '../../src/errors.ts';
import { createKafkaClients } from '../../src/kafka/client.ts';
import type { ConsumedMessage, FetchConsumer, FetchConsumerOptions, KafkaClients, Producer, RebalanceEvent } from '../../src/kafka/contract.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../src/kafka/embedded.ts';
import { FETCHERS } from '../support/fetchers.ts';

const T = 10_000;
let broker: EmbeddedBroker;
let clients: KafkaClients;
let producer: Producer;
let names = 0;
/** Log lines of the clients; nobody is to hand over here. */
const log: string[] = [];

before(async () => {
  broker = await startEmbeddedBroker();
  clients = createKafkaClients({ bootstrapServers: broker.bootstrapServers, clientId: 'embedded-test', onLog: ({ message }) => log.push(message) });
  producer = clients.producer({ transactionTimeoutMs: T });
  await producer.connect(T);
});

after(async () => {
  await producer.close(T);
  await broker.close();
});

async function newTopic(): Promise<string> {
  const admin = clients.admin();
  await admin.connect(T);
  const name = `topic-${names++}`;
  await admin.createTopics([{ name, partitions: 4, replicationFactor: 1, config: {} }], T);
  await admin.close();
  return name;
}

async function fill(topic: string, partition: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) assert.ok(producer.produce(topic, partition, Buffer.from(`k${i}`), Buffer.from(`v${i}`), 1000 + i, []));
  await producer.flush(T);
  assert.deepEqual(producer.takeFailures(), []);
}

function withFetcherOf(overrides: FetchConsumerOptions['overrides']) {
  return async <R>(use: (fetcher: FetchConsumer) => Promise<R>): Promise<R> => {
    const fetcher = clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 1 << 20, overrides });
    await fetcher.connect(T);
    try {
      return await use(fetcher);
    } finally {
      await fetcher.close();
    }
  };
}

const withFetcher = withFetcherOf({});

async function read(fetcher: FetchConsumer, count: number, max = 1000): Promise<ConsumedMessage[]> {
  const messages: ConsumedMessage[] = [];
  const deadline = Date.now() + T;
  while (messages.length < count && Date.now() < deadline) messages.push(...(await fetcher.consume(max, 200)));
  return messages;
}

const offsets = (messages: ConsumedMessage[]): number[] => messages.map((m) => m.offset);

describe('the embedded broker', () => {
  it('has topics of four partitions, that appear when they are created', async () => {
    const admin = clients.admin();
    await admin.connect(T);
    try {
      assert.match(await admin.clusterId(T), /^mockCluster/);
      assert.equal((await admin.describeTopics(['not-yet'], T)).size, 0);
      await admin.createTopics([{ name: 'not-yet', partitions: 4, replicationFactor: 1, config: {} }], T);
      await admin.createTopics([{ name: 'not-yet', partitions: 4, replicationFactor: 1, config: {} }], T);
      assert.equal((await admin.describeTopics(['not-yet', 'nor-this'], T)).get('not-yet')?.partitions, 4);
      assert.ok((await admin.describeTopics(undefined, T)).has('not-yet'));
      await fill('not-yet', 1, 3);
      const at = [
        { topic: 'not-yet', partition: 1 },
        { topic: 'not-yet', partition: 2 },
      ];
      assert.deepEqual(
        await admin.listOffsets(at, 'latest', 'read_uncommitted', T),
        new Map([
          ['not-yet-1', 3],
          ['not-yet-2', 0],
        ]),
      );
    } finally {
      await admin.close();
    }
  });
});

describe('records', () => {
  it('are refused, none lost, while the queue is full', async () => {
    const topic = await newTopic();
    const small = clients.producer({ transactionTimeoutMs: T, overrides: { 'queue.buffering.max.messages': 100, 'linger.ms': 50 } });
    await small.connect(T);
    let refused = 0;
    for (let i = 0; i < 500; i++) {
      while (!small.produce(topic, 0, null, Buffer.from(String(i)), null, [])) {
        refused++;
        small.poll();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    await small.flush(T);
    await small.close(T);
    assert.ok(refused > 0);
    await withFetcher(async (fetcher) => {
      await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
      const messages = await read(fetcher, 500);
      assert.deepEqual(
        messages.map((m) => Number(m.value)),
        Array.from({ length: 500 }, (_, i) => i),
      );
    });
  });
});

for (const { name, overrides } of FETCHERS) {
  describe(`the fetch consumer (${name})`, () => {
    const withFetcher = withFetcherOf(overrides);

    it('is the one that is meant', async () => {
      log.length = 0;
      await withFetcher((fetcher) => fetcher.assign([]));
      assert.equal(
        log.some((line) => line.includes('through librdkafka because of the property check.crcs')),
        name === 'librdkafka',
      );
    });

    after(() => assert.ok(!log.some((line) => line.includes('through librdkafka from now on')), log.join('\n')));

    it('gives a list of ends that does not grow once it is taken: an end belongs to the messages before it', async () => {
      const topic = await newTopic();
      await fill(topic, 0, 3);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
        const early = fetcher.takeEndOfPartitions();
        assert.equal((await read(fetcher, 3)).length, 3);
        const deadline = Date.now() + T;
        let ends = fetcher.takeEndOfPartitions();
        while (ends.length === 0 && Date.now() < deadline) {
          assert.deepEqual(await fetcher.consume(10, 100), []);
          ends = fetcher.takeEndOfPartitions();
        }
        assert.deepEqual(
          ends.map(({ offset }) => offset),
          [3],
        );
        assert.deepEqual(early, []);
      });
    });

    it('keeps null apart from empty, headers in order with duplicates, and timestamps', async () => {
      const topic = await newTopic();
      const h = Buffer.from('x');
      producer.produce(topic, 0, null, null, 5, []);
      producer.produce(topic, 0, Buffer.alloc(0), Buffer.alloc(0), 6, [
        ['b', h],
        ['a', Buffer.alloc(0)],
        ['b', Buffer.from('y')],
        ['n', null],
      ]);
      producer.produce(topic, 0, Buffer.from('k'), Buffer.from('v'), 0, []);
      await producer.flush(T);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
        const [nothing, empty, epoch] = (await read(fetcher, 3)) as [ConsumedMessage, ConsumedMessage, ConsumedMessage];
        assert.deepEqual([nothing.key, nothing.value, nothing.timestamp, nothing.headers], [null, null, 5, undefined]);
        assert.deepEqual([empty.key, empty.value, empty.timestamp], [Buffer.alloc(0), Buffer.alloc(0), 6]);
        assert.deepEqual(
          empty.headers?.map((header) => Object.entries(header)[0]?.map(String)),
          [
            ['b', 'x'],
            ['a', ''],
            ['b', 'y'],
            // librdkafka's binding has no null for the value of a header.
            ['n', name === 'direct' ? 'null' : ''],
          ],
        );
        // The client takes 0 for "now"; a record of 1970 must not become one of today.
        assert.equal(epoch.timestamp, 1);
      });
    });

    it('reads from where it was assigned, tells positions and ends', async () => {
      const topic = await newTopic();
      await fill(topic, 0, 10);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([
          { topic, partition: 0, offset: 4 },
          { topic, partition: 1, offset: 0 },
        ]);
        assert.equal(fetcher.position({ topic, partition: 0 }), 4);
        assert.deepEqual(offsets(await read(fetcher, 6)), [4, 5, 6, 7, 8, 9]);
        assert.equal(fetcher.position({ topic, partition: 0 }), 10);
        assert.equal(fetcher.position({ topic, partition: 2 }), undefined);
        const ends = new Map<number, number>();
        const deadline = Date.now() + T;
        while (ends.size < 2 && Date.now() < deadline) {
          for (const end of fetcher.takeEndOfPartitions()) ends.set(end.partition, end.offset);
          await fetcher.consume(10, 50);
        }
        assert.deepEqual([...ends].sort(), [
          [0, 10],
          [1, 0],
        ]);
        assert.deepEqual(fetcher.takeEndOfPartitions(), []);
      });
    });

    it('hands out at most what was asked for, and drains in order', async () => {
      const topic = await newTopic();
      await fill(topic, 3, 25);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 3, offset: 0 }]);
        const sizes: number[] = [];
        const messages: ConsumedMessage[] = [];
        while (messages.length < 25) {
          const batch = await fetcher.consume(10, 1000);
          if (batch.length > 0) sizes.push(batch.length);
          messages.push(...batch);
        }
        assert.ok(Math.max(...sizes) <= 10);
        assert.deepEqual(
          offsets(messages),
          Array.from({ length: 25 }, (_, i) => i),
        );
      });
    });

    it('wakes a waiting consume when a record arrives, and calls the listener', async () => {
      const topic = await newTopic();
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
        while (fetcher.takeEndOfPartitions().length === 0) await fetcher.consume(1, 50);
        let called = 0;
        fetcher.onAvailable(() => called++);
        const waiting = read(fetcher, 1);
        await fill(topic, 0, 1);
        assert.deepEqual(offsets(await waiting), [0]);
        assert.ok(called > 0);
      });
    });

    it('lets records arrive between consumes that do not wait', async () => {
      const topic = await newTopic();
      await fill(topic, 0, 3);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
        const messages: ConsumedMessage[] = [];
        const deadline = Date.now() + T;
        while (messages.length < 3 && Date.now() < deadline) messages.push(...(await fetcher.consume(10, 0)));
        assert.deepEqual(offsets(messages), [0, 1, 2]);
      });
    });

    it('refuses a second consume beside the first', async () => {
      const topic = await newTopic();
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
        const first = fetcher.consume(1, 300);
        await assert.rejects(fetcher.consume(1, 0), IllegalStateError);
        await first;
      });
    });

    it('delivers nothing from before a seek, however often a consume was under way', async () => {
      const topic = await newTopic();
      await fill(topic, 0, 3000);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
        for (let round = 0; round < 30; round++) {
          const target = (round * 97) % 2900;
          const before = fetcher.consume(50, 0);
          const seek = fetcher.seek({ topic, partition: 0, offset: target });
          assert.deepEqual(offsets(await before), [], `round ${round}: a record of the past`);
          await seek;
          assert.equal(fetcher.position({ topic, partition: 0 }), target);
          const messages = await read(fetcher, 5, 5);
          assert.deepEqual(offsets(messages), [target, target + 1, target + 2, target + 3, target + 4], `round ${round}`);
        }
      });
    });

    it('loses nothing of a partition that stays when others come, go and are sought', async () => {
      const topic = await newTopic();
      await Promise.all([fill(topic, 0, 2000), fill(topic, 1, 200)]);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
        const stayed: ConsumedMessage[] = [];
        for (let round = 0; stayed.length < 2000; round++) {
          const consuming = fetcher.consume(40, 100);
          const other = { topic, partition: 1 };
          let change = Promise.resolve();
          if (round % 3 === 0) change = fetcher.incrementalAssign([{ ...other, offset: 5 }]);
          if (round % 3 === 1) change = fetcher.seek({ ...other, offset: 150 });
          if (round % 3 === 2) change = fetcher.incrementalUnassign([other]);
          const [messages] = await Promise.all([consuming, change]);
          stayed.push(...messages.filter((m) => m.partition === 0));
        }
        assert.deepEqual(
          offsets(stayed),
          Array.from({ length: 2000 }, (_, i) => i),
        );
      });
    });

    it('replaces an assignment, keeping what stays where it is', async () => {
      const topic = await newTopic();
      await Promise.all([fill(topic, 0, 20), fill(topic, 1, 20), fill(topic, 2, 20)]);
      await withFetcher(async (fetcher) => {
        await fetcher.assign([
          { topic, partition: 0, offset: 0 },
          { topic, partition: 1, offset: 0 },
        ]);
        await read(fetcher, 40);
        await fetcher.assign([
          { topic, partition: 1, offset: 20 },
          { topic, partition: 2, offset: 18 },
        ]);
        assert.equal(fetcher.position({ topic, partition: 0 }), undefined);
        assert.deepEqual(
          (await read(fetcher, 2)).map((m) => [m.partition, m.offset]),
          [
            [2, 18],
            [2, 19],
          ],
        );
        await fetcher.assign([{ topic, partition: 1, offset: 15 }]);
        assert.deepEqual(offsets(await read(fetcher, 5)), [15, 16, 17, 18, 19]);
        assert.throws(() => fetcher.pause([{ topic, partition: 2 }]), IllegalStateError);
      });
    });

    it('pauses and resumes without losing or repeating a record, also over a new assignment', async () => {
      const topic = await newTopic();
      await Promise.all([fill(topic, 0, 300), fill(topic, 1, 300)]);
      await withFetcher(async (fetcher) => {
        const one = { topic, partition: 1 };
        await fetcher.assign([
          { topic, partition: 0, offset: 0 },
          { ...one, offset: 0 },
        ]);
        const got: ConsumedMessage[] = [...(await read(fetcher, 20, 20))];
        fetcher.pause([one]);
        got.push(...(await fetcher.consume(1000, 0)));
        const before = got.filter((m) => m.partition === 1).length;
        while (got.filter((m) => m.partition === 0).length < 300) got.push(...(await fetcher.consume(1000, 100)));
        got.push(...(await fetcher.consume(1000, 300)));
        assert.equal(got.filter((m) => m.partition === 1).length, before);
        fetcher.resume([one]);
        while (got.length < 600) got.push(...(await read(fetcher, 1)));
        for (const partition of [0, 1]) {
          assert.deepEqual(
            offsets(got.filter((m) => m.partition === partition)),
            Array.from({ length: 300 }, (_, i) => i),
          );
        }
        fetcher.pause([one]);
        await fetcher.incrementalUnassign([one]);
        await fetcher.incrementalAssign([{ ...one, offset: 290 }]);
        assert.equal((await read(fetcher, 10)).length, 10);
      });
    });

    it('closes while a consume waits', async () => {
      const topic = await newTopic();
      const fetcher = clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 1 << 20, overrides });
      await fetcher.connect(T);
      await fetcher.assign([{ topic, partition: 0, offset: 0 }]);
      const waiting = fetcher.consume(1, 60_000);
      await fetcher.close();
      assert.deepEqual(await waiting, []);
    });
  });
}

describe('the group member', () => {
  it('is assigned its partitions, reads nothing, and keeps commit metadata whole', async () => {
    const topic = await newTopic();
    const member = clients.membership({ groupId: 'g', groupProtocol: 'classic', sessionTimeoutMs: 6000, heartbeatIntervalMs: 500, maxPollIntervalMs: 10_000 });
    await member.connect(T);
    const source = { topic: await newTopic(), partition: 0 };
    await assert.rejects(member.commit([{ ...source, offset: 1 }], T), { code: 'ERR_KAFKA_UNKNOWN_MEMBER_ID', reaction: 'abortable' });
    const events: RebalanceEvent[] = [];
    member.subscribe(topic, (event) => {
      events.push(event);
      if (event.kind === 'assign') member.incrementalAssign(event.partitions);
      else member.incrementalUnassign(event.partitions);
    });
    const deadline = Date.now() + 2 * T;
    while (events.length === 0 && Date.now() < deadline) {
      await Promise.all([member.poll(), member.poll()]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(events[0]?.kind, 'assign');
    assert.deepEqual(events[0].partitions.map((p) => p.partition).sort(), [0, 1, 2, 3]);
    assert.equal(member.assignmentLost(), false);
    await member.commit([{ ...source, offset: 42, metadata: 'AgAAAZ==' }], T);
    assert.deepEqual(await member.committed([source, { ...source, partition: 1 }], T), [
      { ...source, offset: 42, metadata: 'AgAAAZ==', committed: true },
      { ...source, partition: 1, offset: -1001, committed: false },
    ]);
    await member.close();
    assert.equal(member.assignmentLost(), true);
    await assert.rejects(member.poll(), IllegalStateError);
  });
});

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { ConsumedMessage } from '../../../src/kafka/contract.ts';
import { DirectFetchConsumer } from '../../../src/kafka/direct/direct-fetch-consumer.ts';
import { NeedsNativeClient } from '../../../src/kafka/direct/needs-native-client.ts';
import { FETCH, LIST_OFFSETS, METADATA } from '../../../src/kafka/direct/requests.ts';
import { type Reader, Writer } from '../../../src/kafka/direct/wire.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { type FakeBroker, type FakeRequest, startFakeBroker, startServer } from '../../support/fake-broker.ts';
import { recordBatch } from '../../support/record-batch.ts';

const T = 5000;
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** What the broker says of partition `partition` of the topic `t`. */
interface FakePartition {
  /** Of the metadata. */
  leaderError?: number;
  /** Of ListOffsets. */
  placeError?: number;
  fetchError?: number;
  /** From the offset that is asked for. */
  records: (offset: number) => Buffer;
  end: number;
}

interface FakeCluster {
  readonly broker: FakeBroker;
  readonly partitions: FakePartition[];
  /** Partitions of each fetch, in its order. */
  readonly fetches: number[][];
  count(api: { readonly key: number }): number;
}

async function fakeCluster(count: number): Promise<FakeCluster> {
  const partitions = Array.from({ length: count }, (): FakePartition => ({ records: () => Buffer.alloc(0), end: 0 }));
  const fetches: number[][] = [];
  const broker: FakeBroker = await startFakeBroker({
    answer: ({ api, body }: FakeRequest) => {
      if (api === METADATA.key) return metadata(broker, partitions);
      if (api === LIST_OFFSETS.key) return places(body, partitions);
      return api === FETCH.key ? fetched(body, partitions, fetches) : undefined;
    },
  });
  open.push(broker);
  return { broker, partitions, fetches, count: ({ key }) => broker.requests.filter(({ api }) => api === key).length };
}

function metadata({ host, port }: FakeBroker, partitions: readonly FakePartition[]): Buffer {
  const writer = new Writer().int32(0).int32(1).int32(1).string(host).int32(port).int16(-1).int16(-1).int32(1);
  writer.int32(1).int16(0).string('t').int8(0).int32(partitions.length);
  partitions.forEach(({ leaderError = 0 }, partition) => {
    writer.int16(leaderError).int32(partition);
    writer
      .int32(leaderError === 0 ? 1 : -1)
      .int32(5)
      .int32(0)
      .int32(0)
      .int32(0);
  });
  return writer.finish();
}

/** The requests name one topic at most. */
function partitionsAsked<T>(body: Reader, read: (partition: number) => T): T[] {
  return body
    .array(() => {
      body.string();
      return body.array(() => read(body.int32()));
    })
    .flat();
}

function places(body: Reader, partitions: readonly FakePartition[]): Buffer {
  body.skip(5);
  const asked = partitionsAsked(body, (partition) => {
    body.skip(4);
    return { partition, timestamp: body.int64() };
  });
  const writer = new Writer().int32(0).int32(1).string('t').int32(asked.length);
  for (const { partition, timestamp } of asked) {
    const { placeError = 0, end } = partitions[partition] as FakePartition;
    writer.int32(partition).int16(placeError).int64(-1);
    writer.int64(timestamp === -2 ? 0 : end).int32(5);
  }
  return writer.finish();
}

function fetched(body: Reader, partitions: readonly FakePartition[], fetches: number[][]): Buffer {
  body.skip(25);
  const asked = partitionsAsked(body, (partition) => {
    body.skip(4);
    const offset = body.int64();
    body.skip(12);
    return { partition, offset };
  });
  fetches.push(asked.map(({ partition }) => partition));
  const writer = new Writer().int32(0).int16(0).int32(0).int32(1).string('t').int32(asked.length);
  for (const { partition, offset } of asked) {
    const { fetchError = 0, end, records } = partitions[partition] as FakePartition;
    writer.int32(partition).int16(fetchError).int64(end).int64(end).int64(0).int32(-1).int32(-1);
    writer.bytes(fetchError === 0 ? records(offset) : Buffer.alloc(0));
  }
  return writer.finish();
}

/** Batches of one record each, without end. */
const endless = (offset: number): Buffer => recordBatch([{ offset, value: `v${offset}` }]);
const upTo = (end: number) => (offset: number) =>
  offset < end ? recordBatch(Array.from({ length: end - offset }, (_, i) => ({ offset: offset + i }))) : Buffer.alloc(0);

function consumer(bootstrapServers: string, properties: { readonly [key: string]: number } = {}): DirectFetchConsumer {
  const made = new DirectFetchConsumer({ bootstrapServers, clientId: 'c' }, { isolation: 'read_committed', maxPrefetchBytes: 1 << 20 }, properties, {
    tls: null,
    sasl: null,
  });
  open.push(made);
  return made;
}

async function assigned(cluster: FakeCluster, offset = 0): Promise<DirectFetchConsumer> {
  const made = consumer(cluster.broker.address);
  await made.connect(T);
  await made.assign(cluster.partitions.map((_, partition) => ({ topic: 't', partition, offset })));
  return made;
}

async function read(from: DirectFetchConsumer, enough: (messages: readonly ConsumedMessage[]) => boolean): Promise<ConsumedMessage[]> {
  const messages: ConsumedMessage[] = [];
  for (const deadline = Date.now() + T; !enough(messages); ) {
    assert.ok(Date.now() < deadline, 'not enough arrives');
    messages.push(...(await from.consume(100, 50)));
  }
  return messages;
}

/** Errors of consumes, until there are none for a while. */
async function errors(from: DirectFetchConsumer, count: number): Promise<KafkaClientError[]> {
  const found: KafkaClientError[] = [];
  for (const deadline = Date.now() + T; found.length < count && Date.now() < deadline; ) {
    try {
      await from.consume(100, 50);
    } catch (error) {
      assert.ok(error instanceof KafkaClientError, String(error));
      found.push(error);
    }
  }
  for (let i = 0; i < 3; i++) await from.consume(100, 50);
  return found;
}

const partitionOf = (error: KafkaClientError): number => Number(/partition[^0-9]*(\d+)/.exec(JSON.stringify(error, Object.getOwnPropertyNames(error)))?.[1]);

describe('the direct fetch consumer', () => {
  it('asks for each partition first in its turn: a broker sends a record larger than the limit only then', async () => {
    const cluster = await fakeCluster(3);
    for (const p of cluster.partitions) {
      p.records = endless;
      p.end = Number.MAX_SAFE_INTEGER;
    }
    const from = await assigned(cluster);
    await read(from, () => cluster.fetches.length >= 40);
    for (const partition of [0, 1, 2]) {
      const first = cluster.fetches.filter(([head]) => head === partition).length;
      assert.ok(first >= 10, `partition ${partition} was first ${first} times of ${cluster.fetches.length}`);
    }
  });

  it('tells no end of a partition that was unassigned while the offsets of others were asked for', async () => {
    const cluster = await fakeCluster(2);
    const [gone, other] = cluster.partitions as [FakePartition, FakePartition];
    gone.end = 3;
    const from = consumer(cluster.broker.address);
    let fetchesBefore = -1;
    Object.defineProperty(other, 'placeError', {
      get() {
        if (fetchesBefore < 0) {
          fetchesBefore = cluster.fetches.length;
          void from.incrementalUnassign([{ topic: 't', partition: 0 }]);
        }
        return 0;
      },
    });
    await from.connect(T);
    await from.assign([
      { topic: 't', partition: 0, offset: 3 },
      { topic: 't', partition: 1, offset: -2 },
    ]);
    const ends: number[] = [];
    for (const deadline = Date.now() + T; !ends.includes(1); ) {
      assert.ok(Date.now() < deadline);
      await from.consume(10, 20);
      // The partition was at its end before it was unassigned, which counts no more then.
      const reached = from.takeEndOfPartitions().map(({ partition }) => partition);
      if (fetchesBefore >= 0) ends.push(...reached);
    }
    assert.deepEqual([ends, cluster.fetches.slice(fetchesBefore).flat().includes(0)], [[1], false]);
  });

  it('hands out what a fetch brought of a partition before it goes on to the next', async () => {
    const cluster = await fakeCluster(3);
    for (const p of cluster.partitions) {
      p.records = upTo(10);
      p.end = 10;
    }
    const from = await assigned(cluster);
    const messages: ConsumedMessage[] = [];
    for (const deadline = Date.now() + T; messages.length < 30; ) {
      assert.ok(Date.now() < deadline);
      messages.push(...(await from.consume(4, 50)));
    }
    const turns = messages.map(({ partition }) => partition).filter((partition, index, all) => partition !== all[index - 1]);
    assert.equal(turns.length, 3, `turns: ${turns}`);
  });

  it('reports every partition that fails, not only the first, and goes on with the others', async () => {
    const cluster = await fakeCluster(4);
    for (const p of cluster.partitions) p.fetchError = 1;
    const good = cluster.partitions[3] as FakePartition;
    good.fetchError = 0;
    good.records = upTo(5);
    good.end = 5;
    const from = await assigned(cluster);
    const found = await errors(from, 3);
    assert.deepEqual(
      found.map(({ code }) => code),
      Array.from({ length: 3 }, () => 'ERR_KAFKA_AUTO_OFFSET_RESET'),
    );
    assert.deepEqual(new Set(found.map(partitionOf)), new Set([0, 1, 2]));
    assert.equal(from.position({ topic: 't', partition: 3 }), 5);
  });

  it('reports nothing of a partition that was sought or unassigned since it failed', async () => {
    const cluster = await fakeCluster(2);
    for (const p of cluster.partitions) p.fetchError = 1;
    const from = await assigned(cluster, 7);
    while (cluster.fetches.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const p of cluster.partitions) {
      p.fetchError = 0;
      p.records = upTo(3);
      p.end = 3;
    }
    await from.seek({ topic: 't', partition: 0, offset: 0 });
    await from.incrementalUnassign([{ topic: 't', partition: 1 }]);
    assert.equal((await read(from, (messages) => messages.length >= 3)).length, 3);
  });

  it('reads on after each error that passes, asking no more often than it should', async () => {
    const cases = [3, 5, 6, 9, 56, 72, 74, 75, 78].flatMap((error) =>
      (['leaderError', 'placeError', 'fetchError'] as const).map((where) => ({ error, where })),
    );
    await Promise.all(
      cases.map(async ({ error, where }) => {
        const cluster = await fakeCluster(1);
        const p = cluster.partitions[0] as FakePartition;
        p[where] = error;
        p.records = upTo(3);
        p.end = 3;
        const from = await assigned(cluster, -2);
        const until = Date.now() + 300;
        while (Date.now() < until) assert.deepEqual(await from.consume(10, 20), []);
        const asked = cluster.broker.requests.length;
        assert.ok(asked < 20, `${asked} requests in 300 ms of error ${error} as ${where}`);
        p[where] = 0;
        assert.equal((await read(from, (messages) => messages.length >= 3)).length, 3);
      }),
    );
  });

  it('says so where an error does not pass', async () => {
    for (const [error, code] of [
      [29, 'ERR_KAFKA_TOPIC_AUTHORIZATION_FAILED'],
      [76, 'ERR_KAFKA_UNSUPPORTED_COMPRESSION_TYPE'],
      [2, 'ERR_KAFKA_INVALID_MSG'],
    ] as const) {
      // In metadata a partition's error only says why it has no leader at the moment.
      for (const where of ['placeError', 'fetchError'] as const) {
        const cluster = await fakeCluster(1);
        (cluster.partitions[0] as FakePartition)[where] = error;
        const from = await assigned(cluster, -2);
        assert.deepEqual(
          (await errors(from, 1)).map((each) => each.code),
          [code],
        );
        await from.close();
      }
    }
  });

  it('hands out what comes before damaged records, then fails, and hands out no more', async () => {
    const cluster = await fakeCluster(1);
    const p = cluster.partitions[0] as FakePartition;
    const bad = recordBatch([{ offset: 2, value: 'v' }]);
    bad.writeInt32BE(2, 57);
    p.records = () => Buffer.concat([recordBatch([{ offset: 0 }, { offset: 1 }]), bad, recordBatch([{ offset: 3 }])]);
    p.end = 4;
    const from = await assigned(cluster);
    const messages = await read(from, (all) => all.length >= 2);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [0, 1, 2],
    );
    assert.equal(from.position({ topic: 't', partition: 0 }), 3);
    assert.match((await errors(from, 1)).map(({ message }) => message).join(), /its bytes are no records/);
  });

  it('fails where a response holds no whole batch, and does not ask for it without end', async () => {
    const cluster = await fakeCluster(1);
    const p = cluster.partitions[0] as FakePartition;
    p.records = () => recordBatch([{ offset: 0, value: 'value' }]).subarray(0, 65);
    p.end = 1;
    const from = await assigned(cluster);
    assert.match((await errors(from, 1)).map(({ message }) => message).join(), /no whole batch/);
    assert.equal(cluster.count(FETCH), 1);
  });

  it('needs the native client, at the position where it stands, until somebody has taken over', async () => {
    const cluster = await fakeCluster(2);
    const [one, other] = cluster.partitions as [FakePartition, FakePartition];
    one.records = (offset) => (offset < 3 ? upTo(3)(offset) : recordBatch([{ offset }], { codec: 4 }));
    other.records = upTo(4);
    one.end = other.end = 4;
    const from = await assigned(cluster);
    await read(from, (messages) => messages.length === 7);
    for (let i = 0; i < 3; i++) await assert.rejects(from.consume(10, T), NeedsNativeClient);
    assert.deepEqual(from.assignment(), [
      { topic: 't', partition: 0, offset: 3, paused: false },
      { topic: 't', partition: 1, offset: 4, paused: false },
    ]);
  });

  it('connects through a broker that answers when another does not', async () => {
    const silent = await startServer(() => {});
    open.push(silent);
    const cluster = await fakeCluster(1);
    const from = consumer(`${silent.address},${cluster.broker.address}`);
    const started = performance.now();
    await from.connect(2000);
    assert.ok(performance.now() - started < 1900);
  });

  it('gives up connecting when it is closed', async () => {
    const silent = await startServer(() => {});
    open.push(silent);
    const from = consumer(`${silent.address},${silent.address}`);
    const started = performance.now();
    const connecting = assert.rejects(from.connect(60_000), KafkaClientError);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await from.close();
    await connecting;
    assert.ok(performance.now() - started < T);
  });

  it('finds the leader of a partition that is assigned the moment another was found', async () => {
    const cluster = await fakeCluster(30);
    for (const p of cluster.partitions) {
      p.records = upTo(1);
      p.end = 1;
    }
    const from = consumer(cluster.broker.address);
    await from.connect(T);
    for (let partition = 0; partition < 30; partition++) {
      await from.incrementalAssign([{ topic: 't', partition, offset: 0 }]);
      // As many turns of the microtask queue later as the search may take to end.
      for (const deadline = Date.now() + T; cluster.count(METADATA) < partition + 2; ) {
        assert.ok(Date.now() < deadline, `nobody asks for the leader of partition ${partition}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (let i = 0; i < partition; i++) await undefined;
    }
    assert.equal((await read(from, (messages) => messages.length >= 30)).length, 30);
  });
});

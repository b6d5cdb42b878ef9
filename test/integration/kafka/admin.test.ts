import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NewTopic } from '../../../src/kafka/contract.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { T } from './support.ts';

let kafka: TestKafka;

before(async () => {
  kafka = await connectTestKafka();
});

after(() => kafka.close());

describe('the admin client on a real broker', () => {
  it('creates topics that are there when it returns, leaves existing ones alone, and deletes', async () => {
    const [a, b] = [kafka.unique('a'), kafka.unique('b')];
    const topics: NewTopic[] = [
      { name: a, partitions: 3, replicationFactor: -1, config: { 'cleanup.policy': 'compact' } },
      { name: b, partitions: 1, replicationFactor: 1, config: {} },
    ];
    await kafka.admin.createTopics(topics, T);
    const found = await kafka.admin.describeTopics([a, b, kafka.unique('missing')], T);
    assert.deepEqual([...found.keys()].sort(), [a, b].sort());
    assert.equal(found.get(a)?.partitions, 3);
    assert.match(found.get(a)?.topicId ?? '', /^[\w+/-]{22}$/);
    await kafka.admin.createTopics([{ name: a, partitions: 9, replicationFactor: -1, config: {} }], T);
    assert.equal((await kafka.admin.describeTopics([a], T)).get(a)?.partitions, 3);
    assert.ok((await kafka.admin.describeTopics(undefined, T)).has(b));
    await kafka.admin.deleteTopics([a, b, kafka.unique('missing')], T);
    assert.equal((await kafka.admin.describeTopics([a, b], T)).size, 0);
  });

  it('says which topic cannot be created and why', async () => {
    const name = kafka.unique('t');
    const wrong = (config: Record<string, string>, replicationFactor = -1) => kafka.admin.createTopics([{ name, partitions: 1, replicationFactor, config }], T);
    await assert.rejects(wrong({ 'cleanup.policy': 'nonsense' }), (error: unknown) => error instanceof KafkaClientError && error.message.includes(name));
    await assert.rejects(wrong({}, 99), { code: 'ERR_KAFKA_INVALID_REPLICATION_FACTOR' });
  });

  it('knows the cluster, and offsets by place and by time', async () => {
    const id = await kafka.admin.clusterId(T);
    const again = kafka.clients.admin();
    await again.connect(T);
    assert.equal(await again.clusterId(T), id);
    await again.close();

    const topic = await kafka.createTopic(kafka.unique('t'), 2);
    const at = [
      { topic, partition: 0 },
      { topic, partition: 1 },
    ];
    await kafka.produceAll(topic, [
      { value: 'a', partition: 0, timestamp: 1000 },
      { value: 'b', partition: 0, timestamp: 2000 },
      { value: 'c', partition: 0, timestamp: 3000 },
    ]);
    const list = async (place: 'earliest' | 'latest' | { timestamp: number }) => [...(await kafka.admin.listOffsets(at, place, 'read_committed', T)).values()];
    assert.deepEqual(await list('earliest'), [0, 0]);
    assert.deepEqual(await list('latest'), [3, 0]);
    assert.deepEqual(await list({ timestamp: 1500 }), [1, -1]);
    await kafka.admin.deleteRecords([{ topic, partition: 0, offset: 2 }], T);
    assert.deepEqual(await list('earliest'), [2, 0]);
    await assert.rejects(kafka.admin.listOffsets([{ topic, partition: 9 }], 'latest', 'read_committed', T), KafkaClientError);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Producer } from '../../../src/kafka/contract.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { startBroker } from '../../support/broker.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { closeAll, failure, Member, T, transactional, until } from './support.ts';

let kafka: TestKafka;

before(async () => {
  kafka = await connectTestKafka();
});

afterEach(closeAll);

after(() => kafka.close());

const send = (producer: Producer, topic: string, value: string | Buffer, partition = 0): void => {
  assert.ok(producer.produce(topic, partition, null, Buffer.from(value), 1, []));
};

const values = async (topic: string, isolation?: 'read_uncommitted'): Promise<string[]> => (await kafka.readAll(topic, isolation)).map((m) => String(m.value));

describe('a transaction', () => {
  it('shows its records and offsets when it is committed, and neither when it is aborted', async () => {
    const [output, tasks] = [await kafka.createTopic(kafka.unique('out'), 1), await kafka.createTopic(kafka.unique('tasks'), 1)];
    const groupId = kafka.unique('app');
    const member = await Member.join(kafka.clients, tasks, { groupId });
    const producer = await transactional(kafka.clients, kafka.unique('tx'));
    await member.owns(0);
    // Offsets of a topic that is not in the group's subscription: that is how tasks commit.
    const source = { topic: output, partition: 0 };

    await producer.beginTransaction();
    send(producer, output, 'aborted');
    // An abort drops what has not been sent yet.
    await producer.flush(T);
    await producer.sendOffsetsToTransaction([{ ...source, offset: 7 }], member.consumer, T);
    await producer.abortTransaction(T);
    assert.equal((await kafka.groupOffsets(groupId, [output])).size, 0);

    await producer.beginTransaction();
    send(producer, output, 'committed');
    await producer.sendOffsetsToTransaction([{ ...source, offset: 8, metadata: 'AgAB' }], member.consumer, T);
    await producer.commitTransaction(T);
    assert.deepEqual(await values(output), ['committed']);
    assert.deepEqual(await values(output, 'read_uncommitted'), ['aborted', 'committed']);
    assert.deepEqual((await member.consumer.committed([source], T))[0], { ...source, offset: 8, metadata: 'AgAB', committed: true });
  });

  it('holds back the committed offsets until it ends', async () => {
    const tasks = await kafka.createTopic(kafka.unique('tasks'), 1);
    const member = await Member.join(kafka.clients, tasks, { groupId: kafka.unique('app') });
    const producer = await transactional(kafka.clients, kafka.unique('tx'));
    await member.owns(0);
    const source = { topic: tasks, partition: 0 };
    await producer.beginTransaction();
    await producer.sendOffsetsToTransaction([{ ...source, offset: 3 }], member.consumer, T);
    const early = await failure(member.consumer.committed([source], 400));
    assert.equal(early.reaction, 'retriable');
    const asked = member.consumer.committed([source], T);
    await producer.commitTransaction(T);
    assert.equal((await asked)[0]?.offset, 3);
  });

  it('is abortable when a broker refuses a record; the next one may be too, the one after that succeeds', async () => {
    const narrow = await kafka.createTopic(kafka.unique('narrow'), 1, { 'max.message.bytes': '1000' });
    const producer = await transactional(kafka.clients, kafka.unique('tx'));
    await producer.beginTransaction();
    send(producer, narrow, 'fits');
    send(producer, narrow, randomBytes(5000));
    const error = await failure(producer.commitTransaction(T));
    assert.equal(error.reaction, 'abortable');
    await producer.abortTransaction(T);
    assert.deepEqual(producer.takeFailures(), []);

    // The client has counted the refused record: the broker finds the next transaction's sequence numbers wrong, once.
    for (let attempt = 0; ; attempt++) {
      await producer.beginTransaction();
      send(producer, narrow, 'again');
      try {
        await producer.commitTransaction(T);
        break;
      } catch (again) {
        assert.ok(again instanceof KafkaClientError && again.reaction === 'abortable' && attempt === 0, String(again));
        await producer.abortTransaction(T);
      }
    }
    assert.deepEqual(await values(narrow), ['again']);
  });

  it('is fatal once another producer has taken its id, and its records are not seen', async () => {
    const output = await kafka.createTopic(kafka.unique('out'), 1);
    const id = kafka.unique('tx');
    const old = await transactional(kafka.clients, id);
    await old.beginTransaction();
    send(old, output, 'zombie');
    await old.flush(T);
    const young = await transactional(kafka.clients, id);
    const error = await failure(old.commitTransaction(T));
    assert.equal(error.reaction, 'fatal');
    await young.beginTransaction();
    send(young, output, 'young');
    await young.commitTransaction(T);
    assert.deepEqual(await values(output), ['young']);
    assert.equal((await failure(old.beginTransaction())).reaction, 'fatal');
  });

  it('is fatal after its timeout; a new producer goes on', async () => {
    const output = await kafka.createTopic(kafka.unique('out'), 1);
    const id = kafka.unique('tx');
    const slow = await transactional(kafka.clients, id, 1000);
    await slow.beginTransaction();
    send(slow, output, 'late');
    await slow.flush(T);
    // The broker has aborted it when the records before its marker are all that can be read.
    const partition = [{ topic: output, partition: 0 }];
    await until('the broker has given up the transaction', async () => {
      const committed = await kafka.admin.listOffsets(partition, 'latest', 'read_committed', T);
      return committed.get(`${output}-0`) === 2;
    });
    const error = await failure(slow.commitTransaction(T));
    assert.equal(error.reaction, 'fatal', error.message);
    const next = await transactional(kafka.clients, id);
    await next.beginTransaction();
    send(next, output, 'next');
    await next.commitTransaction(T);
    assert.deepEqual(await values(output), ['next']);
  });
});

describe('a commit whose outcome is unknown', () => {
  it('is retriable: aborting is refused, the same call again succeeds, and the records are there once', async () => {
    const broker = await startBroker();
    const own = await connectTestKafka(broker.bootstrapServers);
    try {
      const output = await own.createTopic('out', 1);
      const producer = await transactional(own.clients, 'tx', 60_000);
      await producer.beginTransaction();
      send(producer, output, 'once');
      await producer.flush(T);
      await broker.signalNode(1, 'SIGSTOP');
      const unknown = await failure(producer.commitTransaction(500));
      assert.equal(unknown.reaction, 'retriable', unknown.message);
      assert.equal(unknown.code, 'ERR_KAFKA_TIMED_OUT');
      const abort = await failure(producer.abortTransaction(500));
      assert.equal(abort.reaction, 'retriable', abort.message);
      await broker.signalNode(1, 'SIGCONT');
      await producer.commitTransaction(T);
      assert.deepEqual(
        (await own.readAll(output)).map((m) => String(m.value)),
        ['once'],
      );
    } finally {
      await broker.signalNode(1, 'SIGCONT');
      await own.close();
      await broker.stop();
    }
  });
});

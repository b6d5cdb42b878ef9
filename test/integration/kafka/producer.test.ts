import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { closeAll, T } from './support.ts';

let kafka: TestKafka;

before(async () => {
  kafka = await connectTestKafka();
});

afterEach(closeAll);

after(() => kafka.close());

describe('an idempotent producer (at-least-once)', () => {
  it('tells of every record that a broker refused, although the flush succeeds', async () => {
    const narrow = await kafka.createTopic(kafka.unique('narrow'), 2, { 'max.message.bytes': '1000' });
    const producer = kafka.clients.producer({ transactionTimeoutMs: T, overrides: { 'batch.num.messages': 1 } });
    await producer.connect(T);
    // More than the client reports in one turn of the event loop.
    const refused = 250;
    for (let i = 0; i < refused; i++) assert.ok(producer.produce(narrow, 0, null, randomBytes(3000), null, []));
    assert.ok(producer.produce(narrow, 1, null, Buffer.from('fits'), null, []));
    await producer.flush(T);
    const failures = producer.takeFailures();
    assert.equal(failures.length, refused);
    for (const { topic, partition, error } of failures) {
      assert.deepEqual([topic, partition], [narrow, 0]);
      assert.ok(error instanceof KafkaClientError && error.code === 'ERR_KAFKA_MSG_SIZE_TOO_LARGE', error.message);
    }
    assert.deepEqual(producer.takeFailures(), []);
    assert.deepEqual(
      (await kafka.readAll(narrow)).map((m) => String(m.value)),
      ['fits'],
    );
    await producer.close(T);
  });

  it('refuses a partition that does not exist', async () => {
    const topic = await kafka.createTopic(kafka.unique('t'), 1);
    const producer = kafka.clients.producer({ transactionTimeoutMs: T });
    await producer.connect(T);
    let error: unknown;
    try {
      producer.produce(topic, 7, null, Buffer.from('x'), null, []);
      await producer.flush(T);
      error = producer.takeFailures()[0]?.error;
    } catch (thrown) {
      error = thrown;
    }
    assert.ok(error instanceof KafkaClientError && error.topic === topic && error.partition === 7, String(error));
    await producer.close(T);
  });
});

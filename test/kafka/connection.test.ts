import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError, IllegalStateError } from '../../src/errors.ts';
import { createKafkaClients } from '../../src/kafka/client.ts';
import type { ClientOptions, KafkaClients } from '../../src/kafka/contract.ts';
import { KafkaClientError } from '../../src/kafka/errors.ts';
import { freePorts } from '../support/broker/ports.ts';

const SECRET = 'correct-horse-battery-staple';

function all(clients: KafkaClients) {
  return {
    membership: clients.membership({ groupId: 'g', groupProtocol: 'classic', sessionTimeoutMs: 6000, heartbeatIntervalMs: 1000, maxPollIntervalMs: 10_000 }),
    fetcher: clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 1 << 20 }),
    producer: clients.producer({ transactionTimeoutMs: 1000 }),
    admin: clients.admin(),
  };
}

describe('a broker that is not there', () => {
  it('is an error within the given time, for every client, that says where it looked', async () => {
    const bootstrapServers = `127.0.0.1:${(await freePorts(1))[0]}`;
    for (const [name, client] of Object.entries(all(createKafkaClients({ bootstrapServers, clientId: 't' })))) {
      await assert.rejects(client.connect(700), (error: KafkaClientError) => {
        assert.ok(error instanceof KafkaClientError, name);
        assert.equal(error.code, 'ERR_KAFKA_NO_BROKER');
        assert.equal(error.reaction, 'retriable');
        assert.match(error.message, new RegExp(`at ${bootstrapServers} within 700 ms`));
        assert.match(error.message, /[Cc]onnection refused/);
        return true;
      });
      await (client as { close(timeoutMs: number): Promise<void> }).close(100);
    }
  });
});

describe('secrets', () => {
  it('are in no log line and no error, whatever the client complains of', async () => {
    const bootstrapServers = `127.0.0.1:${(await freePorts(1))[0]}`;
    const said: string[] = [];
    const attempts: ClientOptions['kafka'][] = [
      { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': 'PLAIN', 'sasl.username': 'u', 'sasl.password': SECRET, debug: 'all' },
      { 'security.protocol': 'ssl', 'ssl.key.pem': `-----BEGIN ${SECRET}`, 'ssl.key.password': SECRET },
      { 'security.protocol': 'ssl', 'ssl.keystore.location': '/nowhere', 'ssl.keystore.password': SECRET },
      {
        'sasl.oauthbearer.config': SECRET,
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanisms': 'OAUTHBEARER',
        'enable.sasl.oauthbearer.unsecure.jwt': true,
      },
      { 'ssl.key.password': SECRET, 'no.such.property': SECRET },
    ];
    for (const kafka of attempts) {
      try {
        const producer = createKafkaClients({ bootstrapServers, clientId: 't', kafka, onLog: (line) => said.push(JSON.stringify(line)) }).producer({
          transactionTimeoutMs: 1000,
        });
        await assert.rejects(producer.connect(300), (error: Error) => {
          said.push(String(error.stack), JSON.stringify(error), String((error as { cause?: Error }).cause?.message));
          return true;
        });
        await producer.close(100);
      } catch (error) {
        said.push(String((error as Error).stack));
      }
    }
    assert.ok(said.length > attempts.length);
    assert.deepEqual(
      said.filter((text) => text.includes(SECRET)),
      [],
    );
  });
});

describe('configuration that the client refuses', () => {
  it('is a ConfigError that names the property', () => {
    const clients = createKafkaClients({ bootstrapServers: 'localhost:1', clientId: 't', kafka: { 'no.such.property': 1 } });
    assert.throws(() => clients.admin(), { name: 'ConfigError', message: /no\.such\.property/ });
    const wrong = createKafkaClients({ bootstrapServers: 'localhost:1', clientId: 't', kafka: { 'socket.timeout.ms': 'soon' } });
    assert.throws(
      () => wrong.producer({ transactionTimeoutMs: 1 }),
      (error: Error) => error instanceof ConfigError && error.message.includes('socket.timeout.ms'),
    );
  });
});

describe('a client that is not connected', () => {
  it('says so instead of crashing the process', async () => {
    const { membership, fetcher, producer, admin } = all(createKafkaClients({ bootstrapServers: 'localhost:1', clientId: 't' }));
    const offsets = [{ topic: 't', partition: 0, offset: 1 }];
    assert.equal(membership.assignmentLost(), true);
    assert.throws(() => membership.subscribe('t', () => {}), IllegalStateError);
    assert.throws(() => membership.incrementalAssign([]), IllegalStateError);
    assert.throws(() => producer.produce('t', 0, null, null, null, []), IllegalStateError);
    for (const call of [
      () => membership.poll(),
      () => membership.commit(offsets, 100),
      () => membership.committed(offsets, 100),
      () => fetcher.consume(1, 0),
      () => fetcher.incrementalAssign(offsets),
      () => producer.flush(100),
      () => producer.beginTransaction(),
      () => producer.sendOffsetsToTransaction(offsets, membership, 100),
      () => admin.describeTopics(['t'], 100),
      () => admin.clusterId(100),
    ]) {
      await assert.rejects(call, IllegalStateError, call.toString());
    }
    producer.poll();
    await Promise.all([membership.close(), fetcher.close(), producer.close(100), admin.close()]);
  });
});

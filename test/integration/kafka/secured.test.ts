import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createKafkaClients } from '../../../src/kafka/client.ts';
import type { ConsumedMessage, KafkaClients } from '../../../src/kafka/contract.ts';
import type { KafkaClientError } from '../../../src/kafka/errors.ts';
import { NO_HEADERS } from '../../../src/processor/headers.ts';
import { type Mechanism, type SecuredBroker, startSecuredBroker } from '../../support/broker/secured-broker.ts';
import { failure, T } from './support.ts';

const RECORDS = 100;
/** How long a connection may fail before it is given up. */
const REFUSED_MS = 5000;

interface Way {
  readonly bootstrapServers: string;
  readonly kafka: { readonly [key: string]: string };
}

let broker: SecuredBroker;

before(async () => {
  broker = await startSecuredBroker();
});

after(() => broker?.stop());

function mutualTls(): Way {
  const kafka = {
    'security.protocol': 'ssl',
    'ssl.ca.location': broker.caFile,
    'ssl.certificate.location': broker.clientCertificateFile,
    'ssl.key.location': broker.clientKeyFile,
    'ssl.key.password': broker.clientKeyPassword,
  };
  return { bootstrapServers: broker.ssl, kafka };
}

function login(protocol: 'sasl_ssl' | 'sasl_plaintext', mechanism: Mechanism, password = broker.passwords[mechanism]): Way {
  const sasl = { 'security.protocol': protocol, 'sasl.mechanism': mechanism, 'sasl.username': broker.username, 'sasl.password': password };
  if (protocol === 'sasl_plaintext') return { bootstrapServers: broker.saslPlaintext, kafka: sasl };
  return { bootstrapServers: broker.saslSsl, kafka: { ...sasl, 'ssl.ca.location': broker.caFile } };
}

function clientsOf(way: Way, log: string[] = []): KafkaClients {
  return createKafkaClients({ ...way, clientId: 'millrace-secured', onLog: (line) => log.push(line.message) });
}

async function produce(clients: KafkaClients, topic: string): Promise<void> {
  const producer = clients.producer({ transactionTimeoutMs: T });
  await producer.connect(T);
  try {
    for (let i = 0; i < RECORDS; i++) {
      assert.ok(producer.produce(topic, i % 2, Buffer.from(`key ${i}`), Buffer.from(`value ${i}`), 1000 + i, NO_HEADERS));
    }
    await producer.flush(T);
    assert.deepEqual(producer.takeFailures(), []);
  } finally {
    await producer.close(T);
  }
}

async function consume(clients: KafkaClients, topic: string): Promise<ConsumedMessage[]> {
  const fetcher = clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 1 << 20 });
  await fetcher.connect(T);
  try {
    await fetcher.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })));
    const messages: ConsumedMessage[] = [];
    const deadline = Date.now() + T;
    while (messages.length < RECORDS && Date.now() < deadline) messages.push(...(await fetcher.consume(RECORDS, 500)));
    return messages;
  } finally {
    await fetcher.close();
  }
}

describe('clients of a secured broker', () => {
  const ways: readonly [name: string, way: () => Way][] = [
    ['ssl with a certificate of the client', mutualTls],
    ['sasl_ssl with PLAIN', () => login('sasl_ssl', 'PLAIN')],
    ['sasl_ssl with SCRAM-SHA-512', () => login('sasl_ssl', 'SCRAM-SHA-512')],
    ['sasl_plaintext with SCRAM-SHA-256', () => login('sasl_plaintext', 'SCRAM-SHA-256')],
  ];
  for (const [name, way] of ways) {
    it(`produce and read over ${name}`, async () => {
      const clients = clientsOf(way());
      const topic = name.replaceAll(' ', '-');
      const admin = clients.admin();
      await admin.connect(T);
      try {
        await admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 1, config: { 'retention.ms': '-1' } }], T);
      } finally {
        await admin.close();
      }
      await produce(clients, topic);
      const values = (await consume(clients, topic)).map((message) => `${message.partition} ${message.key} ${message.value}`);
      const expected = Array.from({ length: RECORDS }, (_, i) => `${i % 2} key ${i} value ${i}`);
      assert.deepEqual(values.sort(), expected.sort());
    });
  }

  it('say that the credentials are to be checked when the password is wrong, and do not show it', async () => {
    const wrong = 'not-the-password-of-alice';
    const attempts = [
      login('sasl_ssl', 'PLAIN', wrong),
      login('sasl_ssl', 'SCRAM-SHA-512', wrong),
      login('sasl_plaintext', 'SCRAM-SHA-256', wrong),
      login('sasl_plaintext', 'PLAIN', wrong),
    ].map(async (way) => {
      const { error, log } = await refused(way);
      assert.match(error.message, /authentication/i);
      assert.match(error.message, /check .*(?:credentials|security settings)/);
      for (const text of [error.message, String(error.stack), String((error.cause as Error | undefined)?.message), ...log]) {
        assert.ok(!text.includes(wrong), text);
      }
    });
    await Promise.all(attempts);
  });

  it('do not connect to a broker whose CA they do not trust, nor without the certificate it asks for', async () => {
    const { bootstrapServers, kafka } = mutualTls();
    const { 'ssl.certificate.location': _certificate, 'ssl.key.location': _key, ...anonymous } = kafka;
    const { 'ssl.ca.location': _ca, ...trustless } = kafka;
    const attempts = [anonymous, trustless].map(async (properties) => {
      const { error, log } = await refused({ bootstrapServers, kafka: properties });
      for (const text of [error.message, ...log]) assert.ok(!text.includes(broker.clientKeyPassword), text);
    });
    await Promise.all(attempts);
  });
});

async function refused(way: Way): Promise<{ error: KafkaClientError; log: readonly string[] }> {
  const log: string[] = [];
  const fetcher = clientsOf(way, log).fetcher({ isolation: 'read_committed', maxPrefetchBytes: 1 << 20 });
  try {
    return { error: await failure(fetcher.connect(REFUSED_MS)), log };
  } finally {
    await fetcher.close();
  }
}

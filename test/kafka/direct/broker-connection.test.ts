import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { BrokerConnection } from '../../../src/kafka/direct/broker-connection.ts';
import { NeedsNativeClient } from '../../../src/kafka/direct/needs-native-client.ts';
import { API_VERSIONS, FETCH, LIST_OFFSETS, METADATA } from '../../../src/kafka/direct/requests.ts';
import { type Reader, Writer } from '../../../src/kafka/direct/wire.ts';
import { KafkaClientError } from '../../../src/kafka/errors.ts';
import { apiVersions, type FakeBroker, type FakeBrokerOptions, frame, startFakeBroker, startServer } from '../../support/fake-broker.ts';

const T = 5000;
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function fake(options: FakeBrokerOptions = {}): Promise<FakeBroker> {
  const broker = await startFakeBroker(options);
  open.push(broker);
  return broker;
}

async function server(onConnection: (socket: Socket) => void): Promise<FakeBroker> {
  const broker = await startServer(onConnection);
  open.push(broker);
  return broker;
}

function connection({ host, port }: { host: string; port: number }): BrokerConnection {
  const made = new BrokerConnection({ host, port, clientId: 'tester', security: { tls: null, sasl: null } });
  open.push(made);
  return made;
}

/** The error of a call; it has to name the broker and to say that trying again may help. */
async function broken(call: Promise<unknown>, broker: { address: string }, text: RegExp): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof KafkaClientError, String(error));
    assert.equal(error.reaction, 'retriable');
    assert.ok(error.message.includes(broker.address), error.message);
    assert.match(error.message, text);
    return true;
  });
}

const echo: FakeBrokerOptions['answer'] = ({ api, body }) => (api === API_VERSIONS.key ? undefined : body.buffer.subarray(body.at));
const text = (reader: Reader): string => reader.buffer.subarray(reader.at).toString();

describe('a connection to a broker', () => {
  it('sends requests as Kafka frames them, and gives each its answer, in order', async () => {
    const broker = await fake({ answer: echo });
    const c = connection(broker);
    assert.equal(c.usable, false);
    await c.open(T);
    assert.equal(c.usable, true);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => c.request(METADATA, Buffer.from(`request ${i} ${'x'.repeat(i * 100)}`), T)));
    answers.forEach((answer, i) => {
      assert.match(text(answer), new RegExp(`^request ${i} x*$`));
      assert.equal(text(answer).length, `request ${i} `.length + i * 100);
    });
    const [versions, first] = broker.requests;
    assert.deepEqual([versions?.api, versions?.version, versions?.clientId], [18, 0, 'tester']);
    assert.deepEqual([first?.api, first?.version, first?.clientId], [METADATA.key, METADATA.version, 'tester']);
  });

  it('puts answers together wherever they are split', async () => {
    const body = 'an answer of some bytes';
    const size = frame(0, Buffer.from(body)).length;
    for (let at = 1; at < size; at++) {
      const broker = await fake({
        answer: echo,
        send: (socket, bytes) => {
          socket.write(bytes.subarray(0, at));
          setImmediate(() => socket.write(bytes.subarray(at)));
        },
      });
      const c = connection(broker);
      await c.open(T);
      assert.equal(text(await c.request(METADATA, Buffer.from(body), T)), body, `split at ${at}`);
    }
  });

  it('takes several answers out of one chunk, byte by byte too', async () => {
    for (const chunk of [Number.POSITIVE_INFINITY, 1, 7]) {
      let held: Buffer[] = [];
      const broker = await fake({
        answer: echo,
        send: (socket, bytes) => {
          held.push(bytes);
          // The answer about versions goes by itself.
          if (bytes.includes('request') && !bytes.includes('last')) return;
          const all = Buffer.concat(held);
          held = [];
          for (let at = 0; at < all.length; at += chunk) socket.write(all.subarray(at, Math.min(all.length, at + chunk)));
        },
      });
      const c = connection(broker);
      await c.open(T);
      const asked = ['request 1', 'request 2', 'request 3', 'request 4, the last'];
      const answers = await Promise.all(asked.map((each) => c.request(METADATA, Buffer.from(each), T)));
      assert.deepEqual(answers.map(text), asked);
    }
  });

  it('takes large answers', async () => {
    const large = Buffer.alloc(20 << 20, 'x');
    const broker = await fake({ answer: ({ api }) => (api === API_VERSIONS.key ? undefined : large) });
    const c = connection(broker);
    await c.open(T);
    const answer = await c.request(FETCH, Buffer.alloc(0), T);
    assert.ok(answer.buffer.subarray(answer.at).equals(large));
  });

  it('ends with an answer to what was not asked', async () => {
    for (const wrong of [-1, 1]) {
      const broker = await server((socket) => {
        let requests = 0;
        socket.on('data', (request) => {
          const asked = (request as Buffer).readInt32BE(8);
          socket.write(requests++ === 0 ? frame(asked, apiVersions()) : frame(asked + wrong, Buffer.alloc(10)));
        });
      });
      const c = connection(broker);
      await c.open(T);
      const both = [c.request(METADATA, Buffer.alloc(0), T), c.request(METADATA, Buffer.alloc(0), T)];
      await Promise.all(both.map((call) => broken(call, broker, /answers what was not asked/)));
      assert.equal(c.usable, false);
      await broken(c.request(METADATA, Buffer.alloc(0), T), broker, /answers what was not asked/);
    }
  });

  it('ends with an answer that nobody waits for', async () => {
    const broker = await fake();
    const c = connection(broker);
    await c.open(T);
    for (const socket of broker.sockets) socket.write(frame(1, Buffer.alloc(10)));
    while (c.usable) await new Promise((resolve) => setTimeout(resolve, 5));
    await broken(c.request(METADATA, Buffer.alloc(0), T), broker, /answers what was not asked/);
  });

  it('says that an HTTP server is no Kafka broker', async () => {
    const broker = await server((socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
    await broken(connection(broker).open(T), broker, /is this a Kafka broker/);
  });

  it('says so of a broker that wants TLS', async () => {
    // Its alert about the first bytes, that are no handshake.
    const broker = await server((socket) => socket.once('data', () => socket.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 70]))));
    await broken(connection(broker).open(T), broker, /security[.]protocol/);
  });

  it('fails on any garbage, in the answer about versions too', async () => {
    const short = Buffer.from([0, 0, 0, 0, 0, 9, 0, 1]);
    for (const body of [Buffer.alloc(0), Buffer.alloc(1), short, Buffer.from([0, 0, 0x7f, 0xff, 0xff, 0xff])]) {
      const broker = await fake({ answer: () => body });
      const c = connection(broker);
      await broken(c.open(T), broker, /Kafka broker/);
      assert.equal(c.usable, false);
    }
    for (const length of [-1, 0, 3]) {
      const head = Buffer.alloc(12);
      head.writeInt32BE(length, 0);
      const broker = await server((socket) => socket.once('data', () => socket.write(head)));
      await broken(connection(broker).open(T), broker, /is this a Kafka broker/);
    }
  });

  it('fails where nobody listens', async () => {
    const broker = await server(() => {});
    await broker.close();
    await broken(connection(broker).open(T), broker, /connection refused/);
  });

  it('fails with what is under way when the broker closes it, and whatever is asked later', async () => {
    const broker = await fake();
    const c = connection(broker);
    await c.open(T);
    const calls = [FETCH, METADATA, LIST_OFFSETS].map((api) => broken(c.request(api, Buffer.alloc(0), T), broker, /closed|ECONNRESET/));
    setTimeout(() => {
      for (const socket of broker.sockets) socket.end();
    }, 20);
    await Promise.all(calls);
    assert.equal(c.usable, false);
    await broken(c.request(METADATA, Buffer.alloc(0), T), broker, /closed|ECONNRESET/);
  });

  it('fails when the broker closes it in the middle of an answer, or before any', async () => {
    const midway = await fake({ send: (socket, bytes) => socket.end(bytes.subarray(0, 9)) });
    await broken(connection(midway).open(T), midway, /closed it/);
    const atOnce = await server((socket) => socket.end());
    await broken(connection(atOnce).open(T), atOnce, /closed it|ECONNRESET|EPIPE/);
    const reset = await server((socket) => socket.resetAndDestroy());
    await broken(connection(reset).open(T), reset, /closed it|ECONNRESET|EPIPE/);
  });

  it('ends when the broker does not answer in time, with all that is under way', async () => {
    const broker = await fake();
    const c = connection(broker);
    await c.open(T);
    const from = performance.now();
    const calls = [
      broken(c.request(FETCH, Buffer.alloc(0), T), broker, /did not answer Metadata within 100 ms/),
      broken(c.request(METADATA, Buffer.alloc(0), 100), broker, /did not answer Metadata within 100 ms/),
    ];
    await Promise.all(calls);
    assert.ok(performance.now() - from < T / 2);
    assert.equal(c.usable, false);
    while (broker.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('is not opened when the broker accepts and then says nothing', async () => {
    const broker = await server(() => {});
    const from = performance.now();
    await broken(connection(broker).open(100), broker, /did not answer ApiVersions within/);
    assert.ok(performance.now() - from < T / 2);
  });

  it('rejects with what is under way when it is closed here', async () => {
    const broker = await fake();
    const c = connection(broker);
    await c.open(T);
    const call = broken(c.request(FETCH, Buffer.alloc(0), T), broker, /closed/);
    c.close();
    await call;
    const opening = connection(broker);
    const opened = broken(opening.open(T), broker, /closed/);
    opening.close();
    await opened;
    await broken(connection(broker).request(FETCH, Buffer.alloc(0), T), broker, /not open/);
  });

  it('needs the native client for a broker that is too old', async () => {
    for (const api of [METADATA, LIST_OFFSETS, FETCH]) {
      const broker = await fake({ answer: () => apiVersions({ [api.key]: api.version - 1 }) });
      await assert.rejects(connection(broker).open(T), (error: unknown) => error instanceof NeedsNativeClient && error.message.includes(api.name));
    }
    const silent = await fake({ answer: () => new Writer().int16(35).int32(0).finish() });
    await assert.rejects(connection(silent).open(T), NeedsNativeClient);
  });
});

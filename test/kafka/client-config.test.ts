import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { clientProperties, redactor } from '../../src/kafka/client-config.ts';

const client = { bootstrapServers: 'a:1', clientId: 'me' };

describe('clientProperties', () => {
  it("puts the user's over the defaults, those of one client over those of all, and what the library depends on over everything", () => {
    const properties = clientProperties(
      { ...client, kafka: { 'linger.ms': 7, 'fetch.min.bytes': 2, 'enable.auto.commit': true, 'client.id': 'other' } },
      { 'linger.ms': 5, 'socket.timeout.ms': 1 },
      { 'fetch.min.bytes': 3 },
      { 'enable.auto.commit': false },
    );
    assert.equal(properties['linger.ms'], 7);
    assert.equal(properties['fetch.min.bytes'], 3);
    assert.equal(properties['socket.timeout.ms'], 1);
    assert.equal(properties['enable.auto.commit'], false);
    assert.equal(properties['client.id'], 'me');
    assert.equal(properties['bootstrap.servers'], 'a:1');
  });

  it('leaves undefined out: the client would take the word for the value', () => {
    const properties = clientProperties(client, { a: undefined }, undefined, { b: undefined });
    assert.ok(!('a' in properties) && !('b' in properties));
  });

  it('refuses what is not a string, a number or a boolean, by name', () => {
    const kafka = { 'sasl.username': null } as unknown as Record<string, string>;
    assert.throws(() => clientProperties({ ...client, kafka }, {}, undefined, {}), { name: 'ConfigError', message: /sasl\.username is a null/ });
    assert.throws(() => clientProperties({ ...client, bootstrapServers: ' ' }, {}, undefined, {}), ConfigError);
  });
});

describe('redactor', () => {
  it('takes the values of secret properties out of a text', () => {
    const redact = redactor({
      'sasl.password': 'hunter22',
      'ssl.key.password': 'hunter22-and-more',
      'ssl.key.pem': 'PEMPEM',
      'sasl.oauthbearer.client.secret': 's3cr3t',
      'sasl.username': 'alice',
    });
    assert.equal(redact('alice hunter22 hunter22-and-more PEMPEM s3cr3t hunter22'), 'alice [redacted] [redacted] [redacted] [redacted] [redacted]');
  });
});

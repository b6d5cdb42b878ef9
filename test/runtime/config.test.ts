import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { resolveConfig, type StreamsConfig } from '../../src/runtime/config.ts';
import { loggableConfig } from '../../src/runtime/logger.ts';

const minimal = { applicationId: 'app', bootstrapServers: '127.0.0.1:9092', logger: 'silent' as const };

test('defaults are those of Kafka Streams, and depend on the guarantee', () => {
  const config = resolveConfig(minimal);
  assert.equal(config.commitIntervalMs, 30_000);
  assert.equal(config.statestoreCacheMaxBytes, 10 * 1024 * 1024);
  assert.equal(config.clientId, 'app');
  assert.equal(resolveConfig({ ...minimal, processingGuarantee: 'exactly_once_v2' }).commitIntervalMs, 100);
  assert.equal(resolveConfig({ ...minimal, processingGuarantee: 'exactly_once_v2', commitIntervalMs: '2s' }).commitIntervalMs, 2000);
});

test('the driver needs neither application id nor brokers', () => {
  const config = resolveConfig({}, { forDriver: true });
  assert.equal(config.applicationId, 'topology-test-driver');
});

const refused: [string, object, RegExp][] = [
  ['a missing key', { applicationId: 'a' }, /^bootstrapServers is missing: give 'host:port'/],
  ['a wrong application id', { ...minimal, applicationId: 'a b' }, /^applicationId is "a b": give letters/],
  ['a server without a port', { ...minimal, bootstrapServers: 'broker' }, /^bootstrapServers is "broker": give 'host:port'/],
  ['a wrong choice', { ...minimal, processingGuarantee: 'exactly_once' }, /^processingGuarantee is "exactly_once": give 'at_least_once' or 'exactly_once_v2'/],
  ['a wrong duration', { ...minimal, commitIntervalMs: 'soon' }, /^commitIntervalMs is "soon": give milliseconds/],
  ['a negative duration', { ...minimal, commitIntervalMs: -1 }, /^commitIntervalMs is -1: give milliseconds, at least 0/],
  ['an unknown key', { ...minimal, commitIntervalMS: 3 }, /^Unknown configuration key "commitIntervalMS": did you mean commitIntervalMs\?/],
  ["Kafka's spelling", { ...minimal, 'commit.interval.ms': 3 }, /did you mean commitIntervalMs\?/],
  ['a key of a prototype', { ...minimal, toString: 3 }, /^Unknown configuration key "toString"/],
  ['a key nothing is near to', { ...minimal, xyzzyplughfoobarbaz: 3 }, /known keys are applicationId/],
  ['a handler that is neither', { ...minimal, deserializationExceptionHandler: 'skip' }, /give 'fail', 'continue' or a function/],
  ['a governed property', { ...minimal, kafka: { 'group.id': 'x' } }, /kafka\["group.id"\] is set by the library: use applicationId/],
  ['an undefined librdkafka property', { ...minimal, kafka: { 'sasl.password': undefined } }, /kafka is an object whose "sasl.password" is of type undefined/],
  [
    'a heartbeat slower than the session',
    { ...minimal, sessionTimeoutMs: '6s', heartbeatIntervalMs: '7s' },
    /^heartbeatIntervalMs is 7000: give less than sessionTimeoutMs, which is 6000/,
  ],
];
for (const [what, config, message] of refused) {
  test(`refused with key, value and what is allowed: ${what}`, () => {
    assert.throws(
      () => resolveConfig(config as StreamsConfig),
      (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test("the user's functions are kept as they are", () => {
  const extractor = () => 1;
  const handler = () => 'continue' as const;
  const config = resolveConfig({ ...minimal, defaultTimestampExtractor: extractor, processingExceptionHandler: handler });
  assert.equal(config.defaultTimestampExtractor, extractor);
  assert.equal(config.processingExceptionHandler, handler);
});

test('secrets do not reach errors or logs', () => {
  const kafka = {
    'sasl.password': 'hunter2',
    'ssl.key.pem': 'hunter2',
    'sasl.username': 'alice',
    'sasl.oauthbearer.config': 'hunter2',
    'sasl.oauthbearer.client.secret': 'hunter2',
  };
  const shown = JSON.stringify(loggableConfig(resolveConfig({ ...minimal, kafka })));
  assert.ok(!shown.includes('hunter2'));
  assert.ok(shown.includes('alice'));
  assert.throws(
    () => resolveConfig({ ...minimal, kafka: { ...kafka, 'sasl.mechanism': null } } as never),
    (error: Error) => !error.message.includes('hunter2') && error.message.includes('sasl.mechanism'),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AsyncOptions, ConfigError, KafkaStreams, type Processor, StreamsBuilder, serdes } from '../../src/index.ts';
import { TopologyTestDriver } from '../../src/testing/index.ts';
import type { Topology } from '../../src/topology/topology.ts';

const CONFIG = {
  defaultKeySerde: serdes.string,
  defaultValueSerde: serdes.string,
  sessionTimeoutMs: 1000,
  maxPollIntervalMs: 60_000,
  logger: 'silent',
} as const;

function topology(...operators: AsyncOptions[]): Topology {
  const builder = new StreamsBuilder();
  let stream = builder.stream<string, string>('in');
  for (const options of operators) stream = stream.mapValuesAsync(async (value) => value, options);
  stream.to('out');
  return builder.build();
}

const inDriver = (...operators: AsyncOptions[]): void => new TopologyTestDriver(topology(...operators), CONFIG).close();

test('the longest time of a record must stay below maxPollIntervalMs', () => {
  inDriver({ timeout: '59s' });
  inDriver({ timeout: '10s', retries: 4, backoff: { initial: '1s', factor: 1 } });
  assert.throws(
    () => inDriver({ timeout: '10s', retries: 5, backoff: { initial: 0 } }),
    (error) => error instanceof ConfigError && /60000 ms in KSTREAM-MAPVALUESASYNC-0000000001, .* maxPollIntervalMs is 60000/.test(error.message),
  );
});

test('operators behind each other add up, beside each other they do not', () => {
  assert.throws(() => inDriver({ timeout: '30s' }, { timeout: '30s' }), /KSTREAM-MAPVALUESASYNC-0000000001 and then KSTREAM-MAPVALUESASYNC-0000000002/);
  const builder = new StreamsBuilder();
  const stream = builder.stream<string, string>('in');
  stream.forEachAsync(async () => {}, { timeout: '30s' });
  stream.forEachAsync(async () => {}, { timeout: '30s' });
  new TopologyTestDriver(builder.build(), CONFIG).close();
});

test('a repartition topic between them makes them two tasks', () => {
  const builder = new StreamsBuilder();
  const slow = { timeout: '40s' } as const;
  builder
    .stream<string, string>('in')
    .mapValuesAsync(async (value) => value, slow)
    .repartition()
    .mapValuesAsync(async (value) => value, slow)
    .to('out');
  new TopologyTestDriver(builder.build(), CONFIG).close();
});

test('KafkaStreams refuses it before it connects to anything', () => {
  assert.throws(() => new KafkaStreams(topology({ timeout: '2m' }), { ...CONFIG, applicationId: 'a', bootstrapServers: '127.0.0.1:1' }), {
    code: 'ERR_CONFIG',
  });
});

test('the limit survives a processor wrapper', () => {
  const builder = new StreamsBuilder({ processorWrapper: (_name, supplier) => supplier as () => Processor<never, never, never, never> });
  builder.stream<string, string>('in').forEachAsync(async () => {}, { timeout: '2m' });
  assert.throws(() => new TopologyTestDriver(builder.build(), CONFIG), { code: 'ERR_CONFIG' });
});

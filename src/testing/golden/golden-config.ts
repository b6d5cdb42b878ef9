import type { TopologyConfig } from '../../dsl/build-config.ts';
import { ConfigError } from '../../errors.ts';
import type { StreamsConfig } from '../../runtime/config.ts';
import type { Serde } from '../../serdes/serde.ts';
import { serdes } from '../../serdes/serdes.ts';

/** A case's configuration in the library's terms. */
export interface GoldenConfig {
  readonly streams: Partial<StreamsConfig>;
  readonly topology: TopologyConfig;
}

const SERDES = new Map<string, unknown>([
  ['StringSerde', serdes.string],
  ['LongSerde', serdes.long],
  ['IntegerSerde', serdes.integer],
  ['BytesSerde', serdes.bytes],
]);

type Apply = (value: string, streams: Partial<StreamsConfig>, topology: TopologyConfig) => void;

const KEYS: { readonly [javaKey: string]: Apply } = {
  'default.key.serde': (value, streams) => {
    streams.defaultKeySerde = serdeOf(value);
  },
  'default.value.serde': (value, streams) => {
    streams.defaultValueSerde = serdeOf(value);
  },
  'statestore.cache.max.bytes': (value, streams) => {
    streams.statestoreCacheMaxBytes = Number(value);
  },
  'max.task.idle.ms': (value, streams) => {
    streams.maxTaskIdleMs = Number(value);
  },
  'processing.guarantee': (value, streams) => {
    streams.processingGuarantee = value as StreamsConfig['processingGuarantee'];
  },
  'deserialization.exception.handler': (value, streams) => {
    streams.deserializationExceptionHandler = handlerOf(value);
  },
  'processing.exception.handler': (value, streams) => {
    streams.processingExceptionHandler = handlerOf(value);
  },
  'production.exception.handler': (value, streams) => {
    streams.productionExceptionHandler = handlerOf(value);
  },
  'errors.dead.letter.queue.topic.name': (value, streams) => {
    streams.errorsDeadLetterQueueTopicName = value;
  },
  '__emit.interval.ms.kstreams.windowed.aggregation__': (value, streams) => {
    streams.emitIntervalMs = Number(value);
  },
  '__emit.interval.ms.kstreams.outer.join.spurious.results.fix__': (value, streams) => {
    streams.emitIntervalMs = Number(value);
  },
  'topology.optimization': (value, _streams, topology) => {
    topology.topologyOptimization = value;
  },
  'ensure.explicit.internal.resource.naming': (value, _streams, topology) => {
    topology.ensureExplicitInternalResourceNaming = value === 'true';
  },
  'dsl.store.suppliers.class': (value, _streams, topology) => {
    topology.dslStoreSuppliers = /InMemory/.test(value) ? 'memory' : 'sqlite';
  },
  'dsl.store.format': (value, _streams, topology) => {
    topology.dslStoreFormat = value as 'default' | 'headers';
  },
};

/** @throws ConfigError for a key that has no counterpart here. */
export function goldenConfig(config: { readonly [key: string]: string | number | boolean }): GoldenConfig {
  const streams: Partial<StreamsConfig> = { applicationId: 'golden' };
  const topology: TopologyConfig = {};
  for (const [key, value] of Object.entries(config)) {
    const apply = KEYS[key];
    if (apply === undefined) throw new ConfigError(`The golden case sets ${key}, which the runner does not know`);
    apply(String(value), streams, topology);
  }
  return { streams, topology };
}

/** `org.apache.kafka.common.serialization.Serdes$StringSerde` */
function serdeOf(javaClass: string): Serde<unknown> {
  const serde = SERDES.get(javaClass.split(/[.$]/).at(-1) as string) as Serde<unknown> | undefined;
  if (serde === undefined) throw new ConfigError(`The golden case has the default serde ${javaClass}, which the runner does not know`);
  return serde;
}

function handlerOf(javaClass: string): 'fail' | 'continue' {
  return /Continue/.test(javaClass) ? 'continue' : 'fail';
}

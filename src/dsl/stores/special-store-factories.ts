import { bytes } from '../../serdes/basics.ts';
import type { Serde } from '../../serdes/serde.ts';
import { outerJoinStoreBuilder, streamRecordBufferBuilder, subscriptionStoreBuilder, suppressStoreBuilder } from '../../state/internal-stores.ts';
import { Stores } from '../../state/stores.ts';
import type { AnyStreamJoined } from '../erased.ts';
import { configureBuilder } from './configure-builder.ts';
import type { StoreFactory } from './store-factory.ts';

type OptionalSerde = Serde<unknown> | undefined;
type Logging = boolean | { readonly [config: string]: string };

function loggingOptions(logging: Logging): { logging: boolean; logConfig: { readonly [config: string]: string } } {
  return { logging: logging !== false, logConfig: typeof logging === 'object' ? logging : {} };
}

/** Unmatched records of a left or outer stream join. */
export function outerJoinStoreFactory(options: {
  readonly name: string;
  readonly joined: AnyStreamJoined;
  readonly keySerde: OptionalSerde;
  readonly valueSerde: OptionalSerde;
  readonly otherValueSerde: OptionalSerde;
}): StoreFactory {
  const { name, joined, keySerde, valueSerde, otherValueSerde } = options;
  return Object.freeze({
    name,
    versioned: false,
    create(config, overrides) {
      const engine = joined.engine ?? (joined.thisStore?.engine === 'memory' ? 'memory' : joined.thisStore === undefined ? config.engine : 'sqlite');
      const builder = outerJoinStoreBuilder({ name, engine, keySerde, leftValueSerde: valueSerde, rightValueSerde: otherValueSerde });
      return configureBuilder(builder, { caching: false, ...loggingOptions(joined.logging ?? true), ...overrides });
    },
  } satisfies StoreFactory);
}

/** The buffer behind a suppress. */
export function suppressStoreFactory(options: {
  readonly name: string;
  readonly keySerde: OptionalSerde;
  readonly valueSerde: OptionalSerde;
  readonly logging: Logging;
}): StoreFactory {
  const { name, keySerde, valueSerde, logging } = options;
  return Object.freeze({
    name,
    versioned: false,
    create: (_config, overrides) =>
      configureBuilder(suppressStoreBuilder({ name, keySerde, valueSerde }), { caching: false, ...loggingOptions(logging), ...overrides }),
  } satisfies StoreFactory);
}

/** The buffer of a stream-table join with a grace period. */
export function recordBufferFactory(options: {
  readonly name: string;
  readonly graceMs: number;
  readonly keySerde: OptionalSerde;
  readonly valueSerde: OptionalSerde;
}): StoreFactory {
  return Object.freeze({
    name: options.name,
    versioned: false,
    create: (_config, overrides) => configureBuilder(streamRecordBufferBuilder(options), { caching: false, logging: true, logConfig: {}, ...overrides }),
  } satisfies StoreFactory);
}

/** Who subscribes to which foreign key: keys are bytes (foreign key and primary key), values the subscriptions. Cached by nobody, as in Kafka Streams. */
export function subscriptionStoreFactory(name: string, wrapperSerde: Serde<unknown>): StoreFactory {
  return Object.freeze({
    name,
    versioned: false,
    create(config, overrides) {
      const supplier = config.engine === 'memory' ? Stores.inMemoryKeyValueStore(name) : Stores.persistentTimestampedKeyValueStore(name);
      const builder = subscriptionStoreBuilder(supplier, bytes, wrapperSerde);
      return configureBuilder(builder, { caching: false, logging: true, logConfig: {}, ...overrides });
    },
  } satisfies StoreFactory);
}

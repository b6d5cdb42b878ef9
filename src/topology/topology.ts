import { TopologyError } from '../errors.ts';
import type { StreamPartitioner, TopicNameExtractor } from '../processor/partitioner.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { OffsetResetPolicy, RunnableTopology, TopologyPlan } from '../runtime/plan.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';
import { type Duration, toMillis } from '../time.ts';
import type { ProcessorSupplier, SourceDefinition } from './definitions.ts';
import { describeTopology, type TopologyDescription } from './describe.ts';
import { PhysicalTopology } from './physical-topology.ts';
import { planTopology } from './planner.ts';
import { resolveSupplier } from './processor-supplier.ts';
import { withoutLogging } from './without-logging.ts';

/** What becomes of a partition that has no committed offset yet. A duration starts that far before now. */
export type OffsetReset = 'earliest' | 'latest' | 'none' | { readonly byDuration: Duration };

export interface SourceOptions<K = unknown, V = unknown> {
  /** @default the configuration's `defaultKeySerde` */
  key?: Serde<K>;
  /** @default the configuration's `defaultValueSerde` */
  value?: Serde<V>;
  /** Event time of a record. @default the configuration's `defaultTimestampExtractor` */
  timestamp?: TimestampExtractor<K, V>;
  /** @default the configuration's */
  offsetReset?: OffsetReset;
}

export interface SinkOptions<K = unknown, V = unknown> {
  /** @default the configuration's `defaultKeySerde` */
  key?: Serde<K>;
  /** @default the configuration's `defaultValueSerde` */
  value?: Serde<V>;
  /** @default murmur2 of the key's bytes, as Kafka's Java producer */
  partitioner?: StreamPartitioner<K, V>;
}

export interface GlobalStoreOptions<K = unknown, V = unknown> extends Omit<SourceOptions<K, V>, 'offsetReset'> {
  /** Name of the source node. */
  sourceName: string;
  /** Name of the processor node that fills the store. */
  processorName: string;
}

/**
 * A topology put together node by node (the Processor API), or by {@link StreamsBuilder.build}. Parents are added before their children.
 * Methods return the topology itself, so calls can be chained. Everything is checked as it is added.
 *
 * @example
 * new Topology()
 *   .addSource('in', 'orders', { key: serdes.string, value: serdes.json<Order>() })
 *   .addProcessor('total', () => new TotalProcessor(), 'in')
 *   .addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('totals'), serdes.string, serdes.long), 'total')
 *   .addSink('out', 'totals', { key: serdes.string, value: serdes.long }, 'total');
 */
export class Topology implements RunnableTopology {
  readonly #physical: PhysicalTopology;

  /** @internal The argument is the DSL's: users call it without. */
  constructor(physical: PhysicalTopology = new PhysicalTopology()) {
    this.#physical = physical;
  }

  /**
   * Reads topics: one, several, or all whose whole name matches.
   * @throws TopologyError when the name or a topic is taken.
   */
  addSource<K, V>(name: string, topics: string | readonly string[] | RegExp, options: SourceOptions<K, V> = {}): this {
    this.#physical.addSource(sourceDefinition(name, topics, options));
    return this;
  }

  /**
   * Runs a processor on what its parents forward. Stores that the supplier brings are added and connected.
   * @throws TopologyError when the name is taken or a parent is not there.
   */
  addProcessor<KIn, VIn, KOut, VOut>(name: string, supplier: ProcessorSupplier<KIn, VIn, KOut, VOut>, ...parents: string[]): this {
    const resolved = resolveSupplier(supplier, name);
    this.#physical.addProcessor({ kind: 'processor', name, parents: [...parents], supplier: resolved.supplier });
    for (const store of resolved.stores) this.#physical.addStore(store, [name]);
    return this;
  }

  /**
   * Writes what its parents forward to a topic, fixed or decided for each record.
   * @throws TopologyError when the name is taken or a parent is not there.
   */
  addSink<K, V>(name: string, topic: string | TopicNameExtractor<K, V>, options: SinkOptions<K, V>, ...parents: string[]): this {
    this.#physical.addSink({
      kind: 'sink',
      name,
      topic: topic as string | TopicNameExtractor<never, never>,
      parents: [...parents],
      keySerde: options.key as Serde<unknown> | undefined,
      valueSerde: options.value as Serde<unknown> | undefined,
      partitioner: options.partitioner as StreamPartitioner<never, never> | undefined,
    });
    return this;
  }

  /**
   * Adds a store and lets the named processors use it.
   * @throws TopologyError when another store has the name, or a processor is not there.
   */
  addStateStore(builder: StoreBuilder, ...processors: string[]): this {
    this.#physical.addStore(builder, processors);
    return this;
  }

  /**
   * Adds a store that every instance fills from all partitions of `topic` before it runs. The processor only maintains the store: what it puts there must be
   * the records as they are, since a restart loads the topic without it.
   * @throws TopologyError when the builder has logging enabled, or a name or the topic is taken.
   */
  addGlobalStore<K, V>(builder: StoreBuilder, topic: string, options: GlobalStoreOptions<K, V>, supplier: ProcessorSupplier<K, V, never, never>): this {
    const { supplier: make } = resolveSupplier(supplier, options.processorName);
    this.#physical.addGlobalStore(builder, sourceDefinition(options.sourceName, topic, options), {
      kind: 'processor',
      name: options.processorName,
      parents: [options.sourceName],
      supplier: make,
    });
    return this;
  }

  /**
   * Adds a store that is filled from a topic, task by task, and has that topic as its changelog: other processors may read it but must not write. The processor only
   * maintains the store: what it puts there must be the records as they are, since a restart loads the topic without it (KIP-813).
   * @throws TopologyError when a name or the topic is taken.
   */
  addReadOnlyStateStore<K, V>(builder: StoreBuilder, topic: string, options: GlobalStoreOptions<K, V>, supplier: ProcessorSupplier<K, V, never, never>): this {
    const { sourceName, processorName } = options;
    const { supplier: make } = resolveSupplier(supplier, processorName);
    this.#physical.addSource(sourceDefinition(sourceName, topic, { ...options, offsetReset: 'earliest' }));
    this.#physical.addProcessor({ kind: 'processor', name: processorName, parents: [sourceName], supplier: make });
    this.#physical.addStore(withoutLogging(builder), [processorName]);
    this.#physical.useSourceAsChangelog(builder.name, topic);
    return this;
  }

  /**
   * Lets a processor use stores that were added before.
   * @throws TopologyError when one of them is not there, or none is given.
   */
  connectProcessorAndStateStores(processor: string, ...stores: string[]): this {
    if (stores.length === 0) throw new TopologyError(`Name at least one state store to connect to processor ${processor}`, { operator: processor });
    for (const store of stores) this.#physical.connect(processor, store);
    return this;
  }

  /** The topology as text and data; the text equals that of Kafka Streams. */
  describe(): TopologyDescription {
    return describeTopology(this.#physical);
  }

  plan(options: { applicationId: string }): TopologyPlan {
    return planTopology(this.#physical, options.applicationId);
  }
}

/** @internal */
export function sourceDefinition<K, V>(name: string, topics: string | readonly string[] | RegExp, options: SourceOptions<K, V>): SourceDefinition {
  const read = topics instanceof RegExp ? { topics: [], pattern: topics } : { topics: typeof topics === 'string' ? [topics] : [...topics] };
  return {
    kind: 'source',
    name,
    ...read,
    keySerde: options.key as Serde<unknown> | undefined,
    valueSerde: options.value as Serde<unknown> | undefined,
    timestampExtractor: options.timestamp as TimestampExtractor | undefined,
    offsetReset: offsetResetPolicy(options.offsetReset, name),
  };
}

function offsetResetPolicy(reset: OffsetReset | undefined, source: string): OffsetResetPolicy | undefined {
  if (reset === undefined || typeof reset === 'string') return reset;
  return { byDuration: toMillis(reset.byDuration, `offsetReset.byDuration of source ${source}`) };
}

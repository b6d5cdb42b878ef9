import { TopologyError } from '../errors.ts';
import { ktableSource } from '../operators/index.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';
import type { ProcessorSupplier } from '../topology/definitions.ts';
import { resolveSupplier } from '../topology/processor-supplier.ts';
import { sourceDefinition, type Topology } from '../topology/topology.ts';
import { withoutLogging } from '../topology/without-logging.ts';
import type { TopologyConfig } from './build-config.ts';
import type { AnyConsumed, AnyMaterialized } from './erased.ts';
import { GlobalKTable } from './global-ktable.ts';
import { sourceNode } from './graph/nodes/source-node.ts';
import { globalStoreNode, storeNode } from './graph/nodes/store-node.ts';
import { tableSourceNode } from './graph/nodes/table-source-node.ts';
import { KStream } from './kstream.ts';
import { KTable } from './ktable.ts';
import { resolveMaterialized } from './materialized.ts';
import { STREAM, TABLE } from './names.ts';
import type { Consumed, Materialized } from './options.ts';
import type { Stage } from './stage.ts';
import { keyValueStoreFactory } from './stores/key-value-store-factory.ts';

import { StreamsGraph } from './streams-graph.ts';
import type { AnyTableSupplier } from './suppliers.ts';

type AnyOptions = AnyConsumed & AnyMaterialized;

/**
 * Where a topology begins. Sources are made here, everything else by the methods of what they return; `build` gives the topology.
 *
 * @example
 * const builder = new StreamsBuilder();
 * builder
 *   .stream('views', { key: serdes.string, value: serdes.json<View>() })
 *   .groupByKey()
 *   .count({ store: 'views-by-user' })
 *   .toStream()
 *   .to('view-counts', { key: serdes.string, value: serdes.long });
 * const topology = builder.build();
 */
export class StreamsBuilder {
  readonly #graph = new StreamsGraph();
  readonly #config: TopologyConfig;

  constructor(config: TopologyConfig = {}) {
    this.#config = config;
  }

  /**
   * A stream of one or several topics, or of all whose whole name matches. Several streams of the same topics share one source.
   * Without serdes (and without defaults in the configuration) give the types: `builder.stream<string, View>('views')`.
   */
  stream<K = unknown, V = unknown>(topics: string | readonly string[] | RegExp, consumed: Consumed<K, V> = {}): KStream<K, V> {
    const name = this.#graph.names.orGenerate(consumed.name, STREAM.source);
    const node = sourceNode(sourceDefinition(name, topics, consumed));
    this.#graph.addRoot(node);
    return new KStream(this.#stage(node, name, consumed));
  }

  /** A table of a topic: its records are updates of rows, null deletes. It has a store if one is named or something needs it. */
  table<K = unknown, V = unknown>(topic: string, options: Consumed<K, V> & Materialized<K, V> = {}): KTable<K, V> {
    const { names } = this.#graph;
    const materialized = resolveMaterialized(options, {}, { names, prefix: `${topic}-` });
    const store = keyValueStoreFactory(materialized);
    const source = names.suffixed(options.name, '-source', STREAM.source);
    const name = names.orGenerate(options.name, TABLE.source);
    const supplier = ktableSource<never, never>({ storeName: store.name, queryableName: materialized.queryableName });
    const node = tableSourceNode(name, sourceDefinition(source, topic, options), supplier, store);
    this.#graph.addRoot(node);
    return new KTable(this.#stage(node, source, options), supplier as unknown as AnyTableSupplier, materialized.queryableName, store.historyRetentionMs);
  }

  /**
   * A table that every instance holds in full.
   * @throws TopologyError when its store is versioned.
   */
  globalTable<K = unknown, V = unknown>(topic: string, options: Consumed<K, V> & Materialized<K, V> = {}): GlobalKTable<K, V> {
    const { names } = this.#graph;
    const materialized = resolveMaterialized({ ...options, logging: false }, {}, { names, prefix: `${topic}-` });
    const store = keyValueStoreFactory(materialized);
    if (store.versioned) throw new TopologyError(`Global table of ${topic} cannot have a versioned store: use another one`, { topic, store: store.name });
    const source = names.suffixed(options.name, '-source', STREAM.source);
    const processor = names.orGenerate(options.name, TABLE.source);
    const supplier = ktableSource<never, never>({ storeName: store.name, queryableName: store.name });
    const definition = sourceDefinition(source, topic, { ...options, offsetReset: undefined });
    this.#graph.addRoot(
      globalStoreNode(
        processor,
        definition,
        () => supplier.get(),
        (config) => store.create(config),
      ),
    );
    return new GlobalKTable(supplier.view(), materialized.queryableName);
  }

  /** Adds a store, for processors to use by its name. */
  addStateStore(builder: StoreBuilder): this {
    this.#graph.addRoot(storeNode(builder, builder.name));
    return this;
  }

  /**
   * Adds a store that every instance fills from all partitions of a topic before it runs. The processor only maintains the store: what it puts there must be the records
   * as they are, since a restart loads the topic without it.
   */
  addGlobalStore<K, V>(builder: StoreBuilder, topic: string, consumed: Consumed<K, V>, supplier: ProcessorSupplier<K, V, never, never>): this {
    const source = this.#graph.names.suffixed(consumed.name, '-source', STREAM.source);
    const processor = this.#graph.names.orGenerate(consumed.name, TABLE.source);
    const resolved = resolveSupplier(supplier, processor);
    const definition = sourceDefinition(source, topic, { ...consumed, offsetReset: undefined });
    this.#graph.addRoot(globalStoreNode(processor, definition, resolved.supplier, () => withoutLogging(builder)));
    return this;
  }

  /**
   * The topology as it stands. Can be called again, also with another configuration.
   *
   * @param config adds to and overrides what the builder was made with; other keys of a `StreamsConfig` are ignored, so that one object may be given to both.
   * @throws TopologyError when the topology cannot be built; ConfigError when a value is not allowed.
   */
  build(config: TopologyConfig = {}): Topology {
    return this.#graph.build({ ...this.#config, ...config });
  }

  #stage(node: Stage['node'], source: string, options: AnyOptions): Stage {
    return Object.freeze({
      graph: this.#graph,
      name: node.name,
      node,
      keySerde: options.key,
      valueSerde: options.value,
      sources: new Set([source]),
      repartitionRequired: false,
    });
  }
}

import { changeSerde, countAggregator, countInitializer, countSubtractor, ktableAggregate, ktableReduce } from '../operators/index.ts';
import type { Serde } from '../serdes/serde.ts';
import { serdes } from '../serdes/serdes.ts';
import type { TableAggregateFunctions } from './aggregate-functions.ts';
import type { AnyTableOptions, Untyped } from './erased.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { type RepartitionNode, repartitionNode } from './graph/nodes/repartition-node.ts';
import { KTable } from './ktable.ts';
import { type ResolvedMaterialized, resolveMaterialized } from './materialized.ts';
import { REPARTITION_SUFFIX, STREAM, TABLE, validName } from './names.ts';
import type { Grouped, Materialized, Named } from './options.ts';
import { nextStage, type Stage } from './stage.ts';
import { keyValueStoreFactory } from './stores/key-value-store-factory.ts';
import type { AnyTableSupplier } from './suppliers.ts';

type Options<K, V> = Named & Materialized<K, V>;

/** A table grouped by a new key, to be aggregated. When a row changes, its old value is taken out of its group and the new one added. */
export class KGroupedTable<K, V> {
  readonly #stage: Stage;
  readonly #keySerde: Serde<unknown> | undefined;
  readonly #valueSerde: Serde<unknown> | undefined;
  readonly #name: string | undefined;
  #shared: RepartitionNode | undefined;
  /** Only in the types. */
  declare protected readonly types: [K, V];

  /** @internal */
  constructor(stage: Stage, grouped: Grouped<Untyped, Untyped>) {
    this.#stage = stage;
    this.#keySerde = grouped.key;
    this.#valueSerde = grouped.value;
    this.#name = grouped.name === undefined ? undefined : validName(grouped.name, 'Name of a grouping');
  }

  /** The number of rows of each group. A group that has lost all rows has the count 0. */
  count(options: Options<K, number> = {}): KTable<K, number> {
    const materialized = this.#materialized(options, serdes.long as Serde<unknown>);
    const functions = { initializer: countInitializer, adder: countAggregator, subtractor: countSubtractor };
    return this.#table(options, TABLE.aggregate, materialized, ktableAggregate({ storeName: materialized.storeName as string, ...functions }));
  }

  /** Combines the rows of each group: `adder` for a new row, `subtractor` for one that leaves. */
  reduce(
    functions: { adder: (aggregate: V, value: V) => V | null; subtractor: (aggregate: V, value: V) => V | null },
    options: Options<K, V> = {},
  ): KTable<K, V> {
    const materialized = this.#materialized(options, this.#valueSerde);
    const { adder, subtractor } = functions as { adder: () => never; subtractor: () => never };
    return this.#table(options, TABLE.reduce, materialized, ktableReduce({ storeName: materialized.storeName as string, adder, subtractor }));
  }

  /** Folds the rows of each group into a result of any type: `adder` for a new row, `subtractor` for one that leaves. */
  aggregate<VA>(functions: TableAggregateFunctions<K, V, VA>, options: Options<K, VA> = {}): KTable<K, NonNullable<VA>> {
    const materialized = this.#materialized(options, undefined);
    const { initializer, adder, subtractor } = functions as { initializer: () => never; adder: () => never; subtractor: () => never };
    return this.#table(
      options,
      TABLE.aggregate,
      materialized,
      ktableAggregate({ storeName: materialized.storeName as string, initializer, adder, subtractor }),
    );
  }

  #materialized(options: AnyTableOptions, valueSerde: Serde<unknown> | undefined): ResolvedMaterialized {
    // Reduce has this prefix too, as in Kafka Streams.
    return resolveMaterialized(options, { keySerde: this.#keySerde, valueSerde }, { names: this.#stage.graph.names, prefix: TABLE.aggregate });
  }

  #table(options: Named, prefix: string, materialized: ResolvedMaterialized, given: unknown): KTable<K, Untyped> {
    const { graph } = this.#stage;
    const sink = graph.names.suffixed(options.name, '-sink', STREAM.sink);
    const source = graph.names.suffixed(options.name, '-source', STREAM.source);
    const name = graph.names.orGenerate(options.name, prefix);
    const topic = (this.#name ?? (materialized.storeName as string)) + REPARTITION_SUFFIX;
    if (this.#shared === undefined || this.#name === undefined) {
      const valueSerde = changeSerde(this.#valueSerde) as Serde<unknown>;
      this.#shared = repartitionNode({ mergeable: false, topic, sink, source, filter: undefined, keySerde: this.#keySerde, valueSerde });
    }
    const repartition = this.#shared;
    graph.add(repartition, this.#stage.node);
    const supplier = given as AnyTableSupplier;
    const store = keyValueStoreFactory(materialized);
    const node = processorNode(name, { supplier: () => supplier.get(), store, outputVersioned: store.versioned });
    graph.add(node, repartition);
    const stage = nextStage(this.#stage, node, {
      keySerde: materialized.keySerde,
      valueSerde: materialized.valueSerde,
      sources: new Set([repartition.name]),
      repartitionRequired: false,
    });
    return new KTable(stage, supplier, materialized.queryableName, store.historyRetentionMs);
  }
}

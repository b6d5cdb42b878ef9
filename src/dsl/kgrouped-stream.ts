import { countAggregator, countInitializer, kstreamAggregate, kstreamReduce } from '../operators/index.ts';
import type { Serde } from '../serdes/serde.ts';
import { serdes } from '../serdes/serdes.ts';
import type { AggregateFunctions } from './aggregate-functions.ts';
import { CogroupedKStream } from './cogrouped-kstream.ts';
import type { AnyTableOptions, Untyped } from './erased.ts';
import { KTable } from './ktable.ts';
import { isMaterialized, type ResolvedMaterialized, resolveMaterialized } from './materialized.ts';
import { STREAM, validName } from './names.ts';
import type { Grouped, Materialized, Named } from './options.ts';
import { SessionWindowedKStream } from './session-windowed-kstream.ts';
import type { Stage } from './stage.ts';
import { keyValueStoreFactory } from './stores/key-value-store-factory.ts';
import { addAggregation, type GroupedStage, untyped } from './stream-aggregate.ts';
import { TimeWindowedKStream } from './time-windowed-kstream.ts';
import { SessionWindows } from './windows/session-windows.ts';
import type { SlidingWindows } from './windows/sliding-windows.ts';
import type { TimeWindows } from './windows/time-windows.ts';
import type { UnlimitedWindows } from './windows/unlimited-windows.ts';

type Options<K, V> = Named & Materialized<K, V>;

/** A stream grouped by key, to be aggregated into tables. Records with a null key or value are dropped by the aggregations without windows. */
export class KGroupedStream<K, V> {
  /** @internal */
  readonly grouped: GroupedStage;
  /** Only in the types. */
  declare protected readonly types: [K, V];

  /** @internal */
  constructor(stage: Stage, grouped: Grouped<Untyped, Untyped>) {
    this.grouped = Object.freeze({
      stage,
      keySerde: grouped.key ?? stage.keySerde,
      valueSerde: grouped.value ?? stage.valueSerde,
      name: grouped.name === undefined ? undefined : validName(grouped.name, 'Name of a grouping'),
    });
  }

  /**
   * The number of records of each key.
   *
   * @example
   * views.groupByKey().count({ store: 'views-by-user' })
   */
  count(options: Options<K, number> = {}): KTable<K, number> {
    const { names } = this.grouped.stage.graph;
    // Kafka Streams takes an index here that it does not use; names that follow depend on it.
    if (isMaterialized(options) && options.store === undefined) names.store(STREAM.aggregate);
    const materialized = this.#materialized(options, STREAM.aggregate, serdes.long as Serde<unknown>);
    const supplier = kstreamAggregate({ storeName: materialized.storeName as string, initializer: countInitializer, aggregator: countAggregator });
    return this.#table(options, STREAM.aggregate, materialized, supplier);
  }

  /** Combines the values of each key two by two; the first is taken as it is. Null deletes the result. */
  reduce(reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V> | null, options: Options<K, V> = {}): KTable<K, NonNullable<V>> {
    const materialized = this.#materialized(options, STREAM.reduce, this.grouped.valueSerde);
    const supplier = kstreamReduce({ storeName: materialized.storeName as string, reducer: reducer as (aggregate: unknown, value: unknown) => unknown });
    return this.#table(options, STREAM.reduce, materialized, supplier);
  }

  /**
   * Folds the values of each key into a result of any type.
   *
   * @example
   * orders.groupByKey().aggregate(
   *   { initializer: () => 0, aggregator: (customer, order, sum) => sum + order.total },
   *   { store: 'sums', value: serdes.double },
   * )
   */
  aggregate<VA>(functions: AggregateFunctions<K, NonNullable<V>, VA>, options: Options<K, VA> = {}): KTable<K, NonNullable<VA>> {
    const materialized = this.#materialized(options, STREAM.aggregate, undefined);
    const { initializer, aggregator } = functions as AggregateFunctions<Untyped, Untyped, Untyped>;
    const supplier = kstreamAggregate({ storeName: materialized.storeName as string, initializer, aggregator });
    return this.#table(options, STREAM.aggregate, materialized, supplier);
  }

  /** Aggregates by windows: of a fixed size, sliding, without end, or sessions. */
  windowedBy(windows: TimeWindows | UnlimitedWindows | SlidingWindows): TimeWindowedKStream<K, V>;
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>;
  windowedBy(windows: TimeWindows | UnlimitedWindows | SlidingWindows | SessionWindows): TimeWindowedKStream<K, V> | SessionWindowedKStream<K, V> {
    return windows instanceof SessionWindows ? new SessionWindowedKStream(this.grouped, windows) : new TimeWindowedKStream(this.grouped, windows);
  }

  /** Begins an aggregation of several grouped streams into one table; this one's values are added by `aggregator`. */
  cogroup<VA>(aggregator: (key: K, value: NonNullable<V>, aggregate: VA) => VA | null): CogroupedKStream<K, VA> {
    return new CogroupedKStream<K, VA>([{ grouped: this.grouped, aggregator }]);
  }

  #materialized(options: AnyTableOptions, prefix: string, valueSerde: Serde<unknown> | undefined): ResolvedMaterialized {
    const { names } = this.grouped.stage.graph;
    return resolveMaterialized(options, { keySerde: this.grouped.keySerde, valueSerde }, { names, prefix });
  }

  #table(options: Named, prefix: string, materialized: ResolvedMaterialized, supplier: unknown): KTable<K, Untyped> {
    const name = this.grouped.stage.graph.names.orGenerate(options.name, prefix);
    const { keySerde, valueSerde } = materialized;
    const table = untyped(supplier as never);
    const stage = addAggregation(this.grouped, { name, materialized, store: keyValueStoreFactory(materialized), supplier: table, keySerde, valueSerde });
    return new KTable(stage, table, materialized.queryableName);
  }
}

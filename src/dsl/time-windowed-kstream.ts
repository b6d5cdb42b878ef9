import { TopologyError } from '../errors.ts';
import {
  aggregatorOfReducer,
  countAggregator,
  countInitializer,
  kstreamSlidingWindowAggregate,
  kstreamWindowAggregate,
  reduceInitializer,
} from '../operators/index.ts';
import type { Windowed } from '../processor/windowed.ts';
import type { Serde } from '../serdes/serde.ts';
import { serdes } from '../serdes/serdes.ts';
import type { AggregateFunctions } from './aggregate-functions.ts';
import type { AnyTableOptions, Untyped } from './erased.ts';
import { KTable } from './ktable.ts';
import { isMaterialized, type ResolvedMaterialized, resolveMaterialized } from './materialized.ts';
import { STREAM } from './names.ts';
import type { Materialized, Named } from './options.ts';
import { windowStoreFactory } from './stores/window-store-factory.ts';
import { addAggregation, type GroupedStage, untyped } from './stream-aggregate.ts';
import { EmitStrategy } from './windows/emit-strategy.ts';
import { SlidingWindows } from './windows/sliding-windows.ts';
import type { TimeWindows } from './windows/time-windows.ts';
import { UnlimitedWindows } from './windows/unlimited-windows.ts';
import { closesAfter, keySerdeOf, windowFacts } from './windows/window-facts.ts';

type Options<K, V> = Named & Materialized<K, V>;
type AnyTimeWindows = TimeWindows | UnlimitedWindows | SlidingWindows;

/** A grouped stream in windows of fixed, sliding or unlimited size. Records with a null key are dropped; with sliding windows those with a null value too. */
export class TimeWindowedKStream<K, V> {
  readonly #grouped: GroupedStage;
  readonly #windows: AnyTimeWindows;
  readonly #emit: EmitStrategy;

  /** @internal */
  constructor(grouped: GroupedStage, windows: AnyTimeWindows, emit: EmitStrategy = EmitStrategy.onWindowUpdate()) {
    this.#grouped = grouped;
    this.#windows = windows;
    this.#emit = emit;
  }

  /**
   * Sends a window's result at each update (the default), or once when the window has closed.
   * @throws TopologyError for unlimited windows on close: they never do.
   */
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    if (this.#windows instanceof UnlimitedWindows && strategy.type === 'window-close') {
      throw new TopologyError('Unlimited windows never close: use EmitStrategy.onWindowUpdate(), or windows of a fixed size');
    }
    return new TimeWindowedKStream(this.#grouped, this.#windows, strategy);
  }

  /** The number of records of each key and window. */
  count(options: Options<K, number> = {}): KTable<Windowed<K>, number> {
    const { names } = this.#grouped.stage.graph;
    // Kafka Streams takes an index here that it does not use (not with sliding windows); names that follow depend on it.
    if (isMaterialized(options) && options.store === undefined && !(this.#windows instanceof SlidingWindows)) names.store(STREAM.aggregate);
    return this.#table(options, STREAM.aggregate, serdes.long as Serde<unknown>, countInitializer, countAggregator);
  }

  /** Combines the values of each key and window two by two; the first is taken as it is. */
  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V> | null,
    options: Options<K, V> = {},
  ): KTable<Windowed<K>, NonNullable<V>> {
    return this.#table(options, STREAM.reduce, this.#grouped.valueSerde, reduceInitializer, aggregatorOfReducer(reducer as never));
  }

  /**
   * Folds the values of each key and window into a result of any type.
   *
   * @example
   * views.groupByKey().windowedBy(TimeWindows.ofSizeAndGrace('5m', '1m')).aggregate(
   *   { initializer: () => 0, aggregator: (url, view, bytes) => bytes + view.bytes },
   *   { store: 'bytes-by-url', value: serdes.double },
   * )
   */
  aggregate<VA>(functions: AggregateFunctions<K, V, VA>, options: Options<K, VA> = {}): KTable<Windowed<K>, NonNullable<VA>> {
    return this.#table(options, STREAM.aggregate, undefined, functions.initializer, functions.aggregator);
  }

  #table(
    options: AnyTableOptions,
    prefix: string,
    defaultValueSerde: Serde<unknown> | undefined,
    initializer: unknown,
    aggregator: unknown,
  ): KTable<Windowed<K>, Untyped> {
    const { names } = this.#grouped.stage.graph;
    const materialized = resolveMaterialized(options, { keySerde: this.#grouped.keySerde, valueSerde: defaultValueSerde }, { names, prefix });
    const name = names.orGenerate(options.name, prefix);
    const windows = this.#windows;
    const supplier = timeWindowAggregate(windows, materialized, this.#emit, initializer, aggregator);
    const facts = windowFacts(windows);
    const stage = addAggregation(this.#grouped, {
      name,
      materialized,
      store: windowStoreFactory(materialized, facts, this.#emit),
      supplier,
      keySerde: keySerdeOf(materialized.keySerde, windows),
      valueSerde: materialized.valueSerde,
      closesAfterMs: closesAfter(windows),
    });
    return new KTable(stage, supplier, materialized.queryableName);
  }
}

/** @internal The operator of a windowed aggregation; cogrouped streams have one for each of them. */
export function timeWindowAggregate(
  windows: AnyTimeWindows,
  { storeName }: ResolvedMaterialized,
  emit: EmitStrategy,
  initializer: unknown,
  aggregator: unknown,
) {
  const shared = { storeName: storeName as string, emitStrategy: emit.type, initializer: initializer as () => never, aggregator: aggregator as () => never };
  return untyped(
    (windows instanceof SlidingWindows ? kstreamSlidingWindowAggregate({ ...shared, windows }) : kstreamWindowAggregate({ ...shared, windows })) as never,
  );
}

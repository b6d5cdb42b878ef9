import {
  aggregatorOfReducer,
  countAggregator,
  countInitializer,
  countMerger,
  kstreamSessionWindowAggregate,
  mergerOfReducer,
  reduceInitializer,
} from '../operators/index.ts';
import type { Windowed } from '../processor/windowed.ts';
import type { Serde } from '../serdes/serde.ts';
import { serdes } from '../serdes/serdes.ts';
import type { SessionAggregateFunctions } from './aggregate-functions.ts';
import type { AnyTableOptions, Untyped } from './erased.ts';
import { KTable } from './ktable.ts';
import { isMaterialized, type ResolvedMaterialized, resolveMaterialized } from './materialized.ts';
import { STREAM } from './names.ts';
import type { Materialized, Named } from './options.ts';
import { sessionStoreFactory } from './stores/session-store-factory.ts';
import { addAggregation, type GroupedStage, untyped } from './stream-aggregate.ts';
import type { AnyTableSupplier } from './suppliers.ts';
import { EmitStrategy } from './windows/emit-strategy.ts';
import type { SessionWindows } from './windows/session-windows.ts';
import { closesAfter, keySerdeOf } from './windows/window-facts.ts';

type Options<K, V> = Named & Materialized<K, V>;

/** A grouped stream in sessions. A session that grows is a tombstone for its old window and a record for the new one. Records with a null key are dropped. */
export class SessionWindowedKStream<K, V> {
  readonly #grouped: GroupedStage;
  readonly #windows: SessionWindows;
  readonly #emit: EmitStrategy;

  /** @internal */
  constructor(grouped: GroupedStage, windows: SessionWindows, emit: EmitStrategy = EmitStrategy.onWindowUpdate()) {
    this.#grouped = grouped;
    this.#windows = windows;
    this.#emit = emit;
  }

  /** Sends a session's result at each update (the default), or once when the session has closed. */
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    return new SessionWindowedKStream(this.#grouped, this.#windows, strategy);
  }

  /** The number of records of each session. */
  count(options: Options<K, number> = {}): KTable<Windowed<K>, number> {
    const { names } = this.#grouped.stage.graph;
    // Kafka Streams takes an index here that it does not use; names that follow depend on it.
    if (isMaterialized(options) && options.store === undefined) names.store(STREAM.aggregate);
    const functions = { initializer: countInitializer, aggregator: countAggregator, merger: countMerger };
    return this.#table(options, STREAM.aggregate, serdes.long as Serde<unknown>, functions);
  }

  /** Combines the values of each session two by two; the first is taken as it is. */
  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V> | null,
    options: Options<K, V> = {},
  ): KTable<Windowed<K>, NonNullable<V>> {
    const functions = { initializer: reduceInitializer, aggregator: aggregatorOfReducer(reducer as never), merger: mergerOfReducer(reducer as never) };
    return this.#table(options, STREAM.reduce, this.#grouped.valueSerde, functions);
  }

  /**
   * Folds the values of each session into a result of any type; `merger` joins the results of sessions that become one.
   *
   * @example
   * views.groupByKey().windowedBy(SessionWindows.ofInactivityGapAndGrace('30m', '1m')).aggregate(
   *   { initializer: () => 0, aggregator: (user, view, pages) => pages + 1, merger: (user, left, right) => left + right },
   *   { store: 'pages', value: serdes.long },
   * )
   */
  aggregate<VA>(functions: SessionAggregateFunctions<K, V, VA>, options: Options<K, VA> = {}): KTable<Windowed<K>, NonNullable<VA>> {
    return this.#table(options, STREAM.aggregate, undefined, functions);
  }

  #table(
    options: AnyTableOptions,
    prefix: string,
    defaultValueSerde: Serde<unknown> | undefined,
    functions: AnySessionFunctions,
  ): KTable<Windowed<K>, Untyped> {
    const { names } = this.#grouped.stage.graph;
    const materialized = resolveMaterialized(options, { keySerde: this.#grouped.keySerde, valueSerde: defaultValueSerde }, { names, prefix });
    const name = names.orGenerate(options.name, prefix);
    const supplier = sessionAggregate(this.#windows, materialized, this.#emit, functions);
    const stage = addAggregation(this.#grouped, {
      name,
      materialized,
      store: sessionStoreFactory(materialized, this.#windows, this.#emit),
      supplier,
      keySerde: keySerdeOf(materialized.keySerde, this.#windows),
      valueSerde: materialized.valueSerde,
      closesAfterMs: closesAfter(this.#windows),
    });
    return new KTable(stage, supplier, materialized.queryableName);
  }
}

/** @internal Functions of a session aggregation, whatever their types. */
export interface AnySessionFunctions {
  readonly initializer: unknown;
  readonly aggregator: unknown;
  readonly merger: unknown;
}

/** @internal The operator of a session aggregation; cogrouped streams have one for each of them. */
export function sessionAggregate(
  windows: SessionWindows,
  { storeName }: ResolvedMaterialized,
  emit: EmitStrategy,
  functions: AnySessionFunctions,
): AnyTableSupplier {
  return untyped(
    kstreamSessionWindowAggregate({
      windows,
      storeName: storeName as string,
      emitStrategy: emit.type,
      initializer: functions.initializer as () => never,
      aggregator: functions.aggregator as () => never,
      merger: functions.merger as () => never,
    }) as never,
  );
}

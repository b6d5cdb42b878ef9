import {
  type ForeignKeyExtractor,
  type KTableValueGetterSupplier,
  kstreamSelectKey,
  ktableFilter,
  ktableMapValues,
  ktableRepartitionMap,
  ktableToStream,
  ktableTransformValues,
  type TableParent,
  type ValueJoiner,
  type ValueTransformer,
} from '../operators/index.ts';
import type { AnyFunction, AnyTable, AnyTableJoined, AnyTableOptions, Untyped } from './erased.ts';
import { joinForeignKey } from './foreign-key-join.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { KGroupedTable } from './kgrouped-table.ts';
import { KStream } from './kstream.ts';
import { addOperator } from './kstream-basics.ts';
import { isMaterialized, resolveMaterialized } from './materialized.ts';
import { STREAM, TABLE } from './names.ts';
import type { Grouped, Materialized, Named, ProcessOptions, TableJoined } from './options.ts';
import { nextStage, type Stage } from './stage.ts';
import { type KeyValueStoreFactory, keyValueStoreFactory } from './stores/key-value-store-factory.ts';
import { type AnyTableSupplier, isTableSource } from './suppliers.ts';
import { suppressTable } from './suppress.ts';
import type { Suppressed } from './suppressed.ts';
import { joinTables } from './table-table-join.ts';

/** Options of operators whose result is kept in a store only if one of the store's options is given. */
export type TableOptions<K, V> = Named & Materialized<K, V>;

/**
 * A table: the latest value of each key. A record is an update of its key's row; null deletes the row. Made by {@link StreamsBuilder.table}, by aggregations and by
 * other operators. Each method adds an operator to the topology; the table itself does not change. Functions never see deleted rows.
 */
export class KTable<K, V> implements TableParent<Untyped, Untyped> {
  /** @internal */
  readonly stage: Stage;
  /** Name of its store when it was given one; null: it cannot be queried. */
  readonly queryableStoreName: string | null;
  /** @internal Milliseconds of history, when its store is versioned. */
  readonly historyRetentionMs: number | undefined;
  /** Only in the types. */
  declare protected readonly types: [K, V];
  readonly #supplier: AnyTableSupplier;
  #sendsOldValues = false;

  /** @internal */
  constructor(stage: Stage, supplier: AnyTableSupplier, queryableStoreName: string | null, historyRetentionMs?: number) {
    this.stage = stage;
    this.#supplier = supplier;
    this.queryableStoreName = queryableStoreName;
    this.historyRetentionMs = historyRetentionMs;
  }

  /**
   * Keeps the rows for which the predicate is true. A row that leaves is deleted.
   *
   * @example
   * users.filter((id, user) => user.active, { store: 'active-users' })
   */
  filter<S extends V>(predicate: (key: K, value: V) => value is S, options?: TableOptions<K, S>): KTable<K, S>;
  filter(predicate: (key: K, value: V) => boolean, options?: TableOptions<K, V>): KTable<K, V>;
  filter(predicate: (key: K, value: V) => boolean, options: TableOptions<K, V> = {}): KTable<K, V> {
    return this.#filter(predicate, false, options);
  }

  /** Keeps the rows for which the predicate is false. */
  filterNot(predicate: (key: K, value: V) => boolean, options: TableOptions<K, V> = {}): KTable<K, V> {
    return this.#filter(predicate, true, options);
  }

  /** Computes each row's value anew; null deletes the row. */
  mapValues<VR>(mapper: (value: V, key: K) => VR, options: TableOptions<K, VR> = {}): KTable<K, NonNullable<VR>> {
    const parent = this as TableParent<Untyped, Untyped>;
    return this.#derive(options, TABLE.mapValues, { burn: true, valueSerde: undefined }, (queryableName) => ktableMapValues({ parent, mapper, queryableName }));
  }

  /** Computes each row's value anew, with state: `stores` names the stores it uses. */
  transformValues<VR>(supplier: () => ValueTransformer<K, V, VR>, options: TableOptions<K, VR> & ProcessOptions = {}): KTable<K, NonNullable<VR>> {
    const parent = this as TableParent<Untyped, Untyped>;
    const facts = { burn: false, valueSerde: undefined, stores: options.stores ?? [] };
    return this.#derive(options, TABLE.transformValues, facts, (queryableName) =>
      ktableTransformValues({
        parent,
        supplier: supplier as () => ValueTransformer<never, never, never>,
        queryableName,
        stateStoreNames: options.stores ?? [],
      }),
    );
  }

  /**
   * The updates of the table as a stream; a deleted row is a record with value null.
   *
   * @param mapper gives each record a new key.
   */
  toStream<KR>(mapper: (key: K, value: V | null) => KR, named?: Named): KStream<KR, V | null>;
  toStream(named?: Named): KStream<K, V | null>;
  toStream<KR>(first?: Named | ((key: K, value: V | null) => KR), second?: Named): KStream<K | KR, V | null> {
    const named = typeof first === 'function' ? second : first;
    const stream = addOperator(this.stage, named, TABLE.toStream, { supplier: ktableToStream() }, { repartitionRequired: false });
    if (typeof first !== 'function') return new KStream(stream);
    const options = { supplier: kstreamSelectKey(first as AnyFunction), keyChanging: true };
    return new KStream(addOperator(stream, undefined, STREAM.selectKey, options, { keySerde: undefined, repartitionRequired: true }));
  }

  /**
   * Holds back updates: until a window's result is final, or for some time.
   * @throws TopologyError when windows are waited for that no aggregation upstream has, or the table is versioned.
   *
   * @example
   * counts.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
   */
  suppress(suppressed: Suppressed): KTable<K, V> {
    const { stage, supplier } = suppressTable(this.stage, this as TableParent<Untyped, Untyped>, suppressed);
    return new KTable(stage, supplier, null);
  }

  /**
   * Groups the rows by a new key, to be aggregated; through a repartition topic. Null as the key leaves a row out.
   *
   * @example
   * users.groupBy((id, user) => [user.country, user]).count()
   */
  groupBy<KR, VR>(selector: (key: K, value: V) => readonly [KR, VR], grouped: Grouped<KR, VR> = {}): KGroupedTable<NonNullable<KR>, NonNullable<VR>> {
    this.enableSendingOldValues(true);
    const supplier = ktableRepartitionMap({ parent: this as TableParent<Untyped, Untyped>, mapper: selector as AnyFunction });
    const options = { supplier: () => supplier.get(), useVersionedSemantics: () => supplier.setUseVersionedSemantics(true) };
    const stage = addOperator(this.stage, { name: grouped.name }, TABLE.select, options, { keySerde: undefined, valueSerde: undefined });
    return new KGroupedTable(stage, grouped);
  }

  /**
   * Joins with another table: on the key, or on a key of the other table that `extractor` takes out of this table's rows. A row without a partner is not in the result.
   *
   * @example
   * orders.join(customers, (order) => order.customer, (order, customer) => ({ ...order, customer }))
   */
  join<VO, VR>(other: KTable<K, VO>, joiner: ValueJoiner<V, VO, VR, K>, options?: TableOptions<K, VR>): KTable<K, NonNullable<VR>>;
  join<KO, VO, VR>(
    other: KTable<KO, VO>,
    extractor: ForeignKeyExtractor<K, V, KO>,
    joiner: ValueJoiner<V, VO, VR, K>,
    options?: TableJoined<K, KO> & TableOptions<K, VR>,
  ): KTable<K, NonNullable<VR>>;
  join(other: AnyTable, first: AnyFunction, second?: unknown, third?: unknown): Untyped {
    return this.#join('inner', other, first, second, third);
  }

  /** As `join`, but each row of this table is in the result; without a partner the other side is null. */
  leftJoin<VO, VR>(other: KTable<K, VO>, joiner: ValueJoiner<V, VO | null, VR, K>, options?: TableOptions<K, VR>): KTable<K, NonNullable<VR>>;
  leftJoin<KO, VO, VR>(
    other: KTable<KO, VO>,
    extractor: ForeignKeyExtractor<K, V, KO>,
    joiner: ValueJoiner<V, VO | null, VR, K>,
    options?: TableJoined<K, KO> & TableOptions<K, VR>,
  ): KTable<K, NonNullable<VR>>;
  leftJoin(other: AnyTable, first: AnyFunction, second?: unknown, third?: unknown): Untyped {
    return this.#join('left', other, first, second, third);
  }

  /** As `join` on the key, but each row of either table is in the result; the side without a partner is null. */
  outerJoin<VO, VR>(other: KTable<K, VO>, joiner: ValueJoiner<V | null, VO | null, VR, K>, options: TableOptions<K, VR> = {}): KTable<K, NonNullable<VR>> {
    return this.#join('outer', other, joiner, options, undefined);
  }

  /** @internal */
  valueGetterSupplier(): KTableValueGetterSupplier<Untyped, Untyped> {
    if (isTableSource(this.#supplier) && !this.#supplier.materialized) this.#supplier.materialize();
    return this.#supplier.view();
  }

  /** @internal */
  enableSendingOldValues(forceMaterialization: boolean): boolean {
    if (!this.#sendsOldValues) this.#sendsOldValues = this.#supplier.enableSendingOldValues(forceMaterialization);
    return this.#sendsOldValues;
  }

  #filter(predicate: unknown, filterNot: boolean, options: AnyTableOptions): KTable<K, Untyped> {
    const parent = this as TableParent<Untyped, Untyped>;
    return this.#derive(options, TABLE.filter, { burn: true, valueSerde: this.stage.valueSerde }, (queryableName) =>
      ktableFilter({ parent, predicate: predicate as AnyFunction, filterNot, queryableName }),
    );
  }

  /** Adds an operator whose result has a store only if one was named. */
  #derive(
    options: AnyTableOptions,
    prefix: string,
    facts: { burn: boolean; valueSerde: Stage['valueSerde']; stores?: readonly string[] },
    makeSupplier: (queryableName: string | null) => unknown,
  ): KTable<K, Untyped> {
    const { graph } = this.stage;
    const given = isMaterialized(options);
    // Kafka Streams takes an index here that it does not use; names that follow depend on it.
    if (facts.burn && given && options.store === undefined) graph.names.store(prefix);
    const materialized = resolveMaterialized(options, { keySerde: this.stage.keySerde, valueSerde: facts.valueSerde });
    const { queryableName } = materialized;
    const store: KeyValueStoreFactory | undefined = queryableName === null ? undefined : keyValueStoreFactory(materialized);
    const name = graph.names.orGenerate(options.name, prefix);
    const supplier = makeSupplier(queryableName) as AnyTableSupplier & { setUseVersionedSemantics?(use: boolean): void };
    const node = processorNode(name, {
      supplier: () => supplier.get(),
      ...(store !== undefined && { store }),
      ...(facts.stores !== undefined && { stores: facts.stores }),
      ...(given && { outputVersioned: store?.versioned ?? false }),
      ...(supplier.setUseVersionedSemantics !== undefined && { useVersionedSemantics: () => supplier.setUseVersionedSemantics?.(true) }),
    });
    graph.add(node, this.stage.node);
    const stage = nextStage(this.stage, node, { keySerde: materialized.keySerde, valueSerde: materialized.valueSerde });
    // Without a store of its own it reads the history of the table before it.
    return new KTable(stage, supplier, queryableName, given ? store?.historyRetentionMs : this.historyRetentionMs);
  }

  #join(kind: 'inner' | 'left' | 'outer', other: AnyTable, first: AnyFunction, second: unknown, third: unknown): AnyTable {
    if (typeof second === 'function') {
      return joinForeignKey(this, other, first, second as AnyFunction, kind === 'left', (third ?? {}) as AnyTableJoined & AnyTableOptions);
    }
    return joinTables(kind, this, other, first, (second ?? {}) as AnyTableOptions);
  }
}

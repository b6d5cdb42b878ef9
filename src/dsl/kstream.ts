import {
  type AsyncForeachAction,
  type AsyncKeyValueMapper,
  type AsyncOptions,
  type AsyncPredicate,
  type AsyncSettings,
  type AsyncValueMapper,
  type ForeachAction,
  type KeyValueMapper,
  kstreamFilter,
  kstreamFilterAsync,
  kstreamFlatMap,
  kstreamFlatMapAsync,
  kstreamFlatMapValues,
  kstreamForEachAsync,
  kstreamForeach,
  kstreamMap,
  kstreamMapAsync,
  kstreamMapValues,
  kstreamMapValuesAsync,
  kstreamPassThrough,
  kstreamPeek,
  kstreamPrint,
  kstreamSelectKey,
  type Predicate,
  type ValueJoiner,
  type ValueMapper,
} from '../operators/index.ts';
import type { TopicNameExtractor } from '../processor/partitioner.ts';
import type { FixedKeyProcessorSupplier, ProcessorSupplier } from '../topology/definitions.ts';
import { BranchedKStream } from './branched-kstream.ts';
import type { AnyFunction, AnyGlobalTable, AnyJoined, AnyStream, AnyStreamJoined, AnyTable, Untyped } from './erased.ts';
import { GlobalKTable } from './global-ktable.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { KGroupedStream } from './kgrouped-stream.ts';
import { addAsyncOperator } from './kstream-async.ts';
import { addOperator, addSink, addUserProcessor } from './kstream-basics.ts';
import { repartitionStream, streamToTable } from './kstream-conversions.ts';
import { KTable } from './ktable.ts';
import { STREAM } from './names.ts';
import type { Grouped, Joined, Materialized, Named, Printed, ProcessOptions, Produced, Repartitioned, StreamJoined } from './options.ts';
import type { Stage } from './stage.ts';
import { joinGlobalTable } from './stream-global-join.ts';
import { joinStreams } from './stream-stream-join.ts';
import { joinTable } from './stream-table-join.ts';
import type { JoinWindows } from './windows/join-windows.ts';

const VALUE_CHANGED = { valueSerde: undefined };
const ALL_CHANGED = { keySerde: undefined, valueSerde: undefined, repartitionRequired: true };

/**
 * A stream of records: each one stands for itself. Made by {@link StreamsBuilder.stream} and by other operators. Each method adds an operator to the topology and
 * returns what comes out of it; the stream itself does not change. Functions are called synchronously, on the record path.
 *
 * An operator that may change the key (`map`, `flatMap`, `selectKey`, `groupBy`, `process`) makes the next grouping or join write the stream to a repartition
 * topic, where records with a null key are dropped (except before left and outer joins).
 */
export class KStream<K, V> {
  /** @internal */
  readonly stage: Stage;

  /** @internal */
  constructor(stage: Stage) {
    this.stage = stage;
  }

  /**
   * Keeps the records for which the predicate is true.
   *
   * @example
   * views.filter((user, view) => !view.bot)
   */
  filter<S extends V>(predicate: (key: K, value: V) => value is S, named?: Named): KStream<K, S>;
  filter(predicate: Predicate<K, V>, named?: Named): KStream<K, V>;
  filter(predicate: Predicate<K, V>, named?: Named): KStream<K, V> {
    return new KStream(addOperator(this.stage, named, STREAM.filter, { supplier: kstreamFilter(predicate, false) }));
  }

  /** Keeps the records for which the predicate is false. */
  filterNot(predicate: Predicate<K, V>, named?: Named): KStream<K, V> {
    return new KStream(addOperator(this.stage, named, STREAM.filter, { supplier: kstreamFilter(predicate, true) }));
  }

  /**
   * Replaces each record by another one. The key may change.
   *
   * @example
   * orders.map((id, order) => [order.customer, order.total])
   */
  map<KR, VR>(mapper: KeyValueMapper<K, V, readonly [KR, VR]>, named?: Named): KStream<KR, VR> {
    return new KStream(addOperator(this.stage, named, STREAM.map, { supplier: kstreamMap(mapper), keyChanging: true }, ALL_CHANGED));
  }

  /**
   * Replaces each value. The key stays, so no repartitioning follows.
   *
   * @example
   * orders.mapValues((order) => order.total)
   */
  mapValues<VR>(mapper: ValueMapper<K, V, VR>, named?: Named): KStream<K, VR> {
    return new KStream(addOperator(this.stage, named, STREAM.mapValues, { supplier: kstreamMapValues(mapper), valueChanging: true }, VALUE_CHANGED));
  }

  /** Replaces each record by none, one or several. Keys may change. */
  flatMap<KR, VR>(mapper: KeyValueMapper<K, V, Iterable<readonly [KR, VR]>>, named?: Named): KStream<KR, VR> {
    return new KStream(addOperator(this.stage, named, STREAM.flatMap, { supplier: kstreamFlatMap(mapper), keyChanging: true }, ALL_CHANGED));
  }

  /** Replaces each value by none, one or several, under the same key. */
  flatMapValues<VR>(mapper: ValueMapper<K, V, Iterable<VR>>, named?: Named): KStream<K, VR> {
    return new KStream(addOperator(this.stage, named, STREAM.flatMapValues, { supplier: kstreamFlatMapValues(mapper), valueChanging: true }, VALUE_CHANGED));
  }

  /** Replaces each key. */
  selectKey<KR>(mapper: KeyValueMapper<K, V, KR>, named?: Named): KStream<KR, V> {
    const changes = { keySerde: undefined, repartitionRequired: true };
    return new KStream(addOperator(this.stage, named, STREAM.selectKey, { supplier: kstreamSelectKey(mapper), keyChanging: true }, changes));
  }

  /** Does something with each record and passes it on. */
  peek(action: ForeachAction<K, V>, named?: Named): KStream<K, V> {
    return new KStream(addOperator(this.stage, named, STREAM.peek, { supplier: kstreamPeek(action) }));
  }

  /** Does something with each record; the stream ends here. */
  foreach(action: ForeachAction<K, V>, named?: Named): void {
    addOperator(this.stage, named, STREAM.foreach, { supplier: kstreamForeach(action) });
  }

  /**
   * As `map`, with a function that waits for something: a lookup, another service. Up to `concurrency` calls are under way in each task; while there are so many, the task takes no
   * other records. A result goes on between records, with the timestamp and headers of the record that caused it, and in the order of the input within a key. A commit waits for
   * what is under way, so offsets are exact under both guarantees; after a crash or an abort, a record whose result is not committed is called for again.
   *
   * A call that fails, or takes longer than `timeout`, is repeated up to `retries` times; then it is an error of the operator as any other, for `processingExceptionHandler`.
   *
   * @throws ConfigError for options that are not allowed, and at the start when all retries of a record could outlast `maxPollIntervalMs`.
   * @example
   * orders.mapAsync(async (id, order, { signal }) => [id, await (await fetch(`http://prices/${order.item}`, { signal })).json()], { retries: 3, timeout: '2s' })
   */
  mapAsync<KR, VR>(mapper: AsyncKeyValueMapper<K, V, readonly [KR, VR]>, options?: Named & AsyncOptions): KStream<KR, VR> {
    const make = (settings: AsyncSettings) => kstreamMapAsync(mapper, settings);
    return new KStream(addAsyncOperator(this.stage, options, STREAM.mapAsync, make, { keyChanging: true }, ALL_CHANGED));
  }

  /** As `mapValues`, with a function that waits for something; see `mapAsync`. */
  mapValuesAsync<VR>(mapper: AsyncValueMapper<K, V, VR>, options?: Named & AsyncOptions): KStream<K, VR> {
    const make = (settings: AsyncSettings) => kstreamMapValuesAsync(mapper, settings);
    return new KStream(addAsyncOperator(this.stage, options, STREAM.mapValuesAsync, make, { valueChanging: true }, VALUE_CHANGED));
  }

  /** As `flatMap`, with a function that waits for something; see `mapAsync`. */
  flatMapAsync<KR, VR>(mapper: AsyncKeyValueMapper<K, V, Iterable<readonly [KR, VR]>>, options?: Named & AsyncOptions): KStream<KR, VR> {
    const make = (settings: AsyncSettings) => kstreamFlatMapAsync(mapper, settings);
    return new KStream(addAsyncOperator(this.stage, options, STREAM.flatMapAsync, make, { keyChanging: true }, ALL_CHANGED));
  }

  /** As `filter`, with a predicate that waits for something; see `mapAsync`. */
  filterAsync(predicate: AsyncPredicate<K, V>, options?: Named & AsyncOptions): KStream<K, V> {
    const make = (settings: AsyncSettings) => kstreamFilterAsync(predicate, settings);
    return new KStream(addAsyncOperator(this.stage, options, STREAM.filterAsync, make));
  }

  /**
   * As `foreach`, with an action that takes its time; see `mapAsync`. What it does to other systems may happen again after a crash: make it idempotent.
   *
   * @example
   * alerts.forEachAsync((id, alert, { signal }) => mail.send(alert, { signal }), { concurrency: 4, retries: 5 })
   */
  forEachAsync(action: AsyncForeachAction<K, V>, options?: Named & AsyncOptions): void {
    const make = (settings: AsyncSettings) => kstreamForEachAsync(action, settings);
    addAsyncOperator(this.stage, options, STREAM.forEachAsync, make);
  }

  /** Prints each record; the stream ends here. */
  print(printed: Printed<K, V> = {}): void {
    const { name, ...options } = printed;
    addOperator(this.stage, { name }, STREAM.print, { supplier: kstreamPrint({ label: this.stage.name, ...options }) });
  }

  /** Both streams in one. There is no order between records of the two. */
  merge(other: KStream<K, V>, named?: Named): KStream<K, V> {
    const { graph } = this.stage;
    const node = processorNode(graph.names.orGenerate(named?.name, STREAM.merge), { supplier: kstreamPassThrough(), merge: true });
    graph.add(node, this.stage.node, other.stage.node);
    return new KStream(
      Object.freeze({
        graph,
        node,
        name: node.name,
        keySerde: undefined,
        valueSerde: undefined,
        sources: new Set([...this.stage.sources, ...other.stage.sources]),
        repartitionRequired: this.stage.repartitionRequired || other.stage.repartitionRequired,
      }),
    );
  }

  /**
   * Sends each record to the first branch whose predicate is true.
   *
   * @example
   * const branches = orders
   *   .split({ name: 'orders-' })
   *   .branch((id, order) => order.total > 1000, { name: 'large' })
   *   .defaultBranch({ name: 'small' });
   * branches.get('orders-large')?.to('large-orders');
   */
  split(named?: Named): BranchedKStream<K, V> {
    return new BranchedKStream(this.stage, named);
  }

  /** Groups by the key. Needs a repartition topic only if the key may have changed since the source. */
  groupByKey(grouped: Grouped<K, V> = {}): KGroupedStream<NonNullable<K>, V> {
    return new KGroupedStream(this.stage, grouped);
  }

  /** Groups by a new key, through a repartition topic. A null key drops the record. */
  groupBy<KR>(selector: KeyValueMapper<K, V, KR>, grouped: Grouped<KR, V> = {}): KGroupedStream<NonNullable<KR>, V> {
    const stage = addOperator(
      this.stage,
      { name: grouped.name },
      STREAM.selectKey,
      { supplier: kstreamSelectKey(selector), keyChanging: true },
      { keySerde: undefined, repartitionRequired: true },
    );
    return new KGroupedStream(stage, grouped);
  }

  /** Writes the stream to a topic of its own and reads it back, with partitions and partitioner of choice. */
  repartition(repartitioned: Repartitioned<K, V> = {}): KStream<NonNullable<K>, V> {
    return new KStream(repartitionStream(this.stage, repartitioned));
  }

  /** The stream as a table: a record is an update of its key's row, null deletes it. */
  toTable(options: Named & Materialized<K, V> = {}): KTable<NonNullable<K>, NonNullable<V>> {
    const { stage, supplier, queryableName } = streamToTable(this.stage, options);
    return new KTable(stage, supplier, queryableName);
  }

  /**
   * Runs a processor of your own. It may forward anything, so the key counts as changed.
   *
   * @param options `stores`: names of the stores that the processor uses.
   */
  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>, options: ProcessOptions = {}): KStream<KR, VR> {
    return new KStream(addUserProcessor(this.stage, supplier, options, STREAM.process, ALL_CHANGED));
  }

  /** Runs a processor of your own that keeps the key. */
  processValues<VR>(supplier: FixedKeyProcessorSupplier<K, V, VR>, options: ProcessOptions = {}): KStream<K, VR> {
    return new KStream(addUserProcessor(this.stage, supplier, options, STREAM.processValues, VALUE_CHANGED));
  }

  /**
   * Writes the stream to a topic, fixed or chosen for each record; the topic must exist.
   *
   * @example
   * totals.to('totals', { key: serdes.string, value: serdes.long });
   */
  to(topic: string | TopicNameExtractor<K, V>, produced: Produced<K, V> = {}): void {
    addSink(this.stage, topic as string | TopicNameExtractor<never, never>, produced);
  }

  /**
   * Joins with another stream (records of one key whose times lie in the window of each other), with a table (its row at that time), or with a global table (by any key).
   * Records without a partner give nothing.
   */
  join<VO, VR>(other: Joinable<K, VO>, joiner: ValueJoiner<V, VO, VR, K>, windows: JoinWindows, joined?: StreamJoined<K, V, VO>): KStream<K, VR>;
  join<VO, VR>(table: KTable<NonNullable<K>, VO>, joiner: ValueJoiner<V, VO, VR, K>, joined?: Joined<K, V, VO>): KStream<K, VR>;
  join<KG, VG, VR>(table: GlobalKTable<KG, VG>, keySelector: KeyValueMapper<K, V, KG | null>, joiner: ValueJoiner<V, VG, VR, K>, named?: Named): KStream<K, VR>;
  join(other: AnyStream | AnyTable | AnyGlobalTable, first: AnyFunction, second?: unknown, third?: unknown): Untyped {
    return this.#join('inner', other, first, second, third);
  }

  /** As `join`, but each record of this stream gives a result; without a partner the other side is null. */
  leftJoin<VO, VR>(other: Joinable<K, VO>, joiner: ValueJoiner<V, VO | null, VR, K>, windows: JoinWindows, joined?: StreamJoined<K, V, VO>): KStream<K, VR>;
  leftJoin<VO, VR>(table: KTable<NonNullable<K>, VO>, joiner: ValueJoiner<V, VO | null, VR, K>, joined?: Joined<K, V, VO>): KStream<K, VR>;
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keySelector: KeyValueMapper<K, V, KG | null>,
    joiner: ValueJoiner<V, VG | null, VR, K>,
    named?: Named,
  ): KStream<K, VR>;
  leftJoin(other: AnyStream | AnyTable | AnyGlobalTable, first: AnyFunction, second?: unknown, third?: unknown): Untyped {
    return this.#join('left', other, first, second, third);
  }

  /** As `join`, but each record of either stream gives a result; the side without a partner is null. */
  outerJoin<VO, VR>(
    other: Joinable<K, VO>,
    joiner: ValueJoiner<V | null, VO | null, VR, K>,
    windows: JoinWindows,
    joined: StreamJoined<K, V, VO> = {},
  ): KStream<K, VR> {
    return this.#join('outer', other, joiner, windows, joined);
  }

  #join(kind: 'inner' | 'left' | 'outer', other: AnyStream | AnyTable | AnyGlobalTable, first: AnyFunction, second: unknown, third: unknown): AnyStream {
    if (other instanceof KStream) {
      return new KStream(joinStreams(kind, this.stage, other.stage, first, second as JoinWindows, third as AnyStreamJoined | undefined));
    }
    const left = kind === 'left';
    if (other instanceof GlobalKTable) return new KStream(joinGlobalTable(this.stage, other, first, second as AnyFunction, left, third as Named | undefined));
    return new KStream(joinTable(this.stage, other, first, left, second as AnyJoined | undefined));
  }
}

/** A stream that can be joined: its keys are of the same type, whether or not they may be null. */
type Joinable<K, V> = KStream<K, V> | KStream<NonNullable<K>, V> | KStream<K | null, V>;

/*
 * The running Processor behind each verb of the DSL, and the types that wire them. The DSL imports from here.
 */

export {
  aggregatorOfReducer,
  countAggregator,
  countInitializer,
  countMerger,
  countSubtractor,
  mergerOfReducer,
  reduceInitializer,
} from './aggregations.ts';
export { type AsyncBackoff, type AsyncCallContext, type AsyncOptions, type AsyncSettings, asyncSettings, longestCall } from './async/async-options.ts';
export type { Change } from './change.ts';
export { changeSerde } from './change-serde.ts';
export { type CombinedKey, type CombinedKeySchema, type CombinedKeySchemaOptions, combinedKeySchema } from './fk/combined-key.ts';
export type { EncodedElsewhere } from './fk/encoded-elsewhere.ts';
export { type ForeignTableJoinOptions, foreignTableJoin } from './fk/foreign-table-join.ts';
export { type ResponseJoinOptions, responseJoin } from './fk/response-join.ts';
export { type SubscriptionJoinOptions, subscriptionJoin } from './fk/subscription-join.ts';
export { type SubscriptionReceiveOptions, subscriptionReceive } from './fk/subscription-receive.ts';
export { responsePartitioner, type SubscriptionResponse, subscriptionResponseSerde } from './fk/subscription-response.ts';
export { type SubscriptionSendOptions, subscriptionSend } from './fk/subscription-send.ts';
export { Instruction, type SubscriptionWrapper, subscriptionWrapper, subscriptionWrapperSerde } from './fk/subscription-wrapper.ts';
export type { TopicName } from './fk/topic-name.ts';
export {
  type Aggregator,
  type AsyncForeachAction,
  type AsyncKeyValueMapper,
  type AsyncPredicate,
  type AsyncValueMapper,
  type ForeachAction,
  type ForeignKeyExtractor,
  type Initializer,
  type KeyValueMapper,
  type Merger,
  type Predicate,
  type Reducer,
  reverseJoiner,
  type Supplier,
  type ValueJoiner,
  type ValueMapper,
} from './functions.ts';
export { type KStreamAggregateOptions, kstreamAggregate } from './kstream-aggregate.ts';
export { kstreamFilterAsync } from './kstream-async-filter.ts';
export { kstreamFlatMapAsync } from './kstream-async-flat-map.ts';
export { kstreamForEachAsync } from './kstream-async-for-each.ts';
export { kstreamMapAsync } from './kstream-async-map.ts';
export { kstreamMapValuesAsync } from './kstream-async-map-values.ts';
export { kstreamBranch } from './kstream-branch.ts';
export { kstreamFilter } from './kstream-filter.ts';
export { kstreamFlatMap } from './kstream-flat-map.ts';
export { kstreamFlatMapValues } from './kstream-flat-map-values.ts';
export { kstreamForeach } from './kstream-foreach.ts';
export { kstreamJoinWindow } from './kstream-join-window.ts';
export { type KStreamKStreamJoinOptions, kstreamKStreamJoin } from './kstream-kstream-join.ts';
export { type KStreamKStreamSelfJoinOptions, kstreamKStreamSelfJoin } from './kstream-kstream-self-join.ts';
export { type KStreamGlobalKTableJoinOptions, type KStreamKTableJoinOptions, kstreamGlobalKTableJoin, kstreamKTableJoin } from './kstream-ktable-join.ts';
export { kstreamMap, kstreamSelectKey } from './kstream-map.ts';
export { kstreamMapValues } from './kstream-map-values.ts';
export { kstreamPassThrough } from './kstream-pass-through.ts';
export { kstreamPeek } from './kstream-peek.ts';
export { kstreamPrint, type PrintOptions } from './kstream-print.ts';
export { type KStreamReduceOptions, kstreamReduce } from './kstream-reduce.ts';
export { kstreamRepartitionFilter } from './kstream-repartition-filter.ts';
export { type KStreamSessionWindowAggregateOptions, kstreamSessionWindowAggregate } from './kstream-session-window-aggregate.ts';
export { type KStreamSlidingWindowAggregateOptions, kstreamSlidingWindowAggregate } from './kstream-sliding-window-aggregate.ts';
export { type KStreamWindowAggregateOptions, kstreamWindowAggregate } from './kstream-window-aggregate.ts';
export { type KTableAggregateOptions, ktableAggregate } from './ktable-aggregate.ts';
export { type KTableFilterOptions, ktableFilter } from './ktable-filter.ts';
export { type KTableJoinMergerOptions, ktableJoinMerger } from './ktable-join-merger.ts';
export {
  type KTableKTableJoinOptions,
  type KTableKTableJoinSupplier,
  ktableInnerJoin,
  ktableLeftJoin,
  ktableOuterJoin,
  ktableRightJoin,
} from './ktable-ktable-join.ts';
export { type KTableMapValuesOptions, ktableMapValues } from './ktable-map-values.ts';
export { type KTablePassThroughOptions, ktablePassThrough } from './ktable-pass-through.ts';
export { type KTableReduceOptions, ktableReduce } from './ktable-reduce.ts';
export { type KTableRepartitionMapOptions, ktableRepartitionMap } from './ktable-repartition-map.ts';
export { type KTableSourceOptions, type KTableSourceSupplier, ktableSource } from './ktable-source.ts';
export type {
  KStreamAggregateSupplier,
  KTableProcessorSupplier,
  KTableValueGetter,
  KTableValueGetterSupplier,
  TableParent,
  VersionedSemantics,
} from './ktable-supplier.ts';
export { type KTableSuppressOptions, ktableSuppress } from './ktable-suppress.ts';
export { ktableToStream } from './ktable-to-stream.ts';
export { type KTableTransformValuesOptions, ktableTransformValues, type ValueTransformer } from './ktable-transform-values.ts';
export { materializedGetterSupplier } from './materialized-getter.ts';
export { streamJoinTimeTrackers, type TimeTrackers } from './stream-join-time-trackers.ts';
export type { EmitStrategySpec, JoinWindowSpec, SessionWindowSpec, SlidingWindowSpec, TimeWindowSpec, UnlimitedWindowSpec } from './windows.ts';

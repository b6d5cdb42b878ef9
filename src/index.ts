// The topology and DSL half.
export type { AggregateFunctions, SessionAggregateFunctions, TableAggregateFunctions } from './dsl/aggregate-functions.ts';
export type { Branched, BranchedKStream } from './dsl/branched-kstream.ts';
export type { TopologyConfig, TopologyOptimization } from './dsl/build-config.ts';
export type { CogroupedKStream } from './dsl/cogrouped-kstream.ts';
export type { GlobalKTable } from './dsl/global-ktable.ts';
export type { KGroupedStream } from './dsl/kgrouped-stream.ts';
export type { KGroupedTable } from './dsl/kgrouped-table.ts';
export type { KStream } from './dsl/kstream.ts';
export type { KTable, TableOptions } from './dsl/ktable.ts';
export type {
  Consumed,
  Grouped,
  Joined,
  Materialized,
  Named,
  Printed,
  ProcessOptions,
  Produced,
  Repartitioned,
  SerdeOf,
  SerializerOf,
  StreamJoined,
  TableJoined,
} from './dsl/options.ts';
export type { SessionWindowedCogroupedKStream } from './dsl/session-windowed-cogrouped-kstream.ts';
export type { SessionWindowedKStream } from './dsl/session-windowed-kstream.ts';
export { StreamsBuilder } from './dsl/streams-builder.ts';
export { BufferConfig, type BufferLimits, Suppressed } from './dsl/suppressed.ts';
export type { TimeWindowedCogroupedKStream } from './dsl/time-windowed-cogrouped-kstream.ts';
export type { TimeWindowedKStream } from './dsl/time-windowed-kstream.ts';
export { EmitStrategy } from './dsl/windows/emit-strategy.ts';
export { JoinWindows } from './dsl/windows/join-windows.ts';
export { SessionWindows } from './dsl/windows/session-windows.ts';
export { SlidingWindows } from './dsl/windows/sliding-windows.ts';
export { TimeWindows } from './dsl/windows/time-windows.ts';
export { UnlimitedWindows } from './dsl/windows/unlimited-windows.ts';
export {
  AsyncTimeoutError,
  ConfigError,
  IllegalStateError,
  ProcessingError,
  SerializationError,
  StateStoreError,
  StreamsError,
  type StreamsErrorOptions,
  TaskMigratedError,
  TopologyError,
} from './errors.ts';
export type { AsyncBackoff, AsyncCallContext, AsyncOptions } from './operators/async/async-options.ts';
export type {
  Aggregator,
  AsyncForeachAction,
  AsyncKeyValueMapper,
  AsyncPredicate,
  AsyncValueMapper,
  ForeachAction,
  ForeignKeyExtractor,
  Initializer,
  KeyValueMapper,
  Merger,
  Predicate,
  Reducer,
  ValueJoiner,
  ValueMapper,
} from './operators/functions.ts';
export type { ValueTransformer } from './operators/ktable-transform-values.ts';
export { type Header, type Headers, NO_HEADERS } from './processor/headers.ts';
export type { StreamPartitioner, TopicNameExtractor } from './processor/partitioner.ts';
export type {
  Cancellable,
  FixedKeyProcessor,
  FixedKeyProcessorContext,
  ProcessingContext,
  Processor,
  ProcessorContext,
  PunctuationType,
  Punctuator,
} from './processor/processor.ts';
export { StreamRecord } from './processor/record.ts';
export type { RecordContext, RecordMetadata } from './processor/record-context.ts';
export type { ConsumedRecord, TimestampExtractor } from './processor/timestamp-extractor.ts';
export type { Window, Windowed } from './processor/windowed.ts';
// Serdes.
export type { AvroOptions, AvroSchema } from './serdes/avro.ts';
export type { AvroRegistryOptions, SubjectStrategy } from './serdes/avro-registry.ts';
export type { JsonOptions } from './serdes/json.ts';
export type { RegistryOptions } from './serdes/registry-client.ts';
export type { PrepareItem, Serde } from './serdes/serde.ts';
export { serdes } from './serdes/serdes.ts';
export type { WindowedSerde } from './serdes/windowed.ts';
// State stores.
export type { StoreBuilder, StoreKind } from './state/contract/builder.ts';
export type { StateStoreContext } from './state/contract/context.ts';
export type { CustomStateStore } from './state/contract/custom-store.ts';
export type {
  HeadersKeyValueStore,
  KeyValueStore,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyWindowStore,
  SessionStore,
  StateStore,
  StoreIterator,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
  WindowStore,
} from './state/contract/stores.ts';
export type { ChangelogRecord } from './state/contract/task-state.ts';
export type { ValueAndTimestamp, ValueTimestampHeaders, VersionedRecord } from './state/contract/values.ts';
export { type StoreSupplier, Stores } from './state/stores.ts';
export { type Duration, toMillis } from './time.ts';
export type { FixedKeyProcessorSupplier, ProcessorSupplier } from './topology/definitions.ts';
export type { DescribedNode, DescribedSubtopology, TopologyDescription } from './topology/describe.ts';
export { type GlobalStoreOptions, type OffsetReset, type SinkOptions, type SourceOptions, Topology } from './topology/topology.ts';

// Others add theirs below.

// The runtime.
export type { StreamsConfig } from './runtime/config.ts';
export { KafkaStreams, type KafkaStreamsEvents } from './runtime/kafka-streams.ts';
export type { StreamsState } from './runtime/lifecycle.ts';
export type { LocalStore } from './runtime/query/local-store.ts';

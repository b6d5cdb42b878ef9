import type { StreamPartitioner, TopicNameExtractor } from '../processor/partitioner.ts';
import type { FixedKeyProcessor, Processor } from '../processor/processor.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { OffsetResetPolicy } from '../runtime/plan.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';

/**
 * Makes a processor for each task: a function, or an object whose `stores()` are added to the topology and connected to the processor.
 * Every call of `get` must return a new object.
 */
export type ProcessorSupplier<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> =
  | (() => Processor<KIn, VIn, KOut, VOut>)
  | { get(): Processor<KIn, VIn, KOut, VOut>; stores?(): readonly StoreBuilder[] };

/** As {@link ProcessorSupplier}, for processors that cannot change the key. */
export type FixedKeyProcessorSupplier<K = unknown, VIn = unknown, VOut = unknown> =
  | (() => FixedKeyProcessor<K, VIn, VOut>)
  | { get(): FixedKeyProcessor<K, VIn, VOut>; stores?(): readonly StoreBuilder[] };

/** Makes a processor of any types; what nodes hold once the types have done their work. */
export type AnyProcessorSupplier = () => Processor<never, never>;

export interface SourceDefinition {
  readonly kind: 'source';
  readonly name: string;
  readonly topics: readonly string[];
  readonly pattern?: RegExp;
  readonly keySerde?: Serde<unknown>;
  readonly valueSerde?: Serde<unknown>;
  readonly timestampExtractor?: TimestampExtractor;
  readonly offsetReset?: OffsetResetPolicy;
}

export interface ProcessorDefinition {
  readonly kind: 'processor';
  readonly name: string;
  readonly parents: readonly string[];
  readonly supplier: AnyProcessorSupplier;
  /** Asynchronous operators: longest time that one record can take in it, milliseconds. */
  readonly asyncLimitMs?: number;
}

export interface SinkDefinition {
  readonly kind: 'sink';
  readonly name: string;
  readonly parents: readonly string[];
  readonly topic: string | TopicNameExtractor<never, never>;
  readonly keySerde?: Serde<unknown>;
  readonly valueSerde?: Serde<unknown>;
  readonly partitioner?: StreamPartitioner<never, never>;
}

export type NodeDefinition = SourceDefinition | ProcessorDefinition | SinkDefinition;

/** A topic that the application creates by itself; its name gets the application id as a prefix. */
export interface InternalTopicDefinition {
  readonly name: string;
  readonly partitions?: number;
}

/** A store that every instance fills from all partitions of one topic. */
export interface GlobalStoreDefinition {
  readonly builder: StoreBuilder;
  readonly topic: string;
  readonly source: string;
  readonly processor: string;
}

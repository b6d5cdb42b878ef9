import type { StreamPartitioner, TopicNameExtractor } from '../processor/partitioner.ts';
import type { Processor } from '../processor/processor.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';

/*
 * What the runtime can run. The topology layer produces it; nothing here knows of the DSL.
 * All topic names are final (internal ones carry the application id), all nodes are frozen data.
 */

export type OffsetResetPolicy = 'earliest' | 'latest' | 'none' | { readonly byDuration: number };

export interface SourceNodePlan {
  readonly kind: 'source';
  readonly name: string;
  readonly topics: readonly string[];
  /** Topics are all that match, instead of `topics`. */
  readonly pattern?: RegExp;
  /** Undefined: the configuration's default. */
  readonly keySerde?: Serde<unknown>;
  readonly valueSerde?: Serde<unknown>;
  readonly timestampExtractor?: TimestampExtractor;
  readonly offsetReset?: OffsetResetPolicy;
  readonly children: readonly string[];
}

export interface ProcessorNodePlan {
  readonly kind: 'processor';
  readonly name: string;
  /** A fresh processor for each task. */
  readonly supplier: () => Processor<never, never>;
  /** Stores it may use. */
  readonly stores: readonly string[];
  /** Asynchronous operators: longest time that one record can take in it, milliseconds. */
  readonly asyncLimitMs?: number;
  readonly children: readonly string[];
}

export interface SinkNodePlan {
  readonly kind: 'sink';
  readonly name: string;
  readonly topic: string | TopicNameExtractor<never, never>;
  readonly keySerde?: Serde<unknown>;
  readonly valueSerde?: Serde<unknown>;
  readonly partitioner?: StreamPartitioner<never, never>;
  readonly children: readonly string[];
}

export type NodePlan = SourceNodePlan | ProcessorNodePlan | SinkNodePlan;

export interface StorePlan {
  readonly builder: StoreBuilder;
  /** Undefined when logging is off. A source topic when it serves as the changelog (optimisation `reuse.ktable.source.topics`, global tables). */
  readonly changelogTopic?: string;
  readonly changelogIsSource: boolean;
}

export interface InternalTopicPlan {
  readonly name: string;
  readonly kind: 'repartition' | 'changelog' | 'tasks';
  /** Fixed by the user (`Repartitioned`), else derived: a repartition topic from its co-partition group or upstream, a changelog from its task count. */
  readonly partitions?: number;
  /** Kafka's topic configs, string values, as Java sets them. */
  readonly config: { readonly [key: string]: string };
  /** Window and session changelogs: the store's retention in milliseconds, for purging by stream time. */
  readonly retentionPeriod?: number;
}

export interface SubtopologyPlan {
  readonly id: number;
  /** Parents before children. */
  readonly nodes: readonly NodePlan[];
  readonly stores: readonly StorePlan[];
  /** Topics outside the library that are read, patterns excluded. */
  readonly sourceTopics: readonly string[];
  /** Repartition topics that are read. */
  readonly repartitionSources: readonly string[];
  /** Topics written to by sinks with a fixed name (repartition ones included). */
  readonly sinkTopics: readonly string[];
  readonly internalTopics: readonly InternalTopicPlan[];
  /** Each group's topics need one partition count; repartition topics in it take the count of the others. */
  readonly copartitionGroups: readonly (readonly string[])[];
  /** Changes when nodes, topics or stores change: two members with different ones must not share a group. */
  readonly fingerprint: string;
}

/** Global tables and stores: every instance reads every partition before it runs. */
export interface GlobalPlan {
  readonly nodes: readonly NodePlan[];
  readonly stores: readonly StorePlan[];
  readonly sourceTopics: readonly string[];
}

export interface TopologyPlan {
  readonly subtopologies: readonly SubtopologyPlan[];
  readonly global?: GlobalPlan;
}

/** The runtime's view of a topology; `Topology` implements it. */
export interface RunnableTopology {
  /** Final names for this application id; throws TopologyError. */
  plan(options: { applicationId: string }): TopologyPlan;
  describe(): { toString(): string };
}

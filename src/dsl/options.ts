import type { Headers } from '../processor/headers.ts';
import type { StreamPartitioner } from '../processor/partitioner.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StoreSupplier } from '../state/stores.ts';
import type { Duration } from '../time.ts';
import type { OffsetReset } from '../topology/topology.ts';

/** A serde of a type, where null needs none: null is null in Kafka too. */
export type SerdeOf<T> = Serde<NonNullable<T>>;

/** Names an operator: it is shown by `describe()`, in errors and metrics, and is part of internal topic names. */
export interface Named {
  /** Letters, digits, `.`, `_`, `-`; at most 249. @default generated, as in Kafka Streams */
  name?: string;
}

/** How a topic is read. */
export interface Consumed<K, V> extends Named {
  /** @default the configuration's `defaultKeySerde` */
  key?: SerdeOf<K>;
  /** @default the configuration's `defaultValueSerde` */
  value?: SerdeOf<V>;
  /** Event time of a record, epoch milliseconds. @default the configuration's `defaultTimestampExtractor` */
  timestamp?: TimestampExtractor<K, V>;
  /** What a partition without a committed offset starts with. @default the configuration's */
  offsetReset?: OffsetReset;
}

/** A serde that can write a type; it may be one of a wider type. */
export type SerializerOf<T> = Omit<Serde<unknown>, 'serialize' | 'deserialize' | 'withDefaults'> & {
  // A property, not a method: methods are not checked for the types of their parameters.
  readonly serialize: (topic: string, value: NonNullable<T>, headers?: Headers) => Buffer;
};

/** How a topic is written. */
export interface Produced<K, V> extends Named {
  /** @default the stream's own serde, where it is known, else the configuration's `defaultKeySerde` */
  key?: SerializerOf<K>;
  /** @default the stream's own serde, where it is known, else the configuration's `defaultValueSerde` */
  value?: SerializerOf<V>;
  /** @default murmur2 of the key's bytes, as Kafka's Java producer; windowed keys by their inner key */
  partitioner?: StreamPartitioner<K, V>;
}

/** How records are grouped. `name` is that of the repartition topic (`<name>-repartition`), if one is needed. */
export interface Grouped<K, V> extends Named {
  key?: SerdeOf<K>;
  value?: SerdeOf<V>;
}

/** How a stream is repartitioned. The topic is `<applicationId>-<name>-repartition`. */
export interface Repartitioned<K, V> extends Named {
  key?: SerdeOf<K>;
  value?: SerdeOf<V>;
  /** Number of partitions of the topic. @default that of the topics it has to match */
  partitions?: number;
  partitioner?: StreamPartitioner<K, V>;
}

/** How a result is kept in a store. */
export interface Materialized<K, V> {
  /** The store's name, by which it can be queried, or a supplier from `Stores`. @default a generated name, and not queryable */
  store?: string | StoreSupplier;
  key?: SerdeOf<K>;
  value?: SerdeOf<V>;
  /** Whether updates wait in the record cache, the latest of each key, until a commit. @default true */
  caching?: boolean;
  /** The changelog: false for none, true, or topic configs that override the defaults. @default true */
  logging?: boolean | { readonly [config: string]: string };
  /** Window and session stores: how long windows are kept, in stream time. @default size (sessions: gap) plus grace */
  retention?: Duration;
  /** Where the data is. @default the configuration's `dslStoreSuppliers` */
  engine?: 'sqlite' | 'memory';
}

/** A stream-table join. */
export interface Joined<K, V, VO> extends Named {
  /** The stream's key serde, for its repartition topic. */
  key?: SerdeOf<K>;
  /** The stream's value serde, for its repartition topic and its buffer. */
  value?: SerdeOf<V>;
  /** The table's value serde. */
  otherValue?: SerdeOf<VO>;
  /** Stream records wait so long, in stream time, for the table to catch up. The table must be versioned. @default none: they join at once */
  grace?: Duration;
}

/** A stream-stream join. `name` is that of the operators and repartition topics, `store` that of the stores. */
export interface StreamJoined<K, V, VO> extends Named {
  key?: SerdeOf<K>;
  value?: SerdeOf<V>;
  otherValue?: SerdeOf<VO>;
  /** Base name of the stores: `<store>-this-join-store` and so on. @default generated */
  store?: string;
  /** Store of this side's records; must retain duplicates and have the join window's size and retention. */
  thisStore?: StoreSupplier;
  /** Store of the other side's records; as `thisStore`. */
  otherStore?: StoreSupplier;
  logging?: boolean | { readonly [config: string]: string };
  engine?: 'sqlite' | 'memory';
}

/** A foreign-key table join. `name` is that of the operators and internal topics. */
export interface TableJoined<K, KO> extends Named {
  /** Partition of this table's keys. Give it if the table's topic is not partitioned by the default partitioner. */
  partitioner?: StreamPartitioner<K, null>;
  /** Partition of the other table's keys. */
  otherPartitioner?: StreamPartitioner<KO, null>;
}

/** How a stream is printed. */
export interface Printed<K, V> extends Named {
  /** @default the name of the stream */
  label?: string;
  /** @default `key, value` */
  mapper?: (key: K, value: V) => string;
  /** @default a line on standard output */
  write?: (line: string) => void;
}

/** Stores that a processor uses, by name. */
export interface ProcessOptions extends Named {
  stores?: readonly string[];
}

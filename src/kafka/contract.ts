import type { Headers } from '../processor/headers.ts';

/*
 * All that the runtime needs from a Kafka client: @confluentinc/kafka-javascript (client.ts), but for fetching, which is done without it where it can be
 * (create-fetch-consumer.ts). The embedded broker is librdkafka's mock cluster.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
  readonly metadata?: string;
}

export interface ConsumedMessage extends TopicPartition {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
  /** As the client gives them, undefined when there are none; `messageHeaders()` of headers.ts turns them into Headers. */
  readonly headers?: readonly { readonly [key: string]: Buffer | string | null }[];
}

/** How the runtime reacts: repeat the same call, abort and start the interval again, or start over with a new producer. */
export type Reaction = 'retriable' | 'abortable' | 'fatal';

export type RebalanceEvent =
  | { readonly kind: 'assign'; readonly partitions: readonly TopicPartition[] }
  | { readonly kind: 'revoke'; readonly partitions: readonly TopicPartition[]; readonly lost: boolean };

export interface MembershipOptions {
  readonly groupId: string;
  readonly groupProtocol: 'classic' | 'consumer';
  readonly groupInstanceId?: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPollIntervalMs: number;
  /** librdkafka properties of the user's own, last. */
  readonly overrides?: { readonly [key: string]: string | number | boolean };
}

/** The group member. It subscribes to the tasks topic only, and reads nothing from it. */
export interface MembershipConsumer {
  connect(timeoutMs: number): Promise<void>;
  /** Rebalances arrive through `onRebalance`, from a poll. The listener calls incrementalAssign/incrementalUnassign when it is done. */
  subscribe(topic: string, onRebalance: (event: RebalanceEvent) => void): void;
  incrementalAssign(partitions: readonly TopicPartition[]): void;
  incrementalUnassign(partitions: readonly TopicPartition[]): void;
  assignmentLost(): boolean;
  /** Serve the group; must be called more often than maxPollInterval. Resolves at once when nothing is pending. */
  poll(): Promise<void>;
  /** Commit through the group, for at-least-once; resolves when the broker has it. Polls meanwhile, so a rebalance may arrive. */
  commit(offsets: readonly TopicPartitionOffset[], timeoutMs: number): Promise<void>;
  committed(partitions: readonly TopicPartition[], timeoutMs: number): Promise<(TopicPartitionOffset & { readonly committed: boolean })[]>;
  /** Leaves the group and disconnects. */
  close(): Promise<void>;
  /** Native handle for sendOffsetsToTransaction. @internal */
  readonly handle: unknown;
}

export interface FetchConsumerOptions {
  readonly isolation: 'read_committed' | 'read_uncommitted';
  /** Never joined: only the name that brokers check access rights with. @default the client id */
  readonly groupId?: string;
  /** Upper bound of what is prefetched, bytes. */
  readonly maxPrefetchBytes: number;
  readonly overrides?: { readonly [key: string]: string | number | boolean };
}

/** A consumer with manual assignment: sources, changelogs in restore, global tables, the registry. */
export interface FetchConsumer {
  connect(timeoutMs: number): Promise<void>;
  /** Replace the assignment; what was prefetched for partitions that stay is kept. Awaits a consume in flight. */
  assign(partitions: readonly TopicPartitionOffset[]): Promise<void>;
  incrementalAssign(partitions: readonly TopicPartitionOffset[]): Promise<void>;
  incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void>;
  seek(position: TopicPartitionOffset): Promise<void>;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Up to `max` messages; waits at most `timeoutMs` for the first. One call in flight at a time. */
  consume(max: number, timeoutMs: number): Promise<ConsumedMessage[]>;
  /** Called (from the event loop) when a drained consumer has messages again: a hint. */
  onAvailable(listener: () => void): void;
  /** Partitions whose end was reached since the last call. */
  takeEndOfPartitions(): TopicPartitionOffset[];
  /** Next offset to be read. */
  position(partition: TopicPartition): number | undefined;
  close(): Promise<void>;
}

export interface ProducerOptions {
  /** Undefined: idempotent, without transactions. */
  readonly transactionalId?: string;
  readonly transactionTimeoutMs: number;
  readonly overrides?: { readonly [key: string]: string | number | boolean };
}

export interface Producer {
  connect(timeoutMs: number): Promise<void>;
  initTransactions(timeoutMs: number): Promise<void>;
  /** A promise, because the client answers on another thread: await it before `produce`. */
  beginTransaction(): Promise<void>;
  /** False: the queue is full, nothing was taken; poll and try again. Throws a KafkaClientError otherwise. */
  produce(topic: string, partition: number, key: Buffer | null, value: Buffer | null, timestamp: number | null, headers: Headers): boolean;
  poll(): void;
  sendOffsetsToTransaction(offsets: readonly TopicPartitionOffset[], consumer: MembershipConsumer, timeoutMs: number): Promise<void>;
  commitTransaction(timeoutMs: number): Promise<void>;
  abortTransaction(timeoutMs: number): Promise<void>;
  /** Everything produced was acknowledged or failed. Failures are in `takeFailures()`. */
  flush(timeoutMs: number): Promise<void>;
  takeFailures(): { topic: string; partition: number; error: Error }[];
  close(timeoutMs: number): Promise<void>;
}

export interface TopicDescription {
  readonly name: string;
  readonly partitions: number;
  /** Given at creation, unlike any other topic's; undefined where the broker gives none. */
  readonly topicId?: string;
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  readonly config: { readonly [key: string]: string };
}

export interface Admin {
  /** Throws within the timeout when no broker answers. */
  connect(timeoutMs: number): Promise<void>;
  clusterId(timeoutMs: number): Promise<string>;
  /** Topics that exist among `names` (all topics when undefined). */
  describeTopics(names: readonly string[] | undefined, timeoutMs: number): Promise<Map<string, TopicDescription>>;
  /** Existing topics are left alone. */
  createTopics(topics: readonly NewTopic[], timeoutMs: number): Promise<void>;
  deleteTopics(names: readonly string[], timeoutMs: number): Promise<void>;
  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | { readonly timestamp: number },
    isolation: 'read_committed' | 'read_uncommitted',
    timeoutMs: number,
  ): Promise<Map<string, number>>;
  /** Delete records before each offset. */
  deleteRecords(before: readonly TopicPartitionOffset[], timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** librdkafka's, and syslog's. */
export const LogLevel = { error: 3, warning: 4, info: 6, debug: 7 } as const;

export interface ClientOptions {
  readonly bootstrapServers: string;
  readonly clientId: string;
  /** librdkafka properties for all clients: security, sockets. */
  readonly kafka?: { readonly [key: string]: string | number | boolean };
  /** Client log lines; `level` as {@link LogLevel}. */
  readonly onLog?: (line: { level: number; facility: string; message: string }) => void;
}

export interface KafkaClients {
  membership(options: MembershipOptions): MembershipConsumer;
  fetcher(options: FetchConsumerOptions): FetchConsumer;
  producer(options: ProducerOptions): Producer;
  admin(): Admin;
}

/** Key of a partition in maps: `topic-partition`. */
export function partitionKey(p: TopicPartition): string {
  return `${p.topic}-${p.partition}`;
}

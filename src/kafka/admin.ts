import { setTimeout as sleep } from 'node:timers/promises';
import { IllegalStateError } from '../errors.ts';
import { clientProperties } from './client-config.ts';
import { Connection } from './connection.ts';
import {
  type Admin,
  type ClientOptions,
  LogLevel,
  type NewTopic,
  partitionKey,
  type TopicDescription,
  type TopicPartition,
  type TopicPartitionOffset,
} from './contract.ts';
import { EmbeddedAdmin, type NativeAdminClient } from './embedded-admin.ts';
import { KafkaClientError, KafkaErrorCode, type NativeError, timeoutError, toClientError } from './errors.ts';
import { type RdKafka, rdKafka } from './native.ts';

/** The name that librdkafka's mock cluster gives itself. */
const MOCK_CLUSTER = /^mockCluster/;

/** A partition has another leader than the client thinks, or the same one after an election. */
const STALE_LEADER: ReadonlySet<number> = new Set([5, 6, 74, 75]);

/** How often a topic that was just created or deleted, and is not everywhere so yet, is asked for. */
const PROPAGATION_POLL_MS = 50;

/**
 * Topics and offsets, on a producer's handle that the client library's admin API shares.
 *
 * The library has no call that tells the cluster's id, so it is read from the client's own report of the first metadata it got.
 */
export class RdKafkaAdmin implements Admin {
  readonly #connection: Connection<NativeAdminClient>;
  #clusterId: string | undefined;
  #native: RdKafka.IAdminClient | undefined;
  #embedded: EmbeddedAdmin | undefined;

  constructor(options: ClientOptions) {
    const onLog = (line: { level: number; facility: string; message: string }): void => {
      const id = /ClusterId: ([^,\s]+)/.exec(line.message)?.[1];
      if (id !== undefined) this.#clusterId = id;
      // Level 7 is what the reading of the cluster id switched on.
      if (line.level < LogLevel.debug) options.onLog?.(line);
    };
    const properties = clientProperties(options, {}, undefined, { debug: 'metadata', 'topic.metadata.refresh.interval.ms': -1 });
    this.#connection = new Connection(
      'admin client',
      { ...options, onLog },
      properties,
      (conf) => new (rdKafka().Producer)(conf as RdKafka.ProducerGlobalConfig) as unknown as NativeAdminClient,
    );
  }

  async connect(timeoutMs: number): Promise<void> {
    await this.#connection.connect(timeoutMs);
    const deadline = Date.now() + timeoutMs;
    while (this.#clusterId === undefined && Date.now() < deadline) {
      // The report travels on another road than the answer.
      await sleep(5);
    }
    if (this.#clusterId !== undefined && MOCK_CLUSTER.test(this.#clusterId)) this.#embedded = new EmbeddedAdmin(this.#connection);
    else this.#native = rdKafka().AdminClient.createFrom(this.#connection.native);
  }

  async clusterId(timeoutMs: number): Promise<string> {
    this.#require('ask for the cluster id');
    if (this.#clusterId === undefined) throw timeoutError('learn the id of the cluster', timeoutMs);
    return this.#clusterId;
  }

  async describeTopics(names: readonly string[] | undefined, timeoutMs: number): Promise<Map<string, TopicDescription>> {
    const operation = 'describe topics';
    const admin = this.#require(operation);
    if (names !== undefined && names.length === 0) return new Map();
    if (this.#embedded !== undefined) return this.#embedded.describeTopics(names, timeoutMs);
    const wanted = names ?? (await this.#topicNames(timeoutMs));
    if (wanted.length === 0) return new Map();
    const topics = await this.#connection.calls.run<RdKafka.TopicDescription[]>(operation, timeoutMs, (done) => {
      admin.describeTopics([...wanted], { timeout: timeoutMs }, done);
    });
    const found = new Map<string, TopicDescription>();
    for (const topic of topics) {
      const code = topic.error?.code ?? 0;
      if (code === KafkaErrorCode.unknownTopicOrPartition) continue;
      // A listing shows what may be seen; a topic asked for by name must be readable.
      if (topic.error !== undefined && code !== 0) {
        if (names === undefined) continue;
        throw toClientError(topic.error, operation, { topic: topic.name });
      }
      found.set(topic.name, { name: topic.name, partitions: topic.partitions.length, topicId: topicId(topic) });
    }
    return found;
  }

  async createTopics(topics: readonly NewTopic[], timeoutMs: number): Promise<void> {
    const admin = this.#require('create topics');
    if (topics.length === 0) return;
    if (this.#embedded !== undefined) return this.#embedded.createTopics(topics, timeoutMs);
    const deadline = Date.now() + timeoutMs;
    await Promise.all(topics.map((topic) => this.#createTopic(admin, topic, timeoutMs)));
    const names = topics.map((topic) => topic.name);
    // The controller has them; the broker that was asked may hear of it a moment later.
    while ((await this.describeTopics(names, timeoutMs)).size < names.length) {
      if (Date.now() > deadline) throw timeoutError(`see the new topics ${names.join(', ')}`, timeoutMs);
      await sleep(PROPAGATION_POLL_MS);
    }
  }

  async #createTopic(admin: RdKafka.IAdminClient, topic: NewTopic, timeoutMs: number): Promise<void> {
    // `config` is always given: the client library ends the process over an undefined one.
    const wanted = { topic: topic.name, num_partitions: topic.partitions, replication_factor: topic.replicationFactor, config: { ...topic.config } };
    try {
      await this.#connection.calls.run<void>(`create topic ${topic.name}`, timeoutMs, (done) => admin.createTopic(wanted, timeoutMs, done));
    } catch (error) {
      if (!(error instanceof KafkaClientError) || error.kafkaCode !== KafkaErrorCode.topicAlreadyExists) throw error;
    }
  }

  async deleteTopics(names: readonly string[], timeoutMs: number): Promise<void> {
    const admin = this.#require('delete topics');
    if (names.length === 0 || this.#embedded !== undefined) return;
    const deadline = Date.now() + timeoutMs;
    await Promise.all(names.map((name) => this.#deleteTopic(admin, name, timeoutMs)));
    while ((await this.describeTopics(names, timeoutMs)).size > 0) {
      if (Date.now() > deadline) throw timeoutError(`see the topics ${names.join(', ')} go`, timeoutMs);
      await sleep(PROPAGATION_POLL_MS);
    }
  }

  async #deleteTopic(admin: RdKafka.IAdminClient, name: string, timeoutMs: number): Promise<void> {
    try {
      await this.#connection.calls.run<void>(`delete topic ${name}`, timeoutMs, (done) => admin.deleteTopic(name, timeoutMs, done));
    } catch (error) {
      if (!(error instanceof KafkaClientError) || error.kafkaCode !== KafkaErrorCode.unknownTopicOrPartition) throw error;
    }
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | { readonly timestamp: number },
    isolation: 'read_committed' | 'read_uncommitted',
    timeoutMs: number,
  ): Promise<Map<string, number>> {
    const operation = 'list offsets';
    const admin = this.#require(operation);
    if (partitions.length === 0) return new Map();
    const { OffsetSpec, IsolationLevel } = rdKafka();
    const spec = at === 'earliest' ? OffsetSpec.EARLIEST : at === 'latest' ? OffsetSpec.LATEST : new OffsetSpec(at.timestamp);
    const isolationLevel = isolation === 'read_committed' ? IsolationLevel.READ_COMMITTED : IsolationLevel.READ_UNCOMMITTED;
    const wanted = partitions.map(({ topic, partition }) => ({ topic, partition, offset: spec }));
    const results = await this.#connection.calls.run<RdKafka.ListOffsetsResult[]>(operation, timeoutMs, (done) => {
      admin.listOffsets(wanted, { timeout: timeoutMs, isolationLevel }, done);
    });
    const offsets = new Map<string, number>();
    for (const { topic, partition, offset, error } of results) {
      if (error !== undefined && error.code !== 0) throw await this.#failure(error, operation, { topic, partition }, timeoutMs);
      offsets.set(partitionKey({ topic, partition }), offset);
    }
    return offsets;
  }

  async deleteRecords(before: readonly TopicPartitionOffset[], timeoutMs: number): Promise<void> {
    const operation = 'delete records';
    const admin = this.#require(operation);
    if (before.length === 0 || this.#embedded !== undefined) return;
    const wanted = before.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
    const results = await this.#connection.calls.run<RdKafka.DeleteRecordsResult[]>(operation, timeoutMs, (done) => {
      admin.deleteRecords(wanted, { timeout: timeoutMs, operationTimeout: timeoutMs }, done);
    });
    for (const { topic, partition, error } of results) {
      if (error !== undefined && error.code !== 0) throw await this.#failure(error, operation, { topic, partition }, timeoutMs);
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /**
   * The error of one partition. Where it says that the partition's leader has changed, the client is made to look again: by itself it goes on asking with what it knew, also
   * when the same leader is back under a new epoch, and the caller's next try would fail as this one did.
   */
  async #failure(error: NativeError, operation: string, at: TopicPartition, timeoutMs: number): Promise<Error> {
    if (STALE_LEADER.has(error.code ?? 0)) {
      const lookAgain = (done: (error: NativeError | null) => void): void => this.#connection.native.getMetadata({ topic: at.topic, timeout: timeoutMs }, done);
      // What matters is the first error; a failed look only means that the next try fails, too.
      await this.#connection.calls.run<unknown>('look up the leader of a partition', timeoutMs, lookAgain).catch(() => undefined);
    }
    return toClientError(error, operation, at);
  }

  async #topicNames(timeoutMs: number): Promise<string[]> {
    const metadata = await this.#connection.calls.run<RdKafka.Metadata>('list topics', timeoutMs, (done) => {
      this.#connection.native.getMetadata({ allTopics: true, timeout: timeoutMs }, done);
    });
    return metadata.topics.map((topic) => topic.name);
  }

  #require(operation: string): RdKafka.IAdminClient {
    if (!this.#connection.connected) throw new IllegalStateError(`Could not ${operation}: the admin client is not connected`);
    // The embedded broker's handle answers list offsets, and nothing else is asked of it.
    this.#native ??= rdKafka().AdminClient.createFrom(this.#connection.native);
    return this.#native;
  }
}

/** The typings name the field otherwise than the native code does. */
function topicId(topic: RdKafka.TopicDescription): string | undefined {
  const id = topic.topicId as { base64?: string; base64str?: string } | undefined;
  return id?.base64 ?? id?.base64str;
}

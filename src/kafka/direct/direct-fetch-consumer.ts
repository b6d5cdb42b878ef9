import { IllegalStateError } from '../../errors.ts';
import { Availability } from '../availability.ts';
import type { ClientProperty } from '../client-config.ts';
import {
  type ClientOptions,
  type ConsumedMessage,
  type FetchConsumer,
  type FetchConsumerOptions,
  LogLevel,
  partitionKey,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../contract.ts';
import { EndsOfPartitions } from '../ends-of-partitions.ts';
import { AssignedPartition, NO_LEADER } from './assigned-partition.ts';
import { BrokerFetcher, type FetchHost, type FetchLimits, lowWater, unreadable } from './broker-fetcher.ts';
import { Cluster } from './cluster.ts';
import { Leaders, type LeadersHost } from './leaders.ts';
import type { Isolation } from './requests.ts';
import type { DirectSecurity } from './security.ts';

/**
 * A consumer with manual, incremental assignment that speaks Kafka's fetch protocol itself. The native client makes each message out of a dozen calls into V8 and two allocations
 * of memory, which is most of what a record costs; here a response is one buffer, and a message two views of it and one object, made when it is asked for.
 *
 * What arrives for a partition that was sought or unassigned meanwhile is dropped.
 */
export class DirectFetchConsumer implements FetchConsumer, FetchHost, LeadersHost {
  /** @internal */
  readonly isolation: Isolation;
  /** @internal */
  readonly limits: FetchLimits;
  /** @internal What is assigned, in the order of turns. */
  partitions: readonly AssignedPartition[] = [];
  /** @internal */
  closed = false;
  readonly #cluster: Cluster;
  readonly #leaders: Leaders;
  readonly #fetchers = new Map<number, BrokerFetcher>();
  readonly #onLog: ClientOptions['onLog'];
  readonly #assigned = new Map<string, AssignedPartition>();
  #turn = 0;
  readonly #ends = new EndsOfPartitions();
  readonly #availability = new Availability();
  /** Of all of it: nothing more will come. */
  #error: Error | undefined;
  #connected = false;
  #consuming = false;

  constructor(options: ClientOptions, fetch: FetchConsumerOptions, properties: { readonly [key: string]: ClientProperty }, security: DirectSecurity) {
    const number = (key: string, byDefault: number): number => Number(properties[key] ?? byDefault);
    this.isolation = fetch.isolation;
    this.#onLog = options.onLog;
    this.limits = {
      minBytes: number('fetch.min.bytes', 1),
      maxBytes: number('fetch.max.bytes', 50 * 1024 * 1024),
      partitionMaxBytes: number('max.partition.fetch.bytes', number('fetch.message.max.bytes', 1024 * 1024)),
      // An idle long poll is what a seek and a new partition wait for.
      maxWaitMs: number('fetch.wait.max.ms', 100),
      requestTimeoutMs: number('socket.timeout.ms', 60_000),
      errorBackoffMs: number('fetch.error.backoff.ms', 100),
      maxPrefetchBytes: fetch.maxPrefetchBytes,
    };
    this.#cluster = new Cluster({
      bootstrapServers: options.bootstrapServers,
      clientId: options.clientId,
      security,
      connectTimeoutMs: number('socket.connection.setup.timeout.ms', 30_000),
    });
    this.#leaders = new Leaders(this.#cluster, this, {
      backoffMs: this.limits.errorBackoffMs,
      refreshMs: number('topic.metadata.refresh.interval.ms', 60_000),
      unknownTopicMs: number('topic.metadata.propagation.max.ms', 30_000),
    });
  }

  async connect(timeoutMs: number): Promise<void> {
    await this.#cluster.connect(timeoutMs);
    this.#connected = !this.closed;
  }

  onAvailable(listener: () => void): void {
    this.#availability.onAvailable(listener);
  }

  async assign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    const wanted = new Set(partitions.map(partitionKey));
    await this.incrementalUnassign([...this.#assigned.values()].filter((p) => !wanted.has(partitionKey(p))));
    await this.incrementalAssign(partitions.filter((p) => !this.#assigned.has(partitionKey(p))));
    for (const p of partitions) if (this.#require(p).position !== p.offset) await this.seek(p);
  }

  async incrementalAssign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    this.#requireConnected('assign partitions');
    for (const p of partitions) {
      if (this.#assigned.has(partitionKey(p))) throw new IllegalStateError('Already assigned: seek instead', { topic: p.topic, partition: p.partition });
    }
    for (const p of partitions) this.#assigned.set(partitionKey(p), new AssignedPartition(p));
    this.partitions = [...this.#assigned.values()];
    this.#leaders.find();
  }

  async incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void> {
    for (const p of partitions) {
      const known = this.#require(p);
      // What is on its way for it is of the past, should it come back.
      known.seek(known.position);
      // Nor is it asked for by a round that has begun, and has yet to connect or to ask for other partitions' offsets.
      known.leader = NO_LEADER;
      this.#assigned.delete(partitionKey(p));
    }
    this.partitions = [...this.#assigned.values()];
    this.#ends.drop(partitions);
  }

  async seek(target: TopicPartitionOffset): Promise<void> {
    const known = this.#require(target);
    known.seek(target.offset);
    this.#ends.drop([target]);
    this.wake(known.leader);
    this.#leaders.find();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const p of partitions) this.#require(p).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const p of partitions) {
      const known = this.#assigned.get(partitionKey(p));
      if (known === undefined) continue;
      known.paused = false;
      this.wake(known.leader);
      if (known.deliverable) this.#availability.signal();
    }
  }

  async consume(max: number, timeoutMs: number): Promise<ConsumedMessage[]> {
    if (this.#consuming) throw new IllegalStateError('A consume is under way: await it before the next');
    this.#requireConnected('consume');
    this.#consuming = true;
    try {
      // What does not wait takes a turn of the event loop all the same: else whoever consumes in a loop would keep anything from arriving. And a seek in this turn comes before it.
      await (timeoutMs <= 0 || this.partitions.some((p) => p.deliverable) ? new Promise(setImmediate) : undefined);
      const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
      const ends = this.#ends.length;
      for (;;) {
        const messages = this.#take(max);
        if (messages.length > 0 || timeoutMs <= 0 || this.#ends.length > ends || this.closed) return messages;
        const left = deadline - performance.now();
        if (left <= 0) return messages;
        await this.#availability.wait(left);
      }
    } finally {
      this.#consuming = false;
    }
  }

  takeEndOfPartitions(): TopicPartitionOffset[] {
    return this.#ends.take();
  }

  position(partition: TopicPartition): number | undefined {
    const position = this.#assigned.get(partitionKey(partition))?.position;
    return position === undefined || position < 0 ? undefined : position;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#connected = false;
    this.#leaders.close();
    this.#cluster.close();
    for (const fetcher of this.#fetchers.values()) fetcher.wake();
    this.#availability.signal();
    this.#assigned.clear();
    this.partitions = [];
  }

  /** For another consumer to go on with. */
  assignment(): readonly (TopicPartitionOffset & { readonly paused: boolean })[] {
    return this.partitions.map(({ topic, partition, position, paused }) => ({ topic, partition, offset: position, paused }));
  }

  /** @internal */
  arrived(partitions: readonly AssignedPartition[]): void {
    const ends = this.#ends.length;
    for (const p of partitions) this.#noteEnd(p);
    if (this.#ends.length > ends || partitions.some((p) => p.deliverable)) this.#availability.signal();
  }

  /** @internal */
  failed(p: AssignedPartition, error: Error): void {
    p.fail(error);
    this.#availability.signal();
  }

  /** @internal */
  failAll(error: Error): void {
    for (const p of this.partitions) {
      p.fail(error);
      p.errorTold = true;
    }
    this.#error = error;
    this.#availability.signal();
  }

  /** @internal */
  lost(): void {
    this.#leaders.find();
  }

  /** @internal Start, or wake, the loop that fetches from a broker. */
  wake(broker: number): void {
    if (broker === NO_LEADER || this.closed) return;
    const fetcher = this.#fetchers.get(broker);
    if (fetcher === undefined) this.#fetchers.set(broker, new BrokerFetcher(this.#cluster, broker, this));
    else fetcher.wake();
  }

  /** @internal */
  warn(message: string): void {
    this.#onLog?.({ level: LogLevel.warning, facility: 'FETCH', message });
  }

  /** @internal */
  info(message: string): void {
    this.#onLog?.({ level: LogLevel.info, facility: 'FETCH', message });
  }

  /**
   * One partition after the other, a fetch's records of each in its turn: not a few of each, since the more updates of a key come in one commit interval, the fewer results and
   * changelog records there are.
   */
  #take(max: number): ConsumedMessage[] {
    const messages: ConsumedMessage[] = [];
    const { partitions } = this;
    const low = lowWater(this);
    for (let seen = 0; seen < partitions.length && messages.length < max; ) {
      if (this.#turn >= partitions.length) this.#turn = 0;
      const p = partitions[this.#turn] as AssignedPartition;
      let over = true;
      if (p.deliverable) {
        over = this.#takeFrom(p, messages, max - messages.length);
        this.#noteEnd(p);
        if (p.buffered < low) this.wake(p.leader);
      }
      if (!over) break;
      this.#turn++;
      seen++;
    }
    if (messages.length === 0) this.#throwError();
    return messages;
  }

  /** True when it is another's turn. */
  #takeFrom(p: AssignedPartition, messages: ConsumedMessage[], max: number): boolean {
    try {
      return p.take(messages, max);
    } catch (error) {
      p.fail(unreadable(p, error as Error));
      return true;
    }
  }

  #throwError(): void {
    // It lasts: what needs the other client needs it until somebody has taken over.
    if (this.#error !== undefined) throw this.#error;
    const failed = this.partitions.find((p) => p.error !== null && !p.errorTold);
    if (failed === undefined) return;
    failed.errorTold = true;
    throw failed.error;
  }

  #noteEnd(p: AssignedPartition): void {
    const end = p.takeEnd();
    if (end !== null) this.#ends.push(end);
  }

  #require(p: TopicPartition): AssignedPartition {
    const known = this.#assigned.get(partitionKey(p));
    if (known === undefined) throw new IllegalStateError('The partition is not assigned to this consumer', { topic: p.topic, partition: p.partition });
    return known;
  }

  #requireConnected(operation: string): void {
    if (!this.#connected) throw new IllegalStateError(`Could not ${operation}: the consumer is not connected`);
  }
}

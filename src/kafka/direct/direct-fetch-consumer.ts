import { setTimeout as sleep } from 'node:timers/promises';
import { IllegalStateError } from '../../errors.ts';
import type { ClientProperty } from '../client-config.ts';
import {
  type ClientOptions,
  type ConsumedMessage,
  type FetchConsumer,
  type FetchConsumerOptions,
  partitionKey,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../contract.ts';
import { KafkaClientError, KafkaErrorCode, toClientError } from '../errors.ts';
import { AssignedPartition, NO_LEADER } from './assigned-partition.ts';
import type { BrokerConnection } from './broker-connection.ts';
import { Cluster } from './cluster.ts';
import { NeedsNativeClient } from './needs-native-client.ts';
import { RecordBatches } from './record-batches.ts';
import { FETCH, type FetchedPartition, fetchRequest, type Isolation, LIST_OFFSETS, listOffsetsRequest, readFetch, readListOffsets } from './requests.ts';
import type { DirectSecurity } from './security.ts';

/** Where the log has moved, or a leader: asking again, perhaps somebody else, is the answer. */
const ASK_AGAIN: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 9, 13, 14, 56, 74, 75, 78, 100]);
const OFFSET_OUT_OF_RANGE = 1;
/** librdkafka's number for a message that cannot be read. */
const BAD_MESSAGE = -199;

/** How long a topic may be unknown before that is an error: what was created a moment ago has not reached every broker. */
const UNKNOWN_TOPIC_MS = 30_000;
/** An idle long poll is what a seek and a new partition wait for. */
const MAX_WAIT_MS = 100;
/** As long as other partitions of the broker have records to hand out: they will want more before long. */
const MAX_WAIT_BUSY_MS = 10;
/** Fetch on when less than this has arrived and is not handed out, bytes a partition. */
const LOW_WATER = 1024 * 1024;
/** librdkafka's log levels. */
const WARNING = 4;
const INFO = 6;

interface BrokerLoop {
  /** Ends the wait for something to fetch. */
  wake: (() => void) | undefined;
}

interface Limits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  readonly maxWaitMs: number;
  readonly requestTimeoutMs: number;
  readonly errorBackoffMs: number;
}

/**
 * A consumer with manual, incremental assignment that speaks Kafka's fetch protocol itself. The native client makes each message out of a dozen calls into V8 and two allocations
 * of memory, which is most of what a record costs; here a response is one buffer, and a message two views of it and one object, made when it is asked for.
 *
 * One loop a broker fetches for all partitions that it leads, one request at a time. What arrives for a partition that was sought or unassigned meanwhile is dropped.
 */
export class DirectFetchConsumer implements FetchConsumer {
  readonly #cluster: Cluster;
  readonly #isolation: Isolation;
  readonly #limits: Limits;
  readonly #maxPrefetchBytes: number;
  readonly #onLog: ClientOptions['onLog'];
  readonly #assigned = new Map<string, AssignedPartition>();
  /** The same, in the order of their turns. */
  #turns: AssignedPartition[] = [];
  #turn = 0;
  readonly #loops = new Map<number, BrokerLoop>();
  #locating: Promise<void> | undefined;
  #ends: TopicPartitionOffset[] = [];
  #error: Error | undefined;
  #connected = false;
  #closed = false;
  #consuming = false;
  #onAvailable: (() => void) | undefined;
  #wake: (() => void) | undefined;

  constructor(options: ClientOptions, fetch: FetchConsumerOptions, properties: { readonly [key: string]: ClientProperty }, security: DirectSecurity) {
    const number = (key: string, byDefault: number): number => Number(properties[key] ?? byDefault);
    this.#isolation = fetch.isolation;
    this.#maxPrefetchBytes = fetch.maxPrefetchBytes;
    this.#onLog = options.onLog;
    this.#limits = {
      minBytes: number('fetch.min.bytes', 1),
      maxBytes: number('fetch.max.bytes', 50 * 1024 * 1024),
      partitionMaxBytes: number('max.partition.fetch.bytes', number('fetch.message.max.bytes', 1024 * 1024)),
      maxWaitMs: number('fetch.wait.max.ms', MAX_WAIT_MS),
      requestTimeoutMs: number('socket.timeout.ms', 60_000),
      errorBackoffMs: number('fetch.error.backoff.ms', 100),
    };
    this.#cluster = new Cluster({
      bootstrapServers: options.bootstrapServers,
      clientId: options.clientId,
      security,
      requestTimeoutMs: number('socket.connection.setup.timeout.ms', 30_000),
    });
  }

  async connect(timeoutMs: number): Promise<void> {
    await this.#cluster.connect(timeoutMs);
    this.#connected = !this.#closed;
  }

  onAvailable(listener: () => void): void {
    this.#onAvailable = listener;
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
    this.#turns = [...this.#assigned.values()];
    this.#locate();
  }

  async incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void> {
    for (const p of partitions) {
      const known = this.#require(p);
      // What is on its way for it is of the past, should it come back.
      known.seek(known.position);
      this.#assigned.delete(partitionKey(p));
    }
    this.#turns = [...this.#assigned.values()];
    this.#dropEnds(partitions);
  }

  async seek(target: TopicPartitionOffset): Promise<void> {
    const known = this.#require(target);
    known.seek(target.offset);
    this.#dropEnds([target]);
    this.#kick(known.leader);
    this.#locate();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const p of partitions) this.#require(p).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const p of partitions) {
      const known = this.#assigned.get(partitionKey(p));
      if (known === undefined) continue;
      known.paused = false;
      this.#kick(known.leader);
      if (known.hasArrived) this.#available();
    }
  }

  async consume(max: number, timeoutMs: number): Promise<ConsumedMessage[]> {
    if (this.#consuming) throw new IllegalStateError('A consume is under way: await it before the next');
    this.#requireConnected('consume');
    this.#consuming = true;
    try {
      // A seek or an unassignment in the same turn comes before it.
      await undefined;
      const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
      const ends = this.#ends.length;
      for (;;) {
        const messages = this.#take(max);
        if (messages.length > 0 || timeoutMs <= 0 || this.#ends.length > ends || this.#closed) return messages;
        const left = deadline - performance.now();
        if (left <= 0) return messages;
        await this.#wait(left);
      }
    } finally {
      this.#consuming = false;
    }
  }

  takeEndOfPartitions(): TopicPartitionOffset[] {
    if (this.#ends.length === 0) return [];
    // The list goes with them: later ends must not show up in one that was taken before.
    const ends = this.#ends;
    this.#ends = [];
    return ends;
  }

  position(partition: TopicPartition): number | undefined {
    const position = this.#assigned.get(partitionKey(partition))?.position;
    return position === undefined || position < 0 ? undefined : position;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    this.#cluster.close();
    for (const { wake } of this.#loops.values()) wake?.();
    this.#available();
    this.#assigned.clear();
    this.#turns = [];
  }

  /** For another consumer to go on with. */
  assignment(): readonly (TopicPartitionOffset & { readonly paused: boolean })[] {
    return this.#turns.map(({ topic, partition, position, paused }) => ({ topic, partition, offset: position, paused }));
  }

  /** One partition after the other, each call beginning with the next. */
  #take(max: number): ConsumedMessage[] {
    const messages: ConsumedMessage[] = [];
    const turns = this.#turns;
    for (let i = 0; i < turns.length && messages.length < max; i++) {
      if (this.#turn >= turns.length) this.#turn = 0;
      const p = turns[this.#turn++] as AssignedPartition;
      if (p.paused || !p.hasArrived) continue;
      try {
        p.take(messages, max - messages.length);
      } catch (error) {
        this.#fail(p, toClientError({ message: `its bytes are no records: ${(error as Error).message}`, code: BAD_MESSAGE }, 'consume', place(p)));
      }
      this.#noteEnd(p);
      if (p.buffered < this.#lowWater()) this.#kick(p.leader);
    }
    if (messages.length > 0 || this.#error === undefined) return messages;
    const error = this.#error;
    // What needs the other client needs it until somebody has taken over.
    if (!(error instanceof NeedsNativeClient)) this.#error = undefined;
    throw error;
  }

  #lowWater(): number {
    return Math.min(LOW_WATER, this.#maxPrefetchBytes / (2 * Math.max(1, this.#turns.length)));
  }

  /** Find out who leads the partitions of which that is not known. */
  #locate(): void {
    this.#locating ??= this.#untilLocated().finally(() => {
      this.#locating = undefined;
      // Assigned, or lost, since the last look.
      if (!this.#closed && this.#lost().length > 0) this.#locate();
    });
  }

  async #untilLocated(): Promise<void> {
    for (let attempt = 0; !this.#closed; attempt++) {
      const lost = this.#lost();
      if (lost.length === 0) return;
      try {
        await this.#findLeaders(lost);
      } catch (error) {
        if (this.#closed) return;
        if (!isPassing(error)) {
          this.#failAll(error as Error);
          return;
        }
        if (attempt === 0) this.#log(WARNING, (error as Error).message);
      }
      if (this.#lost().length > 0) await sleep(Math.min(1000, this.#limits.errorBackoffMs * 2 ** Math.min(attempt, 4)));
    }
  }

  #lost(): AssignedPartition[] {
    return this.#turns.filter((p) => p.leader === NO_LEADER && !p.failed);
  }

  async #findLeaders(lost: readonly AssignedPartition[]): Promise<void> {
    const { topics } = await this.#cluster.metadata([...new Set(lost.map(({ topic }) => topic))]);
    const now = performance.now();
    for (const p of lost) {
      const topic = topics.find((each) => each.topic === p.topic);
      const found = topic?.partitions.find((each) => each.partition === p.partition);
      if (found !== undefined && found.leader >= 0) {
        p.leader = found.leader;
        p.leaderEpoch = found.leaderEpoch;
        p.lostAt = 0;
        this.#kick(p.leader);
        continue;
      }
      if (p.lostAt === 0) p.lostAt = now;
      const error = topic === undefined || topic.error === 0 ? (found?.error ?? KafkaErrorCode.unknownTopicOrPartition) : topic.error;
      if (!ASK_AGAIN.has(error) || (error === KafkaErrorCode.unknownTopicOrPartition && now - p.lostAt > UNKNOWN_TOPIC_MS)) {
        this.#fail(p, toClientError({ message: 'its leader cannot be found', code: error }, 'consume', place(p)));
      }
    }
  }

  /** Start, or wake, the loop that fetches from a broker. */
  #kick(broker: number): void {
    if (broker === NO_LEADER || this.#closed) return;
    const loop = this.#loops.get(broker);
    if (loop !== undefined) {
      loop.wake?.();
      return;
    }
    const started: BrokerLoop = { wake: undefined };
    this.#loops.set(broker, started);
    void this.#fetchFrom(broker, started);
  }

  async #fetchFrom(broker: number, loop: BrokerLoop): Promise<void> {
    while (!this.#closed) {
      const wanted = this.#wanted(broker);
      if (wanted.length === 0) {
        await new Promise<void>((resolve) => {
          loop.wake = resolve;
        });
        loop.wake = undefined;
        continue;
      }
      try {
        const connection = await this.#cluster.broker(broker);
        await this.#resolvePlaces(connection, wanted);
        await this.#fetch(connection, broker, wanted);
      } catch (error) {
        if (this.#closed) return;
        await this.#brokerFailed(broker, error as Error);
      }
    }
  }

  /** Partitions of the broker that have room. */
  #wanted(broker: number): AssignedPartition[] {
    const lowWater = this.#lowWater();
    return this.#turns.filter((p) => p.leader === broker && !p.paused && !p.failed && p.buffered < lowWater);
  }

  /** Turn "the beginning" and "the end" into offsets. */
  async #resolvePlaces(connection: BrokerConnection, partitions: readonly AssignedPartition[]): Promise<void> {
    const unresolved = partitions.filter((p) => p.fetchFrom < 0);
    if (unresolved.length === 0) return;
    const generations = unresolved.map((p) => p.generation);
    const places = unresolved.map(({ topic, partition, leaderEpoch, fetchFrom }) => ({ topic, partition, leaderEpoch, timestamp: fetchFrom }));
    const answer = await connection.request(LIST_OFFSETS, listOffsetsRequest(places, this.#isolation), this.#limits.requestTimeoutMs);
    const offsets = new Map(readListOffsets(answer).map((each) => [partitionKey(each), each]));
    unresolved.forEach((p, index) => {
      if (p.generation !== generations[index]) return;
      const { error, offset } = offsets.get(partitionKey(p)) ?? { error: KafkaErrorCode.unknownTopicOrPartition, offset: -1 };
      if (error === 0) p.seek(offset);
      else this.#partitionFailed(p, error);
    });
  }

  async #fetch(connection: BrokerConnection, broker: number, wanted: readonly AssignedPartition[]): Promise<void> {
    const { minBytes, maxBytes, maxWaitMs, requestTimeoutMs } = this.#limits;
    const asked = wanted.filter((p) => p.fetchFrom >= 0 && p.leader === broker);
    if (asked.length === 0) return;
    const generations = asked.map((p) => p.generation);
    const busy = this.#turns.some((p) => p.leader === broker && p.hasArrived && !p.paused);
    const wait = busy ? Math.min(MAX_WAIT_BUSY_MS, maxWaitMs) : maxWaitMs;
    const partitionMaxBytes = Math.max(1, Math.min(this.#limits.partitionMaxBytes, Math.floor(this.#maxPrefetchBytes / this.#turns.length)));
    const request = fetchRequest(
      asked.map(({ topic, partition, leaderEpoch, fetchFrom }) => ({ topic, partition, leaderEpoch, offset: fetchFrom })),
      this.#isolation,
      { maxWaitMs: wait, minBytes, maxBytes, partitionMaxBytes },
    );
    const response = readFetch(await connection.request(FETCH, request, requestTimeoutMs + wait));
    if (response.error !== 0) throw toClientError({ message: `broker ${broker} refuses the fetch`, code: response.error }, 'consume');
    const fetched = new Map(response.partitions.map((each) => [partitionKey(each), each]));
    let arrived = false;
    let again = false;
    asked.forEach((p, index) => {
      const part = fetched.get(partitionKey(p));
      if (part === undefined || p.generation !== generations[index]) return;
      if (part.error === 0) arrived = this.#accept(p, part) || arrived;
      else again = this.#partitionFailed(p, part.error) || again;
    });
    if (arrived) this.#available();
    const pause = Math.max(response.throttleMs, again ? this.#limits.errorBackoffMs : 0);
    if (pause > 0) await sleep(pause);
  }

  /** True when there is something for the caller. */
  #accept(p: AssignedPartition, { highWatermark, lastStableOffset, aborted, records }: FetchedPartition): boolean {
    try {
      const batches = new RecordBatches(p.topic, p.partition, p.fetchFrom, records, aborted, this.#isolation);
      p.arrived(batches, this.#isolation === 'read_committed' ? lastStableOffset : highWatermark);
    } catch (error) {
      if (error instanceof NeedsNativeClient) this.#failAll(error);
      else this.#fail(p, toClientError({ message: `its bytes are no record batches: ${(error as Error).message}`, code: BAD_MESSAGE }, 'consume', place(p)));
      return true;
    }
    const ends = this.#ends.length;
    this.#noteEnd(p);
    return p.hasArrived || this.#ends.length > ends;
  }

  /** True when it is worth asking again. */
  #partitionFailed(p: AssignedPartition, error: number): boolean {
    if (error === OFFSET_OUT_OF_RANGE) {
      // Where to go on is the caller's decision.
      const message = 'the offset is outside the log';
      this.#fail(p, toClientError({ message, code: KafkaErrorCode.autoOffsetReset }, 'consume', { ...place(p), offset: p.fetchFrom }));
      return false;
    }
    if (!ASK_AGAIN.has(error)) {
      this.#fail(p, toClientError({ message: 'the broker refuses it', code: error }, 'consume', place(p)));
      return false;
    }
    p.leader = NO_LEADER;
    this.#locate();
    return true;
  }

  /** Its partitions may have other leaders now. */
  async #brokerFailed(broker: number, error: Error): Promise<void> {
    if (!isPassing(error)) {
      this.#failAll(error);
      return;
    }
    this.#log(INFO, error.message);
    for (const p of this.#turns) if (p.leader === broker) p.leader = NO_LEADER;
    await sleep(this.#limits.errorBackoffMs);
    this.#locate();
  }

  #fail(p: AssignedPartition, error: Error): void {
    p.failed = true;
    this.#error ??= error;
    this.#available();
  }

  #failAll(error: Error): void {
    for (const p of this.#turns) p.failed = true;
    this.#error = error;
    this.#available();
  }

  #noteEnd(p: AssignedPartition): void {
    const end = p.takeEnd();
    if (end !== null) this.#ends.push(end);
  }

  #dropEnds(partitions: readonly TopicPartition[]): void {
    if (this.#ends.length === 0) return;
    const keys = new Set(partitions.map(partitionKey));
    this.#ends = this.#ends.filter((end) => !keys.has(partitionKey(end)));
  }

  #wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#wake = wake;
    });
  }

  #available(): void {
    this.#wake?.();
    this.#onAvailable?.();
  }

  #require(p: TopicPartition): AssignedPartition {
    const known = this.#assigned.get(partitionKey(p));
    if (known === undefined) throw new IllegalStateError('The partition is not assigned to this consumer', { topic: p.topic, partition: p.partition });
    return known;
  }

  #requireConnected(operation: string): void {
    if (!this.#connected) throw new IllegalStateError(`Could not ${operation}: the consumer is not connected`);
  }

  #log(level: number, message: string): void {
    this.#onLog?.({ level, facility: 'FETCH', message });
  }
}

/** Asking again may help: a broker is not there for a while. */
function isPassing(error: unknown): boolean {
  return error instanceof KafkaClientError && error.reaction !== 'fatal';
}

function place({ topic, partition }: TopicPartition): { topic: string; partition: number } {
  return { topic, partition };
}

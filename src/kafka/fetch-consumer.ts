import { IllegalStateError } from '../errors.ts';
import { Availability } from './availability.ts';
import { type ClientProperty, clientProperties } from './client-config.ts';
import { Connection, type NativeClient } from './connection.ts';
import {
  type ClientOptions,
  type ConsumedMessage,
  type FetchConsumer,
  type FetchConsumerOptions,
  partitionKey,
  type TopicPartition,
  type TopicPartitionOffset,
} from './contract.ts';
import { EndsOfPartitions } from './ends-of-partitions.ts';
import { KafkaClientError, KafkaErrorCode, type NativeError } from './errors.ts';
import { type RdKafka, rdKafka } from './native.ts';

type NativeConsumer = NativeClient &
  RdKafka.KafkaConsumer & {
    incrementalAssign(partitions: object[]): void;
    incrementalUnassign(partitions: object[]): void;
  };

interface Assigned extends TopicPartition {
  /** Next offset to be handed out; negative while it is a place (-2 the beginning, -1 the end) that the broker has yet to resolve. */
  position: number;
  paused: boolean;
  /** Moves with each seek and assignment: what a consume in flight then brings is of the past. */
  epoch: number;
}

/** A consume with timeout 0 answers at once; this bounds how long a busy thread pool may keep it waiting. */
const CONSUME_DEADLINE_MS = 60_000;
const SEEK_TIMEOUT_MS = 10_000;

/** Of a fetch that went wrong: the client repeats it by itself. */
const REPEATED_BY_CLIENT: ReadonlySet<number> = new Set([-195, -187, -185, -180, 5, 6, 7, 8, 9, 13, 14, 15, 16, 74, 75, 78, 129]);

/** librdkafka's properties of a consumer that fetches. */
export function fetchProperties(options: ClientOptions, fetch: FetchConsumerOptions): Record<string, ClientProperty> {
  return clientProperties(
    options,
    // An idle long poll is what a seek and a new partition wait for.
    { 'fetch.wait.max.ms': 100, 'queued.min.messages': 20_000, 'fetch.error.backoff.ms': 100, 'fetch.queue.backoff.ms': 20 },
    fetch.overrides,
    {
      'group.id': fetch.groupId ?? options.clientId,
      'isolation.level': fetch.isolation,
      'queued.max.messages.kbytes': Math.max(1, Math.ceil(fetch.maxPrefetchBytes / 1024)),
      'enable.auto.commit': false,
      'enable.auto.offset.store': false,
      'enable.partition.eof': true,
      // Where to go on is the caller's decision: an offset outside the log is an error.
      'auto.offset.reset': 'error',
      'allow.auto.create.topics': false,
    },
  );
}

/**
 * A consumer with manual, incremental assignment on librdkafka's callback API.
 *
 * Native messages pass through unchanged. One native consume is under way at a time, always with timeout 0, since one that waits would hold one of
 * libuv's four threads; the wait is done here, ended by the client's "queue is not empty any more". What a consume brings for a partition that
 * was sought, assigned or unassigned meanwhile is dropped: the client itself hands over the old records.
 */
export class RdKafkaFetchConsumer implements FetchConsumer {
  readonly #connection: Connection<NativeConsumer>;
  readonly #assigned = new Map<string, Assigned>();
  readonly #ends = new EndsOfPartitions();
  readonly #availability = new Availability();
  #inFlight: Promise<unknown> | undefined;
  #moving: Promise<void> | undefined;
  #consuming = false;
  #epoch = 0;

  constructor(options: ClientOptions, properties: Record<string, ClientProperty>) {
    this.#connection = new Connection('consumer', options, properties, (conf) => {
      const available = (): void => this.#availability.signal();
      const consumer = new (rdKafka().KafkaConsumer)({ ...conf, queue_non_empty_cb: available } as RdKafka.ConsumerGlobalConfig);
      consumer.setDefaultConsumeTimeout(0);
      // The client emits every message of a batch besides handing over the batch: to nobody, at two per cent of a consumer's time.
      const emit = consumer.emit as (...event: unknown[]) => boolean;
      consumer.emit = function (this: typeof consumer, event: string, ...rest: unknown[]): boolean {
        return event === 'data' ? false : emit.call(this, event, ...rest);
      } as typeof consumer.emit;
      consumer.on('partition.eof', (event) => this.#ends.push(event));
      return consumer as unknown as NativeConsumer;
    });
  }

  connect(timeoutMs: number): Promise<void> {
    return this.#connection.connect(timeoutMs);
  }

  onAvailable(listener: () => void): void {
    this.#availability.onAvailable(listener);
  }

  async assign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    const wanted = new Map(partitions.map((p) => [partitionKey(p), p]));
    const gone = [...this.#assigned.values()].filter((p) => !wanted.has(partitionKey(p)));
    if (gone.length > 0) await this.incrementalUnassign(gone);
    const added = partitions.filter((p) => !this.#assigned.has(partitionKey(p)));
    if (added.length > 0) await this.incrementalAssign(added);
    for (const p of partitions) {
      if (this.#assigned.get(partitionKey(p))?.position !== p.offset) await this.seek(p);
    }
  }

  async incrementalAssign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    if (partitions.length === 0) return;
    for (const p of partitions) {
      if (this.#assigned.has(partitionKey(p))) throw new IllegalStateError('Already assigned: seek instead', { topic: p.topic, partition: p.partition });
    }
    await this.#move(() => {
      const places = partitions.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
      this.#sync('assign partitions', () => this.#connection.native.incrementalAssign(places));
      for (const place of places) {
        this.#assigned.set(partitionKey(place), {
          topic: place.topic,
          partition: place.partition,
          position: place.offset,
          paused: false,
          epoch: ++this.#epoch,
        });
      }
    });
  }

  async incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const paused: Assigned[] = [];
    for (const p of partitions) {
      const known = this.#require(p);
      if (known.paused) paused.push(known);
      this.#assigned.delete(partitionKey(p));
    }
    await this.#move(() => {
      // The client remembers a pause beyond the assignment.
      if (paused.length > 0) this.resume(paused);
      this.#sync('unassign partitions', () => this.#connection.native.incrementalUnassign(plain(partitions)));
      this.#ends.drop(partitions);
    });
  }

  async seek(target: TopicPartitionOffset): Promise<void> {
    const known = this.#require(target);
    known.epoch = ++this.#epoch;
    known.position = target.offset;
    await this.#move(async () => {
      this.#ends.drop([target]);
      const { topic, partition, offset } = target;
      try {
        await this.#connection.calls.run<void>('seek', SEEK_TIMEOUT_MS, (done) => {
          this.#connection.native.seek({ topic, partition, offset }, SEEK_TIMEOUT_MS, done as (error: NativeError) => void);
        });
      } catch (error) {
        if (!(error instanceof KafkaClientError) || error.kafkaCode !== KafkaErrorCode.state) throw error;
        // The client has not begun to fetch the partition: it cannot seek yet, but it can start elsewhere.
        this.#sync('seek', () => {
          this.#connection.native.incrementalUnassign([{ topic, partition }]);
          this.#connection.native.incrementalAssign([{ topic, partition, offset }]);
          if (known.paused) this.#connection.native.pause([{ topic, partition }]);
        });
      }
    });
  }

  pause(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return;
    for (const p of partitions) this.#require(p).paused = true;
    this.#sync('pause partitions', () => this.#connection.native.pause(plain(partitions)));
  }

  resume(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return;
    for (const p of partitions) {
      const known = this.#assigned.get(partitionKey(p));
      if (known !== undefined) known.paused = false;
    }
    this.#sync('resume partitions', () => this.#connection.native.resume(plain(partitions)));
  }

  async consume(max: number, timeoutMs: number): Promise<ConsumedMessage[]> {
    if (this.#consuming) throw new IllegalStateError('A consume is under way: await it before the next');
    if (!this.#connection.connected) throw new IllegalStateError('Could not consume: the consumer is not connected');
    this.#consuming = true;
    try {
      const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
      const ends = this.#ends.length;
      for (;;) {
        const messages = await this.#consumeNow(max);
        if (messages.length > 0 || timeoutMs <= 0 || this.#ends.length > ends) return messages;
        const left = deadline - performance.now();
        if (left <= 0) return messages;
        if (this.#connection.connected) await this.#availability.wait(left);
        if (!this.#connection.connected) return [];
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
    this.#availability.signal();
    await this.#connection.close();
    this.#assigned.clear();
  }

  async #consumeNow(max: number): Promise<ConsumedMessage[]> {
    while (this.#moving !== undefined) await this.#moving;
    const startedAt = this.#epoch;
    const endsBefore = this.#ends.length;
    const call = this.#connection.calls.run<ConsumedMessage[]>('consume', CONSUME_DEADLINE_MS, (done) => {
      this.#connection.native.consume(max, done as (error: NativeError, messages: RdKafka.Message[]) => void);
    });
    this.#inFlight = call.catch(() => undefined);
    try {
      const messages = await call;
      return this.#accept(messages, startedAt, endsBefore);
    } catch (error) {
      if (error instanceof KafkaClientError && REPEATED_BY_CLIENT.has(error.kafkaCode)) return [];
      throw error;
    } finally {
      this.#inFlight = undefined;
    }
  }

  /** Move the positions, and drop what is of the past. */
  #accept(messages: ConsumedMessage[], startedAt: number, endsBefore: number): ConsumedMessage[] {
    let stale = false;
    for (let i = 0; i < messages.length; ) {
      const first = messages[i] as ConsumedMessage;
      let last = i;
      while (
        last + 1 < messages.length &&
        (messages[last + 1] as ConsumedMessage).partition === first.partition &&
        (messages[last + 1] as ConsumedMessage).topic === first.topic
      )
        last++;
      const known = this.#assigned.get(partitionKey(first));
      if (known === undefined || known.epoch > startedAt) stale = true;
      else known.position = (messages[last] as ConsumedMessage).offset + 1;
      i = last + 1;
    }
    if (this.#ends.length > endsBefore) this.#acceptEnds(startedAt, endsBefore);
    if (!stale) return messages;
    return messages.filter((message) => {
      const known = this.#assigned.get(partitionKey(message));
      return known !== undefined && known.epoch <= startedAt;
    });
  }

  /** The end may lie beyond the last record: behind control records and records of aborted transactions. */
  #acceptEnds(startedAt: number, from: number): void {
    const fresh = this.#ends.splice(from).filter((end) => {
      const known = this.#assigned.get(partitionKey(end));
      if (known === undefined || known.epoch > startedAt) return false;
      if (end.offset > known.position) known.position = end.offset;
      return true;
    });
    this.#ends.push(...fresh);
  }

  /**
   * Changes of the assignment and seeks run one after the other, none beside a consume: one that was under way brings old records, which are dropped,
   * and one that began before the client has moved could take new records with it.
   */
  #move(change: () => void | Promise<void>): Promise<void> {
    const before = this.#moving;
    const moving = (async () => {
      if (before !== undefined) await before;
      if (this.#inFlight !== undefined) await this.#inFlight;
      await change();
    })();
    const quiet = moving.then(
      () => undefined,
      () => undefined,
    );
    this.#moving = quiet;
    void quiet.then(() => {
      if (this.#moving === quiet) this.#moving = undefined;
    });
    return moving;
  }

  #require(p: TopicPartition): Assigned {
    const known = this.#assigned.get(partitionKey(p));
    if (known === undefined) throw new IllegalStateError('The partition is not assigned to this consumer', { topic: p.topic, partition: p.partition });
    return known;
  }

  #sync(operation: string, call: () => void): void {
    if (!this.#connection.connected) throw new IllegalStateError(`Could not ${operation}: the consumer is not connected`);
    try {
      call();
    } catch (error) {
      throw this.#connection.calls.error(error as NativeError, operation);
    }
  }
}

function plain(partitions: readonly TopicPartition[]): { topic: string; partition: number }[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }));
}

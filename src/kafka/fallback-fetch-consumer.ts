import { type ClientOptions, type ConsumedMessage, type FetchConsumer, LogLevel, type TopicPartition, type TopicPartitionOffset } from './contract.ts';
import type { DirectFetchConsumer } from './direct/direct-fetch-consumer.ts';
import { NeedsNativeClient } from './direct/needs-native-client.ts';
import { KafkaClientError } from './errors.ts';

/** How long librdkafka may take to connect in the middle of a run. */
const TAKE_OVER_MS = 30_000;

/** A direct consumer, until it meets what only librdkafka can do: then one of librdkafka's, for good, with the assignment, positions and pauses of the first. */
export class FallbackFetchConsumer implements FetchConsumer {
  readonly #direct: DirectFetchConsumer;
  readonly #native: () => FetchConsumer;
  readonly #onLog: ClientOptions['onLog'];
  #current: FetchConsumer;
  /** Until it has come to its end the direct consumer keeps what is assigned. */
  #takingOver: Promise<void> | undefined;
  /** That which takes over, until it has. */
  #next: FetchConsumer | undefined;
  #onAvailable: (() => void) | undefined;
  #closed = false;

  constructor(direct: DirectFetchConsumer, native: () => FetchConsumer, onLog: ClientOptions['onLog']) {
    this.#direct = direct;
    this.#current = direct;
    this.#native = native;
    this.#onLog = onLog;
  }

  async connect(timeoutMs: number): Promise<void> {
    try {
      await this.#direct.connect(timeoutMs);
    } catch (error) {
      if (!(error instanceof NeedsNativeClient)) throw error;
      await this.#takeOver(error, timeoutMs);
    }
  }

  assign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#move((current) => current.assign(partitions));
  }

  incrementalAssign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#move((current) => current.incrementalAssign(partitions));
  }

  incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#move((current) => current.incrementalUnassign(partitions));
  }

  seek(position: TopicPartitionOffset): Promise<void> {
    return this.#move((current) => current.seek(position));
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#current.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#current.resume(partitions);
  }

  async consume(max: number, timeoutMs: number): Promise<ConsumedMessage[]> {
    try {
      return await this.#current.consume(max, timeoutMs);
    } catch (error) {
      if (!(error instanceof NeedsNativeClient)) throw error;
      if (this.#closed) return [];
      await this.#takeOverOrLater(error);
      return [];
    }
  }

  onAvailable(listener: () => void): void {
    this.#onAvailable = listener;
    this.#current.onAvailable(listener);
  }

  takeEndOfPartitions(): TopicPartitionOffset[] {
    return this.#current.takeEndOfPartitions();
  }

  position(partition: TopicPartition): number | undefined {
    return this.#current.position(partition);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#next?.close();
    await this.#takingOver?.catch(() => undefined);
    await this.#current.close();
  }

  /** At once, but for a take-over that is under way: it comes first. */
  #move(change: (current: FetchConsumer) => Promise<void>): Promise<void> {
    if (this.#takingOver === undefined) return change(this.#current);
    // When it fails the direct one has the assignment still.
    return this.#takingOver.catch(() => undefined).then(() => change(this.#current));
  }

  /** While the brokers are away nobody can take over: the next consume tries again. */
  async #takeOverOrLater(reason: NeedsNativeClient): Promise<void> {
    try {
      await this.#takeOver(reason, TAKE_OVER_MS);
    } catch (error) {
      if (!(error instanceof KafkaClientError) || error.reaction !== 'retriable') throw error;
    }
  }

  #takeOver(reason: NeedsNativeClient, timeoutMs: number): Promise<void> {
    this.#takingOver = this.#replace(reason, timeoutMs).finally(() => {
      this.#takingOver = undefined;
    });
    return this.#takingOver;
  }

  async #replace(reason: NeedsNativeClient, timeoutMs: number): Promise<void> {
    this.#onLog?.({
      level: LogLevel.warning,
      facility: 'FETCH',
      message: `Records are fetched through librdkafka from now on, at several times the CPU: ${reason.message}`,
    });
    const native = this.#native();
    this.#next = native;
    try {
      await native.connect(timeoutMs);
      if (this.#onAvailable !== undefined) native.onAvailable(this.#onAvailable);
      await native.incrementalAssign(this.#direct.assignment());
      // Only now: a pause may have come while the client connected.
      native.pause(this.#direct.assignment().filter(({ paused }) => paused));
    } catch (error) {
      await native.close();
      throw error;
    } finally {
      this.#next = undefined;
    }
    this.#current = native;
    await this.#direct.close();
    if (this.#closed) await native.close();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { partitionKey } from '../contract.ts';
import { KafkaErrorCode, toClientError } from '../errors.ts';
import { type AssignedPartition, NO_LEADER } from './assigned-partition.ts';
import type { BrokerConnection } from './broker-connection.ts';
import type { Cluster } from './cluster.ts';
import { NeedsNativeClient } from './needs-native-client.ts';
import { ASK_AGAIN, isPassing } from './passing-errors.ts';
import { RecordBatches } from './record-batches.ts';
import {
  FETCH,
  type FetchedPartition,
  fetchRequest,
  type Isolation,
  LIST_OFFSETS,
  type ListedOffset,
  listOffsetsRequest,
  OFFSET_FOR_LEADER_EPOCH,
  offsetForLeaderEpochRequest,
  readFetch,
  readListOffsets,
  readOffsetForLeaderEpoch,
} from './requests.ts';

export interface FetchLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  readonly maxWaitMs: number;
  readonly requestTimeoutMs: number;
  readonly errorBackoffMs: number;
  /** Of all partitions together. */
  readonly maxPrefetchBytes: number;
}

export interface FetchHost {
  readonly closed: boolean;
  readonly isolation: Isolation;
  readonly limits: FetchLimits;
  /** All that are assigned. */
  readonly partitions: readonly AssignedPartition[];
  /** There may be something for the caller: records, or an end. */
  arrived(partitions: readonly AssignedPartition[]): void;
  failed(p: AssignedPartition, error: Error): void;
  failAll(error: Error): void;
  /** Partitions have no leader any more. */
  lost(): void;
  /** A partition is free again for the loop of the broker that leads it now. */
  wake(broker: number): void;
  info(message: string): void;
}

const OFFSET_OUT_OF_RANGE = 1;
/** librdkafka's number for a message that cannot be read. */
const BAD_MESSAGE = -199;

/** As long as other partitions of the broker have records to hand out: they will want more before long. */
const MAX_WAIT_BUSY_MS = 10;
/** Fetch on when less than this has arrived and is not handed out, bytes a partition. */
const LOW_WATER = 1024 * 1024;
const LONGEST_BACKOFF_MS = 2000;

/** Below this a partition is fetched on. */
export function lowWater({ limits, partitions }: Pick<FetchHost, 'limits' | 'partitions'>): number {
  return Math.min(LOW_WATER, limits.maxPrefetchBytes / (2 * Math.max(1, partitions.length)));
}

/** Fetches what one broker leads, for as long as the consumer lives: one request at a time, for all partitions that have room. */
export class BrokerFetcher {
  readonly #cluster: Cluster;
  readonly #broker: number;
  readonly #host: FetchHost;
  #wake: (() => void) | undefined;
  #failures = 0;
  #rounds = 0;

  constructor(cluster: Cluster, broker: number, host: FetchHost) {
    this.#cluster = cluster;
    this.#broker = broker;
    this.#host = host;
    void this.#run();
  }

  /** There may be something to fetch, or the consumer was closed. */
  wake(): void {
    this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#host.closed) {
      const wanted = this.#wanted();
      if (wanted.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      for (const p of wanted) p.fetching = true;
      let again = false;
      try {
        again = await this.#round(wanted);
        this.#failures = 0;
      } catch (error) {
        if (!this.#host.closed) this.#failed(error as Error);
        again = true;
      }
      for (const p of wanted) {
        p.fetching = false;
        if (p.leader !== this.#broker) this.#host.wake(p.leader);
      }
      if (again) await this.#backOff();
    }
  }

  /** True when it is to be tried again after a while. */
  async #round(wanted: readonly AssignedPartition[]): Promise<boolean> {
    const connection = await this.#cluster.broker(this.#broker);
    const unresolved = wanted.filter((p) => p.fetchFrom < 0);
    if (unresolved.length > 0 && (await this.#resolvePlaces(connection, unresolved))) return true;
    const doubtful = wanted.filter((p) => p.unvalidated && p.fetchFrom >= 0);
    if (doubtful.length > 0 && (await this.#validate(connection, doubtful))) return true;
    return this.#fetch(connection, wanted);
  }

  /** Partitions that have room, another one first each time: a broker promises to be generous to the first only. */
  #wanted(): AssignedPartition[] {
    const low = lowWater(this.#host);
    const wanted = this.#host.partitions.filter((p) => p.leader === this.#broker && !p.paused && !p.fetching && p.error === null && p.buffered < low);
    const first = this.#rounds++ % Math.max(1, wanted.length);
    return [...wanted.slice(first), ...wanted.slice(0, first)];
  }

  /** Turn "the beginning" and "the end" into offsets. */
  async #resolvePlaces(connection: BrokerConnection, partitions: readonly AssignedPartition[]): Promise<boolean> {
    const places = partitions.map(({ topic, partition, leaderEpoch, fetchFrom }) => ({ topic, partition, leaderEpoch, timestamp: fetchFrom }));
    const { isolation, limits } = this.#host;
    const asked = connection.request(LIST_OFFSETS, listOffsetsRequest(places, isolation), limits.requestTimeoutMs);
    return this.#answered(partitions, asked.then(readListOffsets), (p, offset) => p.seek(offset));
  }

  /** After a change of leaders: see that the log before the position is the one that was read. */
  async #validate(connection: BrokerConnection, partitions: readonly AssignedPartition[]): Promise<boolean> {
    if (!connection.speaks(OFFSET_FOR_LEADER_EPOCH)) {
      for (const p of partitions) p.unvalidated = false;
      return false;
    }
    const places = partitions.map(({ topic, partition, leaderEpoch, lastEpoch }) => ({ topic, partition, leaderEpoch, lastEpoch }));
    const asked = connection.request(OFFSET_FOR_LEADER_EPOCH, offsetForLeaderEpochRequest(places), this.#host.limits.requestTimeoutMs);
    return this.#answered(partitions, asked.then(readOffsetForLeaderEpoch), (p, end) => {
      p.unvalidated = false;
      if (end < p.fetchFrom) this.#outsideTheLog(p, `the log was cut back to ${end} by an unclean election of a leader`);
    });
  }

  /** True when one has to be asked about again. */
  async #answered(
    partitions: readonly AssignedPartition[],
    answer: Promise<ListedOffset[]>,
    use: (p: AssignedPartition, offset: number) => void,
  ): Promise<boolean> {
    const generations = partitions.map((p) => p.generation);
    const offsets = new Map((await answer).map((each) => [partitionKey(each), each]));
    let again = false;
    partitions.forEach((p, index) => {
      if (p.generation !== generations[index]) return;
      const { error, offset } = offsets.get(partitionKey(p)) ?? { error: KafkaErrorCode.unknownTopicOrPartition, offset: -1 };
      if (error === 0) use(p, offset);
      else again = this.#refused(p, error) || again;
    });
    return again;
  }

  async #fetch(connection: BrokerConnection, wanted: readonly AssignedPartition[]): Promise<boolean> {
    const { partitions, isolation, limits } = this.#host;
    const asked = wanted.filter((p) => p.fetchFrom >= 0 && p.leader === this.#broker && p.error === null);
    if (asked.length === 0) return false;
    const generations = asked.map((p) => p.generation);
    const busy = partitions.some((p) => p.leader === this.#broker && p.deliverable);
    const maxWaitMs = busy ? Math.min(MAX_WAIT_BUSY_MS, limits.maxWaitMs) : limits.maxWaitMs;
    const partitionMaxBytes = Math.max(1, Math.min(limits.partitionMaxBytes, Math.floor(limits.maxPrefetchBytes / Math.max(1, partitions.length))));
    const places = asked.map(({ topic, partition, leaderEpoch, fetchFrom }) => ({ topic, partition, leaderEpoch, offset: fetchFrom }));
    const request = fetchRequest(places, isolation, { maxWaitMs, minBytes: limits.minBytes, maxBytes: limits.maxBytes, partitionMaxBytes });
    const response = readFetch(await connection.request(FETCH, request, limits.requestTimeoutMs + maxWaitMs));
    if (response.error !== 0) throw toClientError({ message: `broker ${this.#broker} refuses the fetch`, code: response.error }, 'consume');
    const fetched = new Map(response.partitions.map((each) => [partitionKey(each), each]));
    let again = false;
    const arrived = asked.filter((p, index) => {
      const part = fetched.get(partitionKey(p));
      if (part === undefined || p.generation !== generations[index]) return false;
      if (part.error === 0) return this.#accept(p, part);
      again = this.#refused(p, part.error) || again;
      return false;
    });
    if (arrived.length > 0) this.#host.arrived(arrived);
    if (response.throttleMs > 0) await sleep(response.throttleMs, undefined, { ref: false });
    return again;
  }

  #accept(p: AssignedPartition, { highWatermark, lastStableOffset, aborted, preferredReadReplica, records }: FetchedPartition): boolean {
    const { isolation } = this.#host;
    try {
      if (preferredReadReplica >= 0) throw new NeedsNativeClient('a leader that leaves its consumers to other replicas');
      // A view keeps all of the response: of one that is mostly of others, a copy.
      const own = 2 * records.length < records.buffer.byteLength ? Buffer.from(records) : records;
      const batches = new RecordBatches(p.topic, p.partition, p.fetchFrom, own, aborted, isolation);
      p.arrived(batches, isolation === 'read_committed' ? lastStableOffset : highWatermark);
      return true;
    } catch (error) {
      if (error instanceof NeedsNativeClient) this.#host.failAll(error);
      else this.#host.failed(p, unreadable(p, error as Error));
      return false;
    }
  }

  /** True when it is worth asking again. */
  #refused(p: AssignedPartition, error: number): boolean {
    if (error === OFFSET_OUT_OF_RANGE) {
      this.#outsideTheLog(p, 'the offset is outside the log');
      return false;
    }
    if (!ASK_AGAIN.has(error)) {
      this.#host.failed(p, toClientError({ message: 'the broker refuses it', code: error }, 'consume', { topic: p.topic, partition: p.partition }));
      return false;
    }
    if (p.leader === this.#broker) p.leader = NO_LEADER;
    this.#host.lost();
    return true;
  }

  /** Where to go on is the caller's decision. */
  #outsideTheLog(p: AssignedPartition, message: string): void {
    const at = { topic: p.topic, partition: p.partition, offset: p.fetchFrom };
    this.#host.failed(p, toClientError({ message, code: KafkaErrorCode.autoOffsetReset }, 'consume', at));
  }

  /** The broker is not to be reached: its partitions may have other leaders now. */
  #failed(error: Error): void {
    if (!isPassing(error)) {
      const message = `broker ${this.#broker} answers what makes no sense: ${error.message}`;
      this.#host.failAll(error instanceof RangeError ? toClientError({ message, code: BAD_MESSAGE }, 'consume') : error);
      return;
    }
    this.#host.info(error.message);
    for (const p of this.#host.partitions) if (p.leader === this.#broker) p.leader = NO_LEADER;
    this.#host.lost();
  }

  #backOff(): Promise<void> {
    const { errorBackoffMs } = this.#host.limits;
    return sleep(Math.min(LONGEST_BACKOFF_MS, errorBackoffMs * 2 ** Math.min(this.#failures++, 5)), undefined, { ref: false });
  }
}

export function unreadable(p: AssignedPartition, cause: Error): Error {
  return toClientError({ message: `its bytes are no records: ${cause.message}`, code: BAD_MESSAGE }, 'consume', {
    topic: p.topic,
    partition: p.partition,
    offset: p.position,
  });
}

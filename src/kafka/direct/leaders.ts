import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaErrorCode, toClientError } from '../errors.ts';
import { type AssignedPartition, NO_LEADER } from './assigned-partition.ts';
import type { Cluster } from './cluster.ts';
import { isPassing } from './passing-errors.ts';
import type { ClusterMetadata, PartitionMetadata } from './requests.ts';

export interface LeadersHost {
  readonly closed: boolean;
  /** All that are assigned. */
  readonly partitions: readonly AssignedPartition[];
  /** A partition of this broker can be fetched. */
  wake(broker: number): void;
  failed(p: AssignedPartition, error: Error): void;
  failAll(error: Error): void;
  warn(message: string): void;
}

const TOPIC_AUTHORIZATION_FAILED = 29;
const INVALID_TOPIC = 17;

/** How long a leader of an older epoch than the last is not believed; after that the topic is taken for one that was made anew. */
const OLDER_EPOCH_MS = 10_000;
const LONGEST_BACKOFF_MS = 1000;

export interface LeadersTiming {
  readonly backoffMs: number;
  readonly refreshMs: number;
  /** How long a topic may be unknown before that is an error: what was created a moment ago has not reached every broker. */
  readonly unknownTopicMs: number;
}

/** Knows who leads the partitions: asks when somebody has none, and every so often whether it is another. */
export class Leaders {
  readonly #cluster: Cluster;
  readonly #host: LeadersHost;
  readonly #timing: LeadersTiming;
  readonly #refresh: NodeJS.Timeout;
  #finding: Promise<void> | undefined;

  constructor(cluster: Cluster, host: LeadersHost, timing: LeadersTiming) {
    this.#cluster = cluster;
    this.#host = host;
    this.#timing = timing;
    // A leader that was cut off from the others answers on, of a log that grows no more.
    this.#refresh = setInterval(() => void this.#look(), timing.refreshMs);
    this.#refresh.unref();
  }

  /** Find a leader for each partition that has none. */
  find(): void {
    this.#finding ??= this.#untilFound().finally(() => {
      this.#finding = undefined;
      // Assigned, or lost, since the last look.
      if (!this.#host.closed && this.#lost().length > 0) this.find();
    });
  }

  close(): void {
    clearInterval(this.#refresh);
  }

  async #untilFound(): Promise<void> {
    let attempt = 0;
    for (let lost = this.#lost(); !this.#host.closed && lost.length > 0; lost = this.#lost()) {
      try {
        this.#accept(lost, await this.#ask(lost));
      } catch (error) {
        if (this.#host.closed) return;
        if (!isPassing(error)) {
          this.#host.failAll(error as Error);
          return;
        }
        if (attempt === 0) this.#host.warn((error as Error).message);
      }
      // What was assigned meanwhile does not wait.
      if (!lost.some((p) => p.leader === NO_LEADER && p.error === null)) continue;
      await sleep(Math.min(LONGEST_BACKOFF_MS, this.#timing.backoffMs * 2 ** Math.min(attempt++, 5)), undefined, { ref: false });
    }
  }

  /** Leaders that have changed while the old ones still answer. */
  async #look(): Promise<void> {
    const known = this.#host.partitions.filter((p) => p.leader !== NO_LEADER);
    if (known.length === 0 || this.#finding !== undefined) return;
    try {
      const metadata = await this.#ask(known);
      for (const p of known) {
        const found = partitionOf(metadata, p);
        if (found === undefined || found.leader < 0 || p.leader === NO_LEADER || found.leaderEpoch <= p.leaderEpoch) continue;
        p.ledBy(found.leader, found.leaderEpoch);
        this.#host.wake(p.leader);
      }
    } catch (error) {
      if (!this.#host.closed) this.#host.warn((error as Error).message);
    }
  }

  #ask(partitions: readonly AssignedPartition[]): Promise<ClusterMetadata> {
    return this.#cluster.metadata([...new Set(partitions.map(({ topic }) => topic))]);
  }

  #accept(lost: readonly AssignedPartition[], metadata: ClusterMetadata): void {
    const now = performance.now();
    const assigned = new Set(this.#host.partitions);
    let outdated = false;
    for (const p of lost) {
      if (!assigned.has(p)) continue;
      if (p.lostAt === 0) p.lostAt = now;
      const found = partitionOf(metadata, p);
      if (found !== undefined && found.leader >= 0) {
        if (found.leaderEpoch >= p.leaderEpoch || now - p.lostAt > OLDER_EPOCH_MS) {
          p.ledBy(found.leader, found.leaderEpoch);
          this.#host.wake(p.leader);
        } else {
          outdated = true;
        }
        continue;
      }
      const error = metadata.topics.find(({ topic }) => topic === p.topic)?.error ?? KafkaErrorCode.unknownTopicOrPartition;
      const unknown = error === KafkaErrorCode.unknownTopicOrPartition || (error === 0 && found === undefined);
      if (error === INVALID_TOPIC || error === TOPIC_AUTHORIZATION_FAILED || (unknown && now - p.lostAt > this.#timing.unknownTopicMs)) {
        const code = error === 0 ? KafkaErrorCode.unknownTopicOrPartition : error;
        this.#host.failed(p, toClientError({ message: 'its leader cannot be found', code }, 'consume', { topic: p.topic, partition: p.partition }));
      }
    }
    if (outdated) this.#cluster.askAnother();
  }

  #lost(): AssignedPartition[] {
    return this.#host.partitions.filter((p) => p.leader === NO_LEADER && p.error === null);
  }
}

function partitionOf({ topics }: ClusterMetadata, { topic, partition }: AssignedPartition): PartitionMetadata | undefined {
  return topics.find((each) => each.topic === topic)?.partitions.find((each) => each.partition === partition);
}

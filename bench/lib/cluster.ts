import { createKafkaClients } from '../../src/kafka/client.ts';
import { type Admin, type ConsumedMessage, type KafkaClients, type MembershipConsumer, partitionKey, type TopicPartition } from '../../src/kafka/contract.ts';

const TIMEOUT_MS = 30_000;

/** What the bench and chaos drivers ask of a broker, outside the programs that they watch. */
export class Cluster {
  readonly bootstrapServers: string;
  readonly clients: KafkaClients;
  readonly #admin: Admin;

  private constructor(bootstrapServers: string, clients: KafkaClients, admin: Admin) {
    this.bootstrapServers = bootstrapServers;
    this.clients = clients;
    this.#admin = admin;
  }

  static async connect(bootstrapServers: string): Promise<Cluster> {
    const clients = createKafkaClients({ bootstrapServers, clientId: 'millrace-driver' });
    const admin = clients.admin();
    await admin.connect(TIMEOUT_MS);
    return new Cluster(bootstrapServers, clients, admin);
  }

  /** Kept for ever: a broker deletes by the records' own times. */
  async createTopic(name: string, partitions: number): Promise<void> {
    await this.#admin.createTopics([{ name, partitions, replicationFactor: -1, config: { 'retention.ms': '-1' } }], TIMEOUT_MS);
  }

  async topicsStartingWith(prefix: string): Promise<{ name: string; partitions: number }[]> {
    const topics = await this.#admin.describeTopics(undefined, TIMEOUT_MS);
    return [...topics.values()].filter((topic) => topic.name.startsWith(prefix));
  }

  async deleteTopicsStartingWith(prefix: string): Promise<void> {
    const names = (await this.topicsStartingWith(prefix)).map((topic) => topic.name);
    if (names.length > 0) await this.#admin.deleteTopics(names, TIMEOUT_MS);
  }

  /** End offsets by `topic-partition`, whatever is committed or not. */
  ends(partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
    return this.#admin.listOffsets(partitions, 'latest', 'read_uncommitted', TIMEOUT_MS);
  }

  starts(partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
    return this.#admin.listOffsets(partitions, 'earliest', 'read_uncommitted', TIMEOUT_MS);
  }

  /**
   * Every committed message of these partitions, from the given offsets (default: their starts) to where they end now, in the order of each partition.
   * @param from offsets by `topic-partition`
   */
  async readToEnd(partitions: readonly TopicPartition[], onMessage: (message: ConsumedMessage) => void, from?: ReadonlyMap<string, number>): Promise<void> {
    const ends = await this.ends(partitions);
    const starts = from ?? (await this.starts(partitions));
    const left = new Set(partitions.map(partitionKey).filter((key) => (ends.get(key) ?? 0) > (starts.get(key) ?? 0)));
    if (left.size === 0) return;
    const fetcher = this.clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 32 * 1024 * 1024 });
    await fetcher.connect(TIMEOUT_MS);
    try {
      await fetcher.assign(partitions.filter((each) => left.has(partitionKey(each))).map((each) => ({ ...each, offset: starts.get(partitionKey(each)) ?? 0 })));
      while (left.size > 0) {
        for (const message of await fetcher.consume(10_000, 200)) {
          const key = partitionKey(message);
          const end = ends.get(key) as number;
          if (message.offset < end) onMessage(message);
          if (message.offset + 1 >= end) left.delete(key);
        }
        // The last offsets of a partition may be marks of transactions, which are no messages.
        for (const eof of fetcher.takeEndOfPartitions()) if (eof.offset >= (ends.get(partitionKey(eof)) as number)) left.delete(partitionKey(eof));
      }
    } finally {
      await fetcher.close();
    }
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }
}

export function partitionsOf(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }));
}

/** Reads a group's committed offsets without being a member of it. */
export class GroupOffsets {
  readonly #consumer: MembershipConsumer;

  private constructor(consumer: MembershipConsumer) {
    this.#consumer = consumer;
  }

  static async open(cluster: Cluster, groupId: string): Promise<GroupOffsets> {
    const consumer = cluster.clients.membership({
      groupId,
      groupProtocol: 'classic',
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 3000,
      maxPollIntervalMs: 300_000,
      // Not the offsets of a transaction under way, but neither an answer that waits for it.
      overrides: { 'isolation.level': 'read_uncommitted' },
    });
    await consumer.connect(TIMEOUT_MS);
    return new GroupOffsets(consumer);
  }

  /** By `topic-partition`; 0 where nothing is committed. */
  async read(partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
    const offsets = await this.#consumer.committed(partitions, TIMEOUT_MS);
    return new Map(offsets.map((each) => [partitionKey(each), each.committed ? each.offset : 0]));
  }

  async close(): Promise<void> {
    await this.#consumer.close();
  }
}

/**
 * Whether a group has processed all that its topics hold: reading, committed records only, from its committed offset finds nothing. The
 * committed offset alone does not tell, since a topic written in transactions ends with their marks.
 */
export async function nothingLeft(cluster: Cluster, partitions: readonly TopicPartition[], committed: ReadonlyMap<string, number>): Promise<boolean> {
  const ends = await cluster.ends(partitions);
  const open = partitions.filter((each) => (committed.get(partitionKey(each)) ?? 0) < (ends.get(partitionKey(each)) ?? 0));
  // Marks are few: where more is left, there is work to do.
  if (open.some((each) => (ends.get(partitionKey(each)) as number) - (committed.get(partitionKey(each)) ?? 0) > 1000)) return false;
  if (open.length === 0) return true;
  // A repartition topic is purged up to what was processed.
  const starts = await cluster.starts(open);
  const from = new Map(open.map((each) => [partitionKey(each), Math.max(committed.get(partitionKey(each)) ?? 0, starts.get(partitionKey(each)) ?? 0)]));
  let found = 0;
  await cluster.readToEnd(open, () => (found += 1), from);
  return found === 0;
}

import { createKafkaClients } from '../../src/kafka/client.ts';
import { type Admin, type ConsumedMessage, type KafkaClients, partitionKey, type TopicPartitionOffset } from '../../src/kafka/contract.ts';
import { type Headers, NO_HEADERS } from '../../src/processor/headers.ts';
import { partitionOfKey } from '../../src/util/murmur2.ts';
import { sharedBroker } from './broker.ts';

const TIMEOUT_MS = 15_000;

export interface TestRecord {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  /** @default by the key's murmur2, as Java; 0 without a key */
  readonly partition?: number;
  readonly timestamp?: number;
  readonly headers?: Headers;
}

/** What tests do to a broker around the thing they test. */
export interface TestKafka {
  readonly bootstrapServers: string;
  readonly clients: KafkaClients;
  readonly admin: Admin;
  /** A name that no other test has. */
  unique(prefix: string): string;
  /** Creates a topic; its records are never deleted for their age unless `config` says so. Resolves with the name. */
  createTopic(name: string, partitions: number, config?: Readonly<Record<string, string>>): Promise<string>;
  /** Resolves when all are acknowledged. */
  produceAll(topic: string, records: readonly TestRecord[]): Promise<void>;
  /** Everything from the beginning to the topic's present end, partition by partition in offset order. */
  readAll(topic: string, isolation?: 'read_committed' | 'read_uncommitted'): Promise<ConsumedMessage[]>;
  /** The group's committed offsets; partitions without one are left out. */
  groupOffsets(groupId: string, topics: readonly string[]): Promise<Map<string, TopicPartitionOffset>>;
  close(): Promise<void>;
}

/** A tool kit for a broker; the shared one unless another is named. */
export async function connectTestKafka(bootstrapServers?: string): Promise<TestKafka> {
  const servers = bootstrapServers ?? (await sharedBroker()).bootstrapServers;
  const clients = createKafkaClients({ bootstrapServers: servers, clientId: 'millrace-test' });
  const admin = clients.admin();
  await admin.connect(TIMEOUT_MS);
  const producer = clients.producer({ transactionTimeoutMs: TIMEOUT_MS });
  await producer.connect(TIMEOUT_MS);

  const partitionsOf = async (topic: string): Promise<number> => {
    const found = (await admin.describeTopics([topic], TIMEOUT_MS)).get(topic);
    if (found === undefined) throw new Error(`Topic ${topic} does not exist`);
    return found.partitions;
  };

  return {
    bootstrapServers: servers,
    clients,
    admin,
    unique: (prefix) => `${prefix}-${process.pid}-${(counter++).toString(36)}-${Date.now().toString(36)}`,
    async createTopic(name, partitions, config = {}) {
      await admin.createTopics([{ name, partitions, replicationFactor: -1, config: { 'retention.ms': '-1', ...config } }], TIMEOUT_MS);
      return name;
    },
    async produceAll(topic, records) {
      const partitions = await partitionsOf(topic);
      for (const record of records) {
        const key = bytes(record.key ?? null);
        const partition = record.partition ?? (key === null ? 0 : partitionOfKey(key, partitions));
        while (!producer.produce(topic, partition, key, bytes(record.value), record.timestamp ?? null, record.headers ?? NO_HEADERS)) {
          producer.poll();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      await producer.flush(TIMEOUT_MS);
      const [failure] = producer.takeFailures();
      if (failure !== undefined) throw failure.error;
    },
    async readAll(topic, isolation = 'read_committed') {
      const partitions = Array.from({ length: await partitionsOf(topic) }, (_, partition) => ({ topic, partition }));
      // The end of all records, not of the committed ones: a commit returns before the last stable offset has moved.
      const ends = await admin.listOffsets(partitions, 'latest', 'read_uncommitted', TIMEOUT_MS);
      const starts = await admin.listOffsets(partitions, 'earliest', 'read_uncommitted', TIMEOUT_MS);
      const fetcher = clients.fetcher({ isolation, maxPrefetchBytes: 16 << 20 });
      await fetcher.connect(TIMEOUT_MS);
      try {
        const open = new Set(partitions.filter((p) => (ends.get(partitionKey(p)) ?? 0) > (starts.get(partitionKey(p)) ?? 0)).map(partitionKey));
        await fetcher.assign(partitions.map((p) => ({ ...p, offset: starts.get(partitionKey(p)) ?? 0 })));
        const messages: ConsumedMessage[] = [];
        const deadline = Date.now() + 2 * TIMEOUT_MS;
        while (open.size > 0) {
          if (Date.now() > deadline) throw new Error(`The end of ${[...open].join(', ')} was not reached: a transaction may be open`);
          messages.push(...(await fetcher.consume(10_000, 200)));
          fetcher.takeEndOfPartitions();
          for (const p of partitions) {
            const key = partitionKey(p);
            if ((fetcher.position(p) ?? 0) >= (ends.get(key) ?? 0)) open.delete(key);
          }
        }
        return messages.filter((m) => m.offset < (ends.get(partitionKey(m)) ?? 0)).sort((a, b) => a.partition - b.partition || a.offset - b.offset);
      } finally {
        await fetcher.close();
      }
    },
    async groupOffsets(groupId, topics) {
      const member = clients.membership({ groupId, groupProtocol: 'classic', sessionTimeoutMs: 10_000, heartbeatIntervalMs: 3000, maxPollIntervalMs: 60_000 });
      await member.connect(TIMEOUT_MS);
      try {
        const partitions = (
          await Promise.all(topics.map(async (topic) => Array.from({ length: await partitionsOf(topic) }, (_, partition) => ({ topic, partition }))))
        ).flat();
        const offsets = await member.committed(partitions, TIMEOUT_MS);
        return new Map(offsets.filter((p) => p.committed).map((p) => [partitionKey(p), p]));
      } finally {
        await member.close();
      }
    },
    async close() {
      await producer.close(TIMEOUT_MS);
      await admin.close();
    },
  };
}

let counter = 0;

function bytes(data: Buffer | string | null): Buffer | null {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

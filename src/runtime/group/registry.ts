import type { Logger } from 'pino';
import { StreamsError } from '../../errors.ts';
import type { Admin, FetchConsumer, KafkaClients } from '../../kafka/contract.ts';
import { NO_HEADERS } from '../../processor/headers.ts';
import type { ResolvedConfig } from '../config.ts';
import { type BackoffOptions, retrying } from '../retry.ts';
import { currentDescriptor, type Descriptor, decodeDescriptor, descriptorKey, differences, encodeDescriptor, type StoredDescriptor } from './descriptor.ts';

/** Reads and writes the descriptor on the tasks topic. Everything about the group as a whole stands in partition 0. */
export class Registry {
  private readonly clients: KafkaClients;
  private readonly admin: Admin;
  private readonly config: ResolvedConfig;
  private readonly logger: Logger;
  private readonly topic: string;
  private readonly stored = new Map<string, StoredDescriptor>();
  private consumer: FetchConsumer | undefined;

  constructor(options: { clients: KafkaClients; admin: Admin; config: ResolvedConfig; logger: Logger; topic: string }) {
    this.clients = options.clients;
    this.admin = options.admin;
    this.config = options.config;
    this.logger = options.logger;
    this.topic = options.topic;
  }

  /** The group's descriptor as of now; undefined when the group has none yet. */
  async read(): Promise<StoredDescriptor | undefined> {
    await retrying('read the tasks topic', this.backoff(), () => this.readToEnd());
    return currentDescriptor(this.stored.values());
  }

  /**
   * Agree with the group before a task starts. A new application's first member writes the descriptor. A member whose topology differs may only replace it when it owns
   * every partition, since then nobody else is there.
   * @throws StreamsError (`ERR_TOPOLOGY_MISMATCH`) when the group runs another topology.
   */
  async agree(own: (generation: number) => Descriptor, ownsEverything: boolean): Promise<Descriptor> {
    const group = await this.read();
    if (group !== undefined && differences(group.descriptor, own(0)).length === 0) return group.descriptor;
    if (group !== undefined && !ownsEverything) throw this.mismatch(group.descriptor, own(0));
    const generation = (group?.descriptor.generation ?? 0) + 1;
    if (group !== undefined)
      this.logger.warn(
        { changes: differences(group.descriptor, own(0)), generation },
        'The topology has changed since this application last ran: its group is empty, so this is an upgrade',
      );
    await this.write(own(generation));
    // Another member may have written at the same time: the lowest offset wins for both.
    const winner = (await this.read()) as StoredDescriptor;
    const left = differences(winner.descriptor, own(0));
    if (left.length > 0) throw this.mismatch(winner.descriptor, own(0));
    return winner.descriptor;
  }

  async close(): Promise<void> {
    await this.consumer?.close();
    this.consumer = undefined;
  }

  private backoff(): BackoffOptions {
    return { timeoutMs: this.config.taskTimeoutMs, logger: this.logger };
  }

  private mismatch(group: Descriptor, own: Descriptor): StreamsError {
    return new StreamsError(
      `Another topology runs under applicationId ${own.applicationId}: ${differences(group, own).join('; ')}. Stop all its instances before this version starts, or use another applicationId`,
      { code: 'ERR_TOPOLOGY_MISMATCH' },
    );
  }

  private async readToEnd(): Promise<void> {
    const partition = { topic: this.topic, partition: 0 };
    const end = [...(await this.admin.listOffsets([partition], 'latest', 'read_uncommitted', this.config.requestTimeoutMs)).values()][0] as number;
    if (this.consumer === undefined) {
      const consumer = this.clients.fetcher({ isolation: 'read_uncommitted', maxPrefetchBytes: 1024 * 1024 });
      try {
        await consumer.connect(this.config.requestTimeoutMs);
        const begin = [...(await this.admin.listOffsets([partition], 'earliest', 'read_uncommitted', this.config.requestTimeoutMs)).values()][0] as number;
        await consumer.incrementalAssign([{ ...partition, offset: begin }]);
      } catch (error) {
        await consumer.close();
        throw error;
      }
      this.consumer = consumer;
    }
    const deadline = Date.now() + this.config.requestTimeoutMs;
    while (end > 0 && (this.consumer.position(partition) ?? 0) < end) {
      for (const message of await this.consumer.consume(500, 100)) {
        const key = message.key?.toString() ?? '';
        const descriptor = message.value === null ? undefined : decodeDescriptor(key, message.value);
        if (descriptor === undefined) this.stored.delete(key);
        else this.stored.set(key, { key, offset: message.offset, descriptor });
      }
      for (const reached of this.consumer.takeEndOfPartitions()) if (reached.offset >= end) return;
      if (Date.now() > deadline) throw new StreamsError('The tasks topic could not be read to its end in time', { topic: this.topic });
    }
  }

  /** Not part of any transaction, so by a producer of its own. */
  private async write(descriptor: Descriptor): Promise<void> {
    const producer = this.clients.producer({ transactionTimeoutMs: this.config.transactionTimeoutMs });
    await retrying('connect to the brokers', this.backoff(), () => producer.connect(this.config.requestTimeoutMs));
    try {
      producer.produce(this.topic, 0, descriptorKey(descriptor), encodeDescriptor(descriptor), null, NO_HEADERS);
      await producer.flush(this.config.requestTimeoutMs);
      const [failure] = producer.takeFailures();
      if (failure !== undefined)
        throw new StreamsError(`The descriptor could not be written: ${failure.error.message}`, { topic: this.topic, cause: failure.error });
    } finally {
      await producer.close(this.config.requestTimeoutMs);
    }
  }
}

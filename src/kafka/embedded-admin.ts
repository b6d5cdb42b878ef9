import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, NativeClient } from './connection.ts';
import type { NewTopic, TopicDescription } from './contract.ts';
import { timeoutError } from './errors.ts';
import type { RdKafka } from './native.ts';

export type NativeAdminClient = NativeClient & RdKafka.Producer;

const POLL_MS = 20;

/**
 * Topics of the embedded broker, which knows no admin requests: CreateTopics times out and others end the process. Its topics appear when
 * their metadata is asked for, always with four partitions, so creating one is asking until it is there.
 */
export class EmbeddedAdmin {
  readonly #connection: Connection<NativeAdminClient>;

  constructor(connection: Connection<NativeAdminClient>) {
    this.#connection = connection;
  }

  async describeTopics(names: readonly string[] | undefined, timeoutMs: number): Promise<Map<string, TopicDescription>> {
    // All topics, since asking for one by name would create it.
    const metadata = await this.#metadata({ allTopics: true, timeout: timeoutMs }, timeoutMs);
    const wanted = names === undefined ? undefined : new Set(names);
    const found = new Map<string, TopicDescription>();
    for (const { name, partitions } of metadata.topics) {
      if (partitions.length > 0 && (wanted === undefined || wanted.has(name))) found.set(name, { name, partitions: partitions.length });
    }
    return found;
  }

  /** The wanted partition count and configuration are not the embedded broker's to give. */
  async createTopics(topics: readonly NewTopic[], timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (const { name } of topics) {
      while (!(await this.#exists(name, timeoutMs))) {
        if (Date.now() > deadline) throw timeoutError(`create topic ${name} on the embedded broker`, timeoutMs);
        await sleep(POLL_MS);
      }
    }
  }

  async #exists(topic: string, timeoutMs: number): Promise<boolean> {
    const metadata = await this.#metadata({ topic, allTopics: false, timeout: timeoutMs }, timeoutMs);
    return metadata.topics.some(({ name, partitions }) => name === topic && partitions.length > 0);
  }

  #metadata(options: RdKafka.MetadataOptions, timeoutMs: number): Promise<RdKafka.Metadata> {
    return this.#connection.calls.run<RdKafka.Metadata>('ask the embedded broker for topics', timeoutMs, (done) => {
      this.#connection.native.getMetadata(options, done);
    });
  }
}

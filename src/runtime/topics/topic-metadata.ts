import type { Logger } from 'pino';
import type { Admin } from '../../kafka/contract.ts';
import type { ResolvedConfig } from '../config.ts';
import { retrying } from '../retry.ts';

/** Partition counts of the topics that exist, for partitioning output. Read once, then only for topics that are not known. */
export class TopicMetadata {
  readonly partitionCounts = new Map<string, number>();
  readonly topicIds = new Map<string, string>();
  private readonly admin: Admin;
  private readonly config: ResolvedConfig;
  private readonly logger: Logger;

  constructor(admin: Admin, config: ResolvedConfig, logger: Logger) {
    this.admin = admin;
    this.config = config;
    this.logger = logger;
  }

  /** Look up these topics, or all. Returns those of them that do not exist. */
  async refresh(topics?: ReadonlySet<string>): Promise<string[]> {
    const found = await retrying('look up topics', { timeoutMs: this.config.taskTimeoutMs, logger: this.logger }, () =>
      this.admin.describeTopics(topics === undefined ? undefined : [...topics], this.config.requestTimeoutMs),
    );
    for (const { name, partitions, topicId } of found.values()) {
      this.partitionCounts.set(name, partitions);
      if (topicId !== undefined) this.topicIds.set(name, topicId);
    }
    return topics === undefined ? [] : [...topics].filter((topic) => !found.has(topic));
  }
}

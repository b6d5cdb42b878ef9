import type { Logger } from 'pino';
import { StreamsError } from '../../errors.ts';
import { type Admin, type MembershipConsumer, partitionKey, type TopicPartition, type TopicPartitionOffset } from '../../kafka/contract.ts';
import { matchesWholeTopic } from '../../util/topic-pattern.ts';
import type { ResolvedConfig } from '../config.ts';
import type { OffsetResetPolicy } from '../plan.ts';
import { retrying } from '../retry.ts';
import type { OwnedTask } from './owned-task.ts';

/** A transaction that is being committed holds this call up, so it asks again soon. */
const COMMITTED_TIMEOUT_MS = 1000;

/** Finds out where the inputs of tasks go on: their committed offsets, else where their reset policy says. */
export class InputPositions {
  private readonly membership: MembershipConsumer;
  private readonly admin: Admin;
  private readonly config: ResolvedConfig;
  private readonly logger: Logger;
  private readonly cancelled: () => boolean;

  constructor(options: { membership: MembershipConsumer; admin: Admin; config: ResolvedConfig; logger: Logger; cancelled: () => boolean }) {
    this.membership = options.membership;
    this.admin = options.admin;
    this.config = options.config;
    this.logger = options.logger;
    this.cancelled = options.cancelled;
  }

  /** Committed offsets of all inputs that have one, from the coordinator, by partition. */
  async committed(owners: readonly OwnedTask[]): Promise<Map<string, TopicPartitionOffset>> {
    const inputs = owners.flatMap((owner) => owner.inputs);
    const answers = await retrying('read the committed offsets', { timeoutMs: this.config.taskTimeoutMs, logger: this.logger, cancelled: this.cancelled }, () =>
      this.membership.committed(inputs, COMMITTED_TIMEOUT_MS),
    );
    const found = new Map<string, TopicPartitionOffset>();
    for (const { topic, partition, offset, metadata, committed } of answers) {
      if (committed) found.set(partitionKey({ topic, partition }), { topic, partition, offset, ...(metadata !== undefined && { metadata }) });
    }
    return found;
  }

  /**
   * Set every input's position. An input without a committed offset keeps the position it began at, so that 'latest' skips nothing twice.
   * @throws StreamsError when an input has no valid offset and its policy is 'none'.
   */
  async resolve(owners: readonly OwnedTask[], committed: ReadonlyMap<string, TopicPartitionOffset>): Promise<void> {
    const inputs = owners.flatMap((owner) => owner.inputs);
    const isolation = this.isolation;
    const [begin, end] = await Promise.all([this.list(inputs, 'earliest', isolation), this.list(inputs, 'latest', 'read_uncommitted')]);
    for (const owner of owners) {
      let allCommitted = true;
      for (const input of owner.inputs) {
        const key = partitionKey(input);
        const known = committed.get(key) ?? owner.positions.get(key);
        if (!committed.has(key)) allCommitted = false;
        const first = begin.get(key) as number;
        if (known !== undefined && known.offset >= first && known.offset <= (end.get(key) as number)) {
          owner.setPosition(known);
          continue;
        }
        if (known !== undefined) this.outOfRange(owner, known, first, end.get(key) as number);
        const offset = await this.reset(owner, input, first, end.get(key) as number);
        owner.setPosition({ ...input, offset, ...(known?.metadata !== undefined && { metadata: known.metadata }) });
      }
      owner.allCommitted = allCommitted;
    }
  }

  get isolation(): 'read_committed' | 'read_uncommitted' {
    return this.config.processingGuarantee === 'exactly_once_v2' ? 'read_committed' : 'read_uncommitted';
  }

  list(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | { readonly timestamp: number },
    isolation: 'read_committed' | 'read_uncommitted',
  ): Promise<Map<string, number>> {
    return retrying('list offsets', { timeoutMs: this.config.taskTimeoutMs, logger: this.logger, cancelled: this.cancelled }, () =>
      this.admin.listOffsets(partitions, at, isolation, this.config.requestTimeoutMs),
    );
  }

  private outOfRange(owner: OwnedTask, known: TopicPartitionOffset, begin: number, end: number): void {
    const lost = known.offset < begin ? `${begin - known.offset} records were deleted before they were processed` : 'the topic was made anew or cut';
    owner.logger.error(
      { topic: known.topic, partition: known.partition, committed: known.offset, begin, end },
      `The committed offset of an input is outside its log: ${lost}; its reset policy decides where to go on`,
    );
  }

  private async reset(owner: OwnedTask, input: TopicPartition, begin: number, end: number): Promise<number> {
    const policy = policyOf(owner, input.topic);
    if (policy === 'earliest') return begin;
    if (policy === 'latest') return end;
    if (policy === 'none') {
      throw new StreamsError(
        "The input has no committed offset, and its reset policy is 'none': commit offsets for the group first, or choose another offsetReset",
        {
          code: 'ERR_NO_OFFSET',
          taskId: owner.name,
          topic: input.topic,
          partition: input.partition,
        },
      );
    }
    const found = (await this.list([input], { timestamp: Date.now() - policy.byDuration }, this.isolation)).get(partitionKey(input)) as number;
    return found < 0 ? end : found;
  }
}

function policyOf(owner: OwnedTask, topic: string): OffsetResetPolicy {
  for (const node of owner.subtopology.nodes) {
    if (node.kind === 'source' && (node.pattern === undefined ? node.topics.includes(topic) : matchesWholeTopic(node.pattern, topic)))
      return node.offsetReset ?? 'earliest';
  }
  return 'earliest';
}

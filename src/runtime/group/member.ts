import type { Logger } from 'pino';
import type { MembershipConsumer, RebalanceEvent, TopicPartition, TopicPartitionOffset } from '../../kafka/contract.ts';
import { KafkaClientError } from '../../kafka/errors.ts';
import type { ResolvedConfig } from '../config.ts';
import { retrying } from '../retry.ts';

const POLL_EVERY_MS = 50;
/** Under the consumer protocol: longer than a heartbeat interval of brokers (5 s), in which others hand over what this member is to have. */
const NOTHING_ASSIGNED_MS = 6000;

/**
 * This process in the consumer group. Rebalances queue up here until the loop takes them, since closing a task takes time; the group is polled only from the loop, so that a loop
 * that hangs loses its tasks.
 */
export class GroupMember {
  readonly consumer: MembershipConsumer;
  private readonly config: ResolvedConfig;
  private readonly logger: Logger;
  private readonly wake: () => void;
  private readonly events: RebalanceEvent[] = [];
  private readonly partitions = new Set<number>();
  private polling = false;
  private lastPoll = 0;
  private lastTurn = Date.now();
  private joinedAt = Number.POSITIVE_INFINITY;
  private stoodStill = false;
  private error: unknown;

  constructor(options: { consumer: MembershipConsumer; config: ResolvedConfig; logger: Logger; wake: () => void }) {
    this.consumer = options.consumer;
    this.config = options.config;
    this.logger = options.logger;
    this.wake = options.wake;
  }

  join(tasksTopic: string): void {
    this.lastTurn = Date.now();
    this.joinedAt = this.lastTurn;
    this.consumer.subscribe(tasksTopic, (event) => {
      this.events.push(event);
      this.wake();
    });
  }

  /** Partitions of the tasks topic that are owned. */
  get owned(): ReadonlySet<number> {
    return this.partitions;
  }

  /** A rebalance waits to be handled. */
  get hasEvents(): boolean {
    return this.events.length > 0;
  }

  /**
   * Nothing was assigned, and nothing is likely to be: there are more members than tasks. Under the classic protocol a rebalance says so; under the consumer protocol the client says
   * nothing to a member that gets nothing, so it is a matter of time.
   */
  gotNothing(now: number): boolean {
    return this.config.groupProtocol === 'consumer' && this.partitions.size === 0 && now - this.joinedAt > NOTHING_ASSIGNED_MS;
  }

  nextEvent(): RebalanceEvent | undefined {
    return this.events.shift();
  }

  /** Once a turn of the loop. @throws when the group has thrown this member out for good. */
  turn(now: number): void {
    this.notePause(now);
    if (this.error !== undefined) {
      const error = this.error;
      this.error = undefined;
      throw error;
    }
    if (this.polling || now - this.lastPoll < POLL_EVERY_MS) return;
    this.polling = true;
    this.lastPoll = now;
    this.consumer
      .poll()
      .catch((error: unknown) => this.pollFailed(error))
      .finally(() => {
        this.polling = false;
      });
  }

  accept(partitions: readonly TopicPartition[]): void {
    this.consumer.incrementalAssign(partitions);
    // The group has just answered.
    this.stoodStill = false;
    for (const { partition } of partitions) this.partitions.add(partition);
  }

  /** The tasks behind these partitions are closed: others may have them. */
  release(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) this.partitions.delete(partition);
    this.consumer.incrementalUnassign(partitions);
  }

  /**
   * At-least-once is fenced by nothing but offset commits: a process that stood still for long (frozen, swapped out, a long garbage collection) may have been replaced, and would
   * write old state over new. It commits the offsets it knows to be committed, and goes on only when that is accepted.
   */
  async stillMember(known: readonly TopicPartitionOffset[]): Promise<boolean> {
    this.notePause(Date.now());
    if (!this.stoodStill) return true;
    if (this.consumer.assignmentLost()) return false;
    // Nothing to ask with yet: the question stays.
    if (known.length === 0) return true;
    try {
      await retrying('confirm the membership', { timeoutMs: this.config.taskTimeoutMs, logger: this.logger }, () =>
        this.consumer.commit(known, this.config.requestTimeoutMs),
      );
    } catch (error) {
      if (!(error instanceof KafkaClientError)) throw error;
      this.logger.warn({ err: error }, 'The process stood still, and the group does not know it any more: what was not committed is dropped');
      return false;
    }
    this.stoodStill = false;
    this.logger.info('The process stood still for a while, and is still a member of its group');
    return true;
  }

  /** Whether `stillMember` would ask. */
  get suspect(): boolean {
    return this.stoodStill;
  }

  /**
   * At-least-once, to be asked right before a record is handed to the producer: false when the process has stood still, be it since the last record. Nothing may go out then
   * before `stillMember` has answered.
   */
  readonly mayProduce = (): boolean => {
    this.notePause(Date.now());
    return !this.stoodStill;
  };

  /** The loop has waited on purpose. */
  waited(): void {
    this.lastTurn = Date.now();
  }

  private notePause(now: number): void {
    const pause = now - this.lastTurn;
    this.lastTurn = now;
    if (pause <= this.config.sessionTimeoutMs / 3) return;
    this.stoodStill = true;
    this.logger.warn({ pauseMs: pause }, 'The process stood still for longer than a third of its session timeout');
  }

  private pollFailed(error: unknown): void {
    if (error instanceof KafkaClientError && error.reaction !== 'fatal') {
      this.logger.debug({ err: error }, 'Polling the group failed: it is polled again');
      return;
    }
    this.error = error;
    this.wake();
  }
}

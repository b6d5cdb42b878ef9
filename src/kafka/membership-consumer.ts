import { setTimeout as sleep } from 'node:timers/promises';
import { IllegalStateError } from '../errors.ts';
import { clientProperties } from './client-config.ts';
import { Connection, type NativeClient } from './connection.ts';
import type { ClientOptions, MembershipConsumer, MembershipOptions, RebalanceEvent, TopicPartition, TopicPartitionOffset } from './contract.ts';
import { KafkaClientError, KafkaErrorCode, type NativeError, toClientError } from './errors.ts';
import { type RdKafka, rdKafka } from './native.ts';

type NativeConsumer = NativeClient &
  RdKafka.KafkaConsumer & {
    incrementalAssign(partitions: object[]): void;
    incrementalUnassign(partitions: object[]): void;
    assignmentLost(): boolean;
    commitCb(offsets: object[], cb: (error: NativeError | null) => void): void;
  };

/** Nothing is read through the member, so a new partition starts where nothing is. */
const OFFSET_END = -1;

/** Messages that a paused partition may still hand over; they are dropped. */
const POLL_BATCH = 32;

const COMMITTED_RETRY_MS = 20;

/**
 * A group member on librdkafka's callback API. Cooperative under both protocols: an event names the partitions that come or go, and ownership is
 * released only by `incrementalUnassign`, so never before the task behind it is closed.
 */
export class RdKafkaMembershipConsumer implements MembershipConsumer {
  readonly #connection: Connection<NativeConsumer>;
  readonly #groupId: string;
  #onRebalance: ((event: RebalanceEvent) => void) | undefined;
  #polling: Promise<void> | undefined;
  #offsets: RdKafka.IAdminClient | undefined;
  #isMember = false;
  #closing = false;

  constructor(options: ClientOptions, membership: MembershipOptions) {
    this.#groupId = membership.groupId;
    const classic = membership.groupProtocol === 'classic';
    const properties = clientProperties(
      options,
      // Its partitions are paused: the smallest queue will do.
      { 'queued.max.messages.kbytes': 64, 'queued.min.messages': 1 },
      membership.overrides,
      {
        'group.id': membership.groupId,
        'group.protocol': membership.groupProtocol,
        'group.instance.id': membership.groupInstanceId,
        'max.poll.interval.ms': membership.maxPollIntervalMs,
        // The consumer protocol's timeouts and assignor are the broker's: naming them here is an error.
        'session.timeout.ms': classic ? membership.sessionTimeoutMs : undefined,
        'heartbeat.interval.ms': classic ? membership.heartbeatIntervalMs : undefined,
        'partition.assignment.strategy': classic ? 'cooperative-sticky' : undefined,
        'enable.auto.commit': false,
        'enable.auto.offset.store': false,
        'auto.offset.reset': 'latest',
        'allow.auto.create.topics': false,
      },
    );
    this.#connection = new Connection('group member', options, properties, (conf) => {
      const rebalanceCb = (error: NativeError | undefined, partitions: TopicPartition[]): void => this.#rebalanced(error, partitions);
      const consumer = new (rdKafka().KafkaConsumer)({ ...conf, rebalance_cb: rebalanceCb } as RdKafka.ConsumerGlobalConfig);
      consumer.setDefaultConsumeTimeout(0);
      return consumer as unknown as NativeConsumer;
    });
  }

  get handle(): unknown {
    return this.#connection.native;
  }

  connect(timeoutMs: number): Promise<void> {
    return this.#connection.connect(timeoutMs);
  }

  subscribe(topic: string, onRebalance: (event: RebalanceEvent) => void): void {
    this.#open('subscribe');
    this.#onRebalance = onRebalance;
    this.#sync('subscribe', () => this.#connection.native.subscribe([topic]));
  }

  incrementalAssign(partitions: readonly TopicPartition[]): void {
    this.#open('take partitions over');
    if (partitions.length === 0) {
      this.#sync('take partitions over', () => this.#connection.native.incrementalAssign([]));
      return;
    }
    this.#sync('take partitions over', () => {
      const native = this.#connection.native;
      native.incrementalAssign(partitions.map(({ topic, partition }) => ({ topic, partition, offset: OFFSET_END })));
      native.pause(plain(partitions));
    });
  }

  incrementalUnassign(partitions: readonly TopicPartition[]): void {
    this.#open('release partitions');
    this.#sync('release partitions', () => this.#connection.native.incrementalUnassign(plain(partitions)));
  }

  assignmentLost(): boolean {
    return !this.#connection.connected || this.#connection.native.assignmentLost();
  }

  /**
   * Offsets go only through a member: a client that has not joined, or that was put out, has no generation for the broker to check, and its commit into
   * a group that others have taken over would succeed.
   * @throws KafkaClientError (abortable) when partitions were never assigned, or were lost
   */
  requireMember(operation: string): void {
    if (this.#isMember && !this.assignmentLost()) return;
    throw toClientError({ message: 'this client is not a member of the group, or lost its partitions', code: KafkaErrorCode.unknownMemberId }, operation);
  }

  poll(): Promise<void> {
    if (!this.#connection.connected) return Promise.reject(new IllegalStateError('Could not poll the group: the member is not connected'));
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  #poll(): Promise<void> {
    return this.#connection.calls.run<void>('poll the group', 10_000, (done) => {
      this.#connection.native.consume(POLL_BATCH, (error) => done(error));
    });
  }

  async commit(offsets: readonly TopicPartitionOffset[], timeoutMs: number): Promise<void> {
    const operation = 'commit offsets';
    if (offsets.length === 0) return;
    if (!this.#connection.connected) throw new IllegalStateError('Could not commit offsets: the member is not connected');
    this.requireMember(operation);
    await this.#connection.calls.run<void>(operation, timeoutMs, (done) => {
      this.#connection.native.commitCb(offsets as TopicPartitionOffset[], (error) => done(error));
    });
  }

  /**
   * Asked through the admin API on the member's own connection: the consumer's `committed()` cuts the last byte of metadata that another client wrote,
   * and answers with an error while the coordinator is only being looked up. Offsets of a pending transaction are waited for, or the call fails as retriable.
   */
  async committed(partitions: readonly TopicPartition[], timeoutMs: number): Promise<(TopicPartitionOffset & { readonly committed: boolean })[]> {
    if (partitions.length === 0) return [];
    if (!this.#connection.connected) throw new IllegalStateError('Could not read the committed offsets: the member is not connected');
    this.#offsets ??= rdKafka().AdminClient.createFrom(this.#connection.native);
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      try {
        return await this.#committedNow(this.#offsets, partitions, Math.max(1, deadline - Date.now()));
      } catch (error) {
        // A transaction that holds offsets is being finished, or the coordinator is just moving in.
        const again = error instanceof KafkaClientError && error.reaction === 'retriable' && Date.now() + COMMITTED_RETRY_MS < deadline;
        if (!again) throw error;
        await sleep(COMMITTED_RETRY_MS);
      }
    }
  }

  async #committedNow(
    admin: RdKafka.IAdminClient,
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<(TopicPartitionOffset & { readonly committed: boolean })[]> {
    const operation = 'read the committed offsets';
    const groups = await this.#connection.calls.run<RdKafka.GroupResults[]>(operation, timeoutMs, (done) => {
      admin.listConsumerGroupOffsets([{ groupId: this.#groupId, partitions: plain(partitions) }], { timeout: timeoutMs, requireStableOffsets: true }, done);
    });
    const group = groups[0];
    if (group?.error !== undefined) throw this.#connection.calls.error(group.error, operation);
    return (group?.partitions ?? []).map((found) => {
      const { topic, partition, offset, metadata, error } = found;
      if (error !== undefined && error.code !== 0) throw toClientError(error, operation, { topic, partition });
      const committed = offset >= 0;
      return metadata == null ? { topic, partition, offset, committed } : { topic, partition, offset, metadata, committed };
    });
  }

  async close(): Promise<void> {
    // From here on the client asks for its partitions back, once, and nobody else will answer.
    this.#closing = true;
    await this.#connection.close();
  }

  #rebalanced(error: NativeError | undefined, partitions: TopicPartition[]): void {
    const assign = error?.code === KafkaErrorCode.assignPartitions;
    if (!assign && error?.code !== KafkaErrorCode.revokePartitions) {
      this.#connection.log(3, 'REBALANCE', `rebalance failed: ${error?.message ?? 'no reason given'}`);
      return;
    }
    const native = this.#connection.native;
    if (this.#closing) {
      if (!assign) this.#sync('release partitions', () => native.incrementalUnassign(plain(partitions)));
      return;
    }
    const named = plain(partitions);
    if (assign) {
      this.#isMember = true;
      this.#onRebalance?.({ kind: 'assign', partitions: named });
      return;
    }
    const lost = this.assignmentLost();
    if (lost) this.#isMember = false;
    this.#onRebalance?.({ kind: 'revoke', partitions: named, lost });
  }

  #open(operation: string): void {
    if (!this.#connection.connected) throw new IllegalStateError(`Could not ${operation}: the member is not connected`);
  }

  #sync(operation: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      throw this.#connection.calls.error(error as NativeError, operation);
    }
  }
}

function plain(partitions: readonly TopicPartition[]): { topic: string; partition: number }[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }));
}

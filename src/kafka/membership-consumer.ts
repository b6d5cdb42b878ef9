import { setTimeout as sleep } from 'node:timers/promises';
import { IllegalStateError } from '../errors.ts';
import { clientProperties } from './client-config.ts';
import { Connection, type NativeClient } from './connection.ts';
import {
  type ClientOptions,
  type MembershipConsumer,
  type MembershipOptions,
  partitionKey,
  type RebalanceEvent,
  type TopicPartition,
  type TopicPartitionOffset,
} from './contract.ts';
import { KafkaClientError, KafkaErrorCode, type NativeError, timeoutError, toClientError } from './errors.ts';
import { type RdKafka, rdKafka } from './native.ts';

type NativeConsumer = NativeClient &
  RdKafka.KafkaConsumer & {
    incrementalAssign(partitions: object[]): void;
    incrementalUnassign(partitions: object[]): void;
    assignmentLost(): boolean;
  };

/** Nothing is read through the member, so a new partition starts where nothing is. */
const OFFSET_END = -1;

/** Messages that a paused partition may still hand over; they are dropped. */
const POLL_BATCH = 32;

const COMMITTED_RETRY_MS = 20;

/** A commit takes a few milliseconds. */
const COMMIT_POLL_MS = 1;

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
  readonly #maxPollIntervalMs: number;
  #topic = '';
  #isMember = false;
  #putOut = false;
  #lastPollAt = 0;
  #commits: Commit[] = [];
  #closing = false;

  constructor(options: ClientOptions, membership: MembershipOptions) {
    this.#groupId = membership.groupId;
    this.#maxPollIntervalMs = membership.maxPollIntervalMs;
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
      const commitCb = (error: NativeError | undefined): void => this.#commits.shift()?.answer(error);
      const consumer = new (rdKafka().KafkaConsumer)({ ...conf, rebalance_cb: rebalanceCb, offset_commit_cb: commitCb } as RdKafka.ConsumerGlobalConfig);
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
    this.#topic = topic;
    this.#lastPollAt = performance.now();
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
    return this.#putOut || !this.#connection.connected || this.#connection.native.assignmentLost();
  }

  /**
   * Offsets go only through a member: a client that has not joined, or that was put out, has no generation for the broker to check, and its commit into
   * a group that others have taken over would succeed.
   * @throws KafkaClientError (abortable) when partitions were never assigned, or were lost
   */
  requireMember(operation: string): void {
    const hung = performance.now() - this.#lastPollAt > this.#maxPollIntervalMs;
    if (this.#isMember && !hung && !this.assignmentLost()) return;
    throw toClientError({ message: 'this client is not a member of the group, or lost its partitions', code: KafkaErrorCode.unknownMemberId }, operation);
  }

  poll(): Promise<void> {
    if (!this.#connection.connected) return Promise.reject(new IllegalStateError('Could not poll the group: the member is not connected'));
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  async #poll(): Promise<void> {
    this.#lastPollAt = performance.now();
    try {
      await this.#connection.calls.run<void>('poll the group', 10_000, (done) => {
        this.#connection.native.consume(POLL_BATCH, (error) => done(error));
      });
    } catch (error) {
      if (!(error instanceof KafkaClientError)) throw error;
      if (error.kafkaCode === KafkaErrorCode.maxPollExceeded) this.#joinAfresh(error);
      else if (error.reaction !== 'retriable' || error.kafkaCode === KafkaErrorCode.unknownTopicOrPartition) throw error;
      // The client goes on trying by itself.
      else this.#connection.log(4, 'POLL', error.message);
    }
  }

  /**
   * The client has left the group, because nobody polled it for too long. It would come back by itself, but in the middle of a rebalance without
   * saying that the old partitions are lost: so it leaves, gives them all up, and joins as a new member.
   */
  #joinAfresh(reason: Error): void {
    this.#connection.log(4, 'MAXPOLL', `${reason.message}: joining the group afresh`);
    this.#isMember = false;
    this.#putOut = true;
    this.#sync('leave the group', () => this.#connection.native.unsubscribe());
    this.#sync('join the group', () => this.#connection.native.subscribe([this.#topic]));
  }

  /**
   * The client library has no synchronous commit that leaves the event loop free: its `commitCb` calls back before the broker has answered. The answer to
   * an asynchronous commit comes as an event of a later poll, one for each commit, in order.
   */
  async commit(offsets: readonly TopicPartitionOffset[], timeoutMs: number): Promise<void> {
    const operation = 'commit offsets';
    if (offsets.length === 0) return;
    this.#open(operation);
    this.requireMember(operation);
    const commit = new Commit();
    this.#sync(operation, () => this.#connection.native.commit([...offsets]));
    this.#commits.push(commit);
    const deadline = performance.now() + timeoutMs;
    while (!commit.answered) {
      if (performance.now() > deadline) throw timeoutError(operation, timeoutMs);
      await this.poll();
      if (!commit.answered) await sleep(COMMIT_POLL_MS);
    }
    if (commit.error !== undefined) throw this.#connection.calls.error(commit.error, operation);
  }

  /**
   * Asked through the admin API on the member's own connection, which does not hold a thread while a transaction that has offsets is being finished, but
   * asks again. Then, for metadata, through the consumer as well: the first hands over what lies in memory behind metadata that Java wrote, the second
   * cuts its last byte; each of the two is right about metadata that this library wrote.
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
    const found = group?.partitions ?? [];
    for (const { topic, partition, error } of found) {
      if (error !== undefined && error.code !== 0) throw toClientError(error, operation, { topic, partition });
    }
    const metadata = await this.#metadata(
      found.filter((p) => p.metadata != null && p.metadata !== ''),
      timeoutMs,
    );
    return found.map(({ topic, partition, offset }) => {
      const committed = offset >= 0;
      const text = metadata.get(partitionKey({ topic, partition }));
      return text === undefined ? { topic, partition, offset, committed } : { topic, partition, offset, metadata: text, committed };
    });
  }

  async #metadata(found: readonly RdKafka.TopicPartitionOffsetAndMetadata[], timeoutMs: number): Promise<Map<string, string>> {
    const exact = new Map<string, string>();
    if (found.length === 0) return exact;
    const cut = await this.#connection.calls.run<RdKafka.TopicPartitionOffsetAndMetadata[]>('read the metadata of committed offsets', timeoutMs, (done) => {
      this.#connection.native.committed(plain(found), timeoutMs, done);
    });
    const lengths = new Map(cut.map((p) => [partitionKey(p), p.metadata?.length ?? 0]));
    for (const p of found) exact.set(partitionKey(p), (p.metadata ?? '').slice(0, (lengths.get(partitionKey(p)) ?? 0) + 1));
    return exact;
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
      this.#putOut = false;
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

/** A commit on its way; one that nobody waits for any more still takes its answer. */
class Commit {
  answered = false;
  error: NativeError | undefined;

  answer(error: NativeError | undefined): void {
    this.answered = true;
    this.error = error;
  }
}

function plain(partitions: readonly TopicPartition[]): { topic: string; partition: number }[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }));
}

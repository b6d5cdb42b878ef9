import type { Logger } from 'pino';
import { type ConsumedMessage, type FetchConsumer, type KafkaClients, partitionKey } from '../../kafka/contract.ts';
import { messageHeaders } from '../../kafka/headers.ts';
import { NO_HEADERS } from '../../processor/headers.ts';
import type { ChangelogRecord } from '../../state/contract/task-state.ts';
import type { ResolvedConfig } from '../config.ts';
import { yieldToEventLoop } from '../retry.ts';
import type { OwnedTask, StoreChangelog } from '../thread/owned-task.ts';

/** What one store still has to read. */
export interface RestorePlan {
  readonly changelog: StoreChangelog;
  /** First offset to read. */
  readonly from: number;
  /** Read up to here, exclusive: the end as read_uncommitted readers see it, so that a transaction that is being committed is not missed. */
  readonly end: number;
}

/** Progress of one store, for events and logs. */
export interface RestoreProgress {
  readonly store: string;
  readonly task: string;
  readonly restored: number;
  readonly total: number;
}

interface Restoring {
  readonly owner: OwnedTask;
  readonly plan: RestorePlan;
  /** Next offset to read. */
  position: number;
  /** Records read: fewer than offsets, which count markers of transactions and what was compacted away too. */
  read: number;
  /** Its partition is with the consumer, once this has resolved. */
  assigned: Promise<void> | undefined;
}

/** Messages of one partition, to be written in one go. */
interface Stretch {
  readonly entry: Restoring;
  readonly messages: readonly ConsumedMessage[];
  readonly start: number;
  readonly end: number;
}

const CONSUME_MAX = 2000;
const CONSUME_WAIT_MS = 100;
/** Records written to a store in one go: the event loop waits for no more. */
const WRITE_CHUNK = 500;

/**
 * Reads changelogs into stores, several tasks at once through one consumer, while tasks that are ready process. A store is done when the consumer's position, or the end of the
 * partition as it reports it, reaches the plan's end: not at the last record, since markers of transactions count.
 */
export class Restorer {
  private readonly clients: KafkaClients;
  private readonly config: ResolvedConfig;
  private readonly logger: Logger;
  private readonly onProgress: (progress: RestoreProgress) => void;
  /** A task's last store is restored. */
  private readonly onRestored: (owner: OwnedTask) => void;
  private readonly onRecord: (owner: OwnedTask, topic: string, key: Buffer | null) => void;
  private readonly onError: (error: unknown) => void;
  private readonly restoring = new Map<string, Restoring>();
  private readonly loggedAt = new Map<string, number>();
  private consumer: FetchConsumer | undefined;
  private connecting: Promise<FetchConsumer> | undefined;
  private pump: Promise<void> | undefined;
  private closed = false;

  constructor(options: {
    clients: KafkaClients;
    config: ResolvedConfig;
    logger: Logger;
    onProgress: (progress: RestoreProgress) => void;
    onRestored: (owner: OwnedTask) => void;
    onRecord: (owner: OwnedTask, topic: string, key: Buffer | null) => void;
    onError: (error: unknown) => void;
  }) {
    this.clients = options.clients;
    this.config = options.config;
    this.logger = options.logger;
    this.onProgress = options.onProgress;
    this.onRestored = options.onRestored;
    this.onRecord = options.onRecord;
    this.onError = options.onError;
  }

  /** Read these stores of a task; `onRestored` follows, at once when there is nothing to read. */
  async add(owner: OwnedTask, plans: readonly RestorePlan[]): Promise<void> {
    const open = plans.filter((plan) => plan.from < plan.end);
    if (open.length === 0) {
      this.onRestored(owner);
      return;
    }
    const entries = open.map((plan): Restoring => {
      owner.logger.info({ store: plan.changelog.store, from: plan.from, end: plan.end }, 'Restoring a store');
      const entry = { owner, plan, position: plan.from, read: 0, assigned: undefined };
      this.restoring.set(partitionKey(plan.changelog), entry);
      return entry;
    });
    const consumer = await this.connected();
    // The task may have left meanwhile.
    const wanted = entries.filter((entry) => this.restoring.get(partitionKey(entry.plan.changelog)) === entry);
    if (wanted.length === 0) return;
    const assigned = consumer.incrementalAssign(
      wanted.map(({ plan: { changelog, from } }) => ({ topic: changelog.topic, partition: changelog.partition, offset: from })),
    );
    for (const entry of wanted) entry.assigned = assigned;
    await assigned;
    this.startPump(consumer);
  }

  /** Stop restoring a task. */
  async remove(owner: OwnedTask): Promise<void> {
    const gone = [...this.restoring.values()].filter((entry) => entry.owner === owner);
    for (const entry of gone) this.restoring.delete(partitionKey(entry.plan.changelog));
    const assigned = gone.filter((entry) => entry.assigned !== undefined);
    if (assigned.length === 0) return;
    await Promise.all(assigned.map((entry) => entry.assigned));
    await this.consumer?.incrementalUnassign(assigned.map(({ plan }) => plan.changelog));
  }

  async close(): Promise<void> {
    this.closed = true;
    this.restoring.clear();
    await this.pump;
    await this.consumer?.close();
    this.consumer = undefined;
  }

  private startPump(consumer: FetchConsumer): void {
    this.pump ??= this.run(consumer).then(
      () => {
        this.pump = undefined;
        // Something was added while the last consume was awaited.
        if (this.restoring.size > 0 && !this.closed) this.startPump(consumer);
      },
      (error: unknown) => {
        this.pump = undefined;
        this.onError(error);
      },
    );
  }

  /** One for all, connected once, whoever asks while it connects. */
  private connected(): Promise<FetchConsumer> {
    this.connecting ??= this.connect().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }

  private async connect(): Promise<FetchConsumer> {
    const consumer = this.clients.fetcher({
      isolation: 'read_committed',
      groupId: this.config.applicationId,
      maxPrefetchBytes: Math.ceil(this.config.fetchMaxPrefetchBytes / 4),
    });
    // Known before it is connected, so that a close ends the attempt.
    this.consumer = consumer;
    await consumer.connect(this.config.requestTimeoutMs);
    return consumer;
  }

  private async run(consumer: FetchConsumer): Promise<void> {
    let next = consumer.consume(CONSUME_MAX, CONSUME_WAIT_MS);
    // Handled where it is awaited; until then it must not count as unhandled.
    next.catch(() => undefined);
    for (;;) {
      const messages = await next;
      // Looked at after each consume, not before the last one: a task may have come while that was under way, and its first records with it.
      if (this.restoring.size === 0 || this.closed) return;
      const stretches = this.stretches(messages, consumer);
      // Ends that stand behind these messages; those of the next batch come with it.
      const ends = this.ends(consumer);
      // The next batch is fetched while this one is written.
      next = consumer.consume(CONSUME_MAX, CONSUME_WAIT_MS);
      next.catch(() => undefined);
      await this.write(stretches);
      const done = this.finished(ends);
      if (done.length > 0) await consumer.incrementalUnassign(done.map(({ plan }) => plan.changelog));
      for (const entry of done) this.complete(entry);
    }
  }

  /**
   * Stretches of one partition each, and the store that they are for. Found as soon as the messages arrive: a task may leave, and come back at another position, before they are
   * written. What was read while others were written may be of such a past already: the partition then stands elsewhere than behind it.
   */
  private stretches(messages: readonly ConsumedMessage[], consumer: FetchConsumer): Stretch[] {
    const stretches: Stretch[] = [];
    for (let start = 0; start < messages.length; ) {
      const first = messages[start] as ConsumedMessage;
      let end = start + 1;
      while (
        end < messages.length &&
        end - start < WRITE_CHUNK &&
        (messages[end] as ConsumedMessage).partition === first.partition &&
        (messages[end] as ConsumedMessage).topic === first.topic
      )
        end++;
      const entry = this.restoring.get(partitionKey(first));
      const last = (messages[end - 1] as ConsumedMessage).offset;
      if (entry !== undefined && first.offset >= entry.position && (consumer.position(first) ?? 0) > last) stretches.push({ entry, messages, start, end });
      start = end;
    }
    return stretches;
  }

  private async write(stretches: readonly Stretch[]): Promise<void> {
    for (const stretch of stretches) {
      const { entry } = stretch;
      if (this.restoring.get(partitionKey(entry.plan.changelog)) !== entry || entry.owner.phase === 'closed') continue;
      this.writeChunk(stretch);
      await yieldToEventLoop();
    }
  }

  private writeChunk({ entry, messages, start, end }: Stretch): void {
    const { owner, plan } = entry;
    const records: ChangelogRecord[] = [];
    for (let i = start; i < end; i++) {
      const message = messages[i] as ConsumedMessage;
      // A source that serves as changelog is read no further than it was processed.
      if (message.offset >= plan.end) {
        entry.position = plan.end;
        break;
      }
      entry.position = message.offset + 1;
      this.onRecord(owner, message.topic, message.key);
      if (message.key === null) continue;
      records.push({
        key: message.key,
        value: message.value,
        timestamp: message.timestamp,
        headers: message.headers === undefined ? NO_HEADERS : messageHeaders(message.headers),
        offset: message.offset,
      });
    }
    entry.read += records.length;
    owner.restored += records.length;
    owner.state.restore(plan.changelog.store, records, entry.position);
    this.report(entry);
  }

  private report({ owner, plan, position }: Restoring): void {
    const progress = { store: plan.changelog.store, task: owner.name, restored: position - plan.from, total: plan.end - plan.from };
    this.onProgress(progress);
    const now = Date.now();
    const key = partitionKey(plan.changelog);
    if (now - (this.loggedAt.get(key) ?? now) < 10_000 && this.loggedAt.has(key)) return;
    this.loggedAt.set(key, now);
    owner.logger.info(progress, 'Restore goes on');
  }

  /** Ends that were reached, and the store that they are for: as with stretches, before anything is awaited. */
  private ends(consumer: FetchConsumer): { readonly entry: Restoring; readonly offset: number }[] {
    return consumer.takeEndOfPartitions().flatMap((end) => {
      const entry = this.restoring.get(partitionKey(end));
      return entry === undefined ? [] : [{ entry, offset: end.offset }];
    });
  }

  private finished(ends: readonly { readonly entry: Restoring; readonly offset: number }[]): Restoring[] {
    for (const { entry, offset } of ends) if (offset > entry.position) entry.position = offset;
    return [...this.restoring.values()].filter((entry) => entry.position >= entry.plan.end);
  }

  private complete(entry: Restoring): void {
    const { owner, plan } = entry;
    if (!this.restoring.delete(partitionKey(plan.changelog)) || owner.phase === 'closed') return;
    this.loggedAt.delete(partitionKey(plan.changelog));
    owner.state.restore(plan.changelog.store, [], plan.end);
    entry.position = plan.end;
    this.onProgress({ store: plan.changelog.store, task: owner.name, restored: plan.end - plan.from, total: plan.end - plan.from });
    owner.logger.info({ store: plan.changelog.store, records: entry.read, from: plan.from, end: plan.end }, 'A store is restored');
    for (const other of this.restoring.values()) if (other.owner === owner) return;
    this.onRestored(owner);
  }
}

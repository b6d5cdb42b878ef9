import type { Logger } from 'pino';
import { type Admin, partitionKey, type TopicPartitionOffset } from '../../kafka/contract.ts';
import type { ResolvedConfig } from '../config.ts';
import type { OwnedTask } from '../thread/owned-task.ts';
import type { CommitInterval } from './interval.ts';
import { changelogKeyTime, PurgeMarks } from './purge-marks.ts';

/** A changelog that the library purges: the store's retention, and how its keys tell time. */
export interface PurgedChangelog {
  readonly retentionMs: number;
  readonly kind: 'window' | 'session';
}

const PURGE_META = 'purge/';
/** Marks a changelog partition has at most, about. */
const MARKS = 32;
const LEAST_SPACING_MS = 60_000;

/**
 * Deletes what nobody will read again: processed records of repartition topics, and records of window and session changelogs that stream time has left behind. Brokers cannot do
 * the latter by their own clock when old data is replayed. Failures only cost space: they are logged, and the next purge deletes the same records.
 */
export class Purger {
  private readonly admin: Admin;
  private readonly config: ResolvedConfig;
  private readonly logger: Logger;
  private readonly changelogs: ReadonlyMap<string, PurgedChangelog>;
  private readonly repartitionTopics: ReadonlySet<string>;
  private readonly marks = new Map<OwnedTask, Map<string, PurgeMarks>>();
  /** To delete before, by partition. */
  private readonly due = new Map<string, TopicPartitionOffset>();
  private lastPurge = 0;
  private running: Promise<void> | undefined;

  constructor(options: {
    admin: Admin;
    config: ResolvedConfig;
    logger: Logger;
    changelogs: ReadonlyMap<string, PurgedChangelog>;
    repartitionTopics: ReadonlySet<string>;
  }) {
    this.admin = options.admin;
    this.config = options.config;
    this.logger = options.logger;
    this.changelogs = options.changelogs;
    this.repartitionTopics = options.repartitionTopics;
  }

  /** A task's stores are restored: records of its purged changelogs that restore has seen are `observe`d before. */
  observeRestored(owner: OwnedTask, topic: string, key: Buffer | null): void {
    const purged = this.changelogs.get(topic);
    if (purged !== undefined) this.marksOf(owner, topic).observe(changelogKeyTime(key, purged.kind));
  }

  /** An interval is committed: its marks go into the state with it. To be called before the state is applied. */
  committed(interval: CommitInterval, changelogEnds: ReadonlyMap<string, number>): void {
    if (this.changelogs.size > 0) {
      const byPartition = new Map<string, OwnedTask>();
      for (const owner of interval.tasks) for (const changelog of owner.changelogs) byPartition.set(partitionKey(changelog), owner);
      this.observeChanges(interval, byPartition);
      for (const [key, end] of changelogEnds) {
        const owner = byPartition.get(key);
        const changelog = owner?.changelogs.find((candidate) => partitionKey(candidate) === key);
        if (owner !== undefined && changelog !== undefined) this.markChangelog(owner, changelog.topic, end);
      }
    }
    for (const offset of interval.offsets) if (this.repartitionTopics.has(offset.topic)) this.due.set(partitionKey(offset), offset);
  }

  /** Delete what is due, in the background, at most every `repartitionPurgeIntervalMs`. */
  purgeWhenDue(now: number): void {
    if (this.due.size === 0 || this.running !== undefined || now - this.lastPurge < this.config.repartitionPurgeIntervalMs) return;
    this.lastPurge = now;
    const before = [...this.due.values()];
    this.due.clear();
    this.running = this.admin
      .deleteRecords(before, this.config.requestTimeoutMs)
      .catch((error: unknown) =>
        this.logger.warn({ err: error }, 'Records that are not needed any more could not be deleted: they will be with the next purge'),
      )
      .finally(() => {
        this.running = undefined;
      });
  }

  forget(owner: OwnedTask): void {
    this.marks.delete(owner);
  }

  /** After an abort the marks are those of the last commit. */
  discard(): void {
    this.marks.clear();
  }

  async settle(): Promise<void> {
    await this.running;
  }

  private observeChanges(interval: CommitInterval, owners: ReadonlyMap<string, OwnedTask>): void {
    let topic = '';
    let partition = -1;
    let marks: PurgeMarks | undefined;
    let kind: 'window' | 'session' = 'window';
    for (const change of interval.outgoing.changes) {
      if (change.partition !== partition || change.topic !== topic) {
        topic = change.topic;
        partition = change.partition;
        const purged = this.changelogs.get(topic);
        const owner = purged && owners.get(partitionKey(change));
        marks = owner === undefined ? undefined : this.marksOf(owner, topic);
        if (purged !== undefined) kind = purged.kind;
      }
      marks?.observe(changelogKeyTime(change.key, kind));
    }
  }

  private markChangelog(owner: OwnedTask, topic: string, end: number): void {
    const purged = this.changelogs.get(topic);
    if (purged === undefined) return;
    const marks = this.marksOf(owner, topic);
    const keep = purged.retentionMs + this.config.windowstoreChangelogAdditionalRetentionMs;
    const marked = marks.mark(end, Math.max(LEAST_SPACING_MS, keep / MARKS));
    const before = marks.takeExpired(keep);
    if (before !== undefined) this.due.set(partitionKey({ topic, partition: owner.id.partition }), { topic, partition: owner.id.partition, offset: before });
    if (marked || before !== undefined) owner.state.setMeta(PURGE_META + topic, marks.toString());
  }

  private marksOf(owner: OwnedTask, topic: string): PurgeMarks {
    const byTopic = this.marks.get(owner) ?? new Map<string, PurgeMarks>();
    this.marks.set(owner, byTopic);
    const marks = byTopic.get(topic) ?? new PurgeMarks(owner.state.getMeta(PURGE_META + topic));
    byTopic.set(topic, marks);
    return marks;
  }
}

import type { Logger } from 'pino';
import { StreamsError } from '../../errors.ts';
import type { Admin, NewTopic } from '../../kafka/contract.ts';
import type { ResolvedConfig } from '../config.ts';
import type { InternalTopicPlan } from '../plan.ts';
import type { TopicLayout } from './topic-layout.ts';

/** Name of the topic whose partitions are the application's tasks. */
export function tasksTopicName(applicationId: string): string {
  return `${applicationId}-tasks`;
}

/** Stores whose changelogs the library itself purges, by stream time: changelog topic → the store's retention in milliseconds. */
export function streamTimePurged(layout: TopicLayout, config: ResolvedConfig): Map<string, number> {
  const purged = new Map<string, number>();
  if (config.windowstoreChangelogRetention === 'wall-clock') return purged;
  for (const [name, { plan }] of layout.internal) if (plan.kind === 'changelog' && plan.retentionPeriod !== undefined) purged.set(name, plan.retentionPeriod);
  return purged;
}

/**
 * Topic configs as they are created. Changelogs of windows differ from Kafka Streams' unless `windowstoreChangelogRetention` is 'wall-clock': brokers expire records by
 * their own timestamps, so a replay of old data would lose its changelog within minutes; they keep everything, and the library purges by stream time.
 */
export function topicConfig(plan: InternalTopicPlan, config: ResolvedConfig): { readonly [key: string]: string } {
  if (plan.kind !== 'changelog' || plan.retentionPeriod === undefined) return plan.config;
  const retention = config.windowstoreChangelogRetention === 'stream-time' ? -1 : plan.retentionPeriod + config.windowstoreChangelogAdditionalRetentionMs;
  return { ...plan.config, 'retention.ms': String(retention) };
}

/**
 * Create the internal topics that are missing, the tasks topic among them, and check the partition counts of those that exist.
 * @throws StreamsError (`ERR_INTERNAL_TOPIC`) when one exists with another partition count.
 */
export async function ensureInternalTopics(admin: Admin, layout: TopicLayout, config: ResolvedConfig, logger: Logger): Promise<{ tasksPartitions: number }> {
  const tasksTopic = tasksTopicName(config.applicationId);
  const names = [...layout.internal.keys(), tasksTopic];
  let existing = await admin.describeTopics(names, config.requestTimeoutMs);
  const missing: NewTopic[] = [];
  for (const [name, { plan, partitions }] of layout.internal) {
    if (!existing.has(name)) missing.push({ name, partitions, replicationFactor: config.replicationFactor, config: topicConfig(plan, config) });
  }
  if (!existing.has(tasksTopic)) {
    missing.push({
      name: tasksTopic,
      partitions: Math.max(1, layout.tasks.length),
      replicationFactor: config.replicationFactor,
      config: { 'cleanup.policy': 'compact' },
    });
  }
  if (missing.length > 0) {
    logger.info({ topics: missing.map(({ name, partitions }) => `${name} (${partitions})`) }, 'Creating internal topics');
    await admin.createTopics(missing, config.requestTimeoutMs);
    existing = await described(admin, names, config);
  }
  for (const [name, { partitions }] of layout.internal) {
    const found = existing.get(name)?.partitions;
    if (found !== partitions) {
      throw new StreamsError(
        `Internal topic ${name} has ${found} partitions, and ${partitions} are needed: the partition count of an input topic has changed, or another topology made it. ` +
          'Use another applicationId, or delete the internal topics, the state directory and the group, and process the input again',
        { code: 'ERR_INTERNAL_TOPIC', topic: name },
      );
    }
  }
  return { tasksPartitions: existing.get(tasksTopic)?.partitions as number };
}

/** New topics take a moment until every broker knows them. */
async function described(admin: Admin, names: readonly string[], config: ResolvedConfig): Promise<Awaited<ReturnType<Admin['describeTopics']>>> {
  const deadline = Date.now() + config.taskTimeoutMs;
  for (;;) {
    const existing = await admin.describeTopics(names, config.requestTimeoutMs);
    const missing = names.filter((name) => !existing.has(name));
    if (missing.length === 0) return existing;
    if (Date.now() > deadline) throw new StreamsError(`Internal topics were created but cannot be seen: ${missing.join(', ')}`, { code: 'ERR_INTERNAL_TOPIC' });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

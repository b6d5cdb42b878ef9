import type { StoreBuilder } from '../state/contract/builder.ts';

/** Kafka Streams' default of `windowstore.changelog.additional.retention.ms`: 24 hours. */
const ADDITIONAL_RETENTION_MS = 86_400_000;
/** Java's Long.MAX_VALUE. */
const LONGEST_RETENTION = '9223372036854775807';
const REPARTITION_SEGMENT_BYTES = 50 * 1024 * 1024;

/** Topic configs of a repartition topic, as Kafka Streams sets them; what was consumed is removed by deleteRecords. */
export const REPARTITION_TOPIC_CONFIG: { readonly [key: string]: string } = Object.freeze({
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'CreateTime',
  'retention.ms': '-1',
  'segment.bytes': String(REPARTITION_SEGMENT_BYTES),
});

/** True for stores whose entries expire: their changelogs are purged by time. */
export function expires(builder: StoreBuilder): boolean {
  return builder.kind === 'window' || builder.kind === 'timestamped-window' || builder.kind === 'session' || builder.kind === 'join-window';
}

/**
 * Topic configs of a store's changelog, as Kafka Streams sets them. Rules in rising rank: defaults of the kind of store, the user's own, and the retention,
 * which always follows the store's.
 */
export function changelogTopicConfig(builder: StoreBuilder): { readonly [key: string]: string } {
  const config: { [key: string]: string } = { 'cleanup.policy': cleanupPolicy(builder), 'message.timestamp.type': 'CreateTime', ...builder.logConfig };
  const retention = withAdditionalRetention(builder.retentionPeriod ?? 0);
  if (expires(builder)) config['retention.ms'] = retention;
  if (builder.kind === 'versioned') config['min.compaction.lag.ms'] = retention;
  return Object.freeze(config);
}

/** Windows without an end are kept for as long as Kafka can say. */
function withAdditionalRetention(retentionMs: number): string {
  return retentionMs >= Number.MAX_SAFE_INTEGER ? LONGEST_RETENTION : String(retentionMs + ADDITIONAL_RETENTION_MS);
}

function cleanupPolicy(builder: StoreBuilder): string {
  if (builder.kind === 'join-window') return 'delete';
  return expires(builder) ? 'compact,delete' : 'compact';
}

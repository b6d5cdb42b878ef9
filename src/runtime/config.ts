import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { Serde } from '../serdes/serde.ts';
import type { Duration } from '../time.ts';
import { validateConfig } from './config-validation.ts';
import type { DeserializationExceptionHandler, ProcessingExceptionHandler, ProductionExceptionHandler } from './error-handlers.ts';
import { createLogger } from './logger.ts';

/**
 * Configuration of an application. Keys are Kafka Streams' in camelCase, with its defaults where it has one. Every `…Ms` key takes
 * milliseconds or a duration such as `'30s'`. A key that is not known, or a value that is not allowed, is a {@link ConfigError} that
 * names the key, the value and what is allowed.
 *
 * @example
 * new KafkaStreams(topology, { applicationId: 'pageviews', bootstrapServers: '127.0.0.1:9092', processingGuarantee: 'exactly_once_v2' });
 */
export interface StreamsConfig {
  /** Names the application: its consumer group, and the prefix of its internal topics and state directory. Letters, digits, `.`, `_` and `-`. */
  applicationId: string;
  /** `host:port`, several separated by commas. */
  bootstrapServers: string;
  /** Shown in the brokers' logs and quotas. @default the application id */
  clientId?: string;
  /** `exactly_once_v2`: outputs, state and offsets in one Kafka transaction. @default 'at_least_once' */
  processingGuarantee?: 'at_least_once' | 'exactly_once_v2';
  /** Longest time between two commits. @default 30000; under exactly-once 100 */
  commitIntervalMs?: Duration;
  /** Bytes of all record caches of this process; 0 turns caching off. @default 10485760 */
  statestoreCacheMaxBytes?: number;
  /** Bytes of state changes since the last commit, over which a commit is made early. In memory they take several times that, until they are collected. @default 25165824 */
  statestoreUncommittedMaxBytes?: number;
  /** Directory of the state files; the application uses `<stateDir>/<applicationId>` and locks it. @default `<tmpdir>/millrace` */
  stateDir?: string;
  /** How long state of tasks that moved away is kept on disk. @default 600000 */
  stateCleanupDelayMs?: Duration;
  /** How long a task with an empty input partition waits for its data before it goes on with the others: -1 never waits, 0 waits for what the brokers already hold. @default 0 */
  maxTaskIdleMs?: Duration;
  /** Records that a partition's queue is meant to hold: its fetching pauses at sixteen times as many, since a pause is dear, and goes on at this. @default 1000 */
  bufferedRecordsPerPartition?: number;
  /** Replicas of internal topics; -1 is the broker's default. @default -1 */
  replicationFactor?: number;
  /** Copies of each store kept warm on other members. Only 0 is implemented so far. @default 0 */
  numStandbyReplicas?: number;
  /** Serde of keys where an operator is given none. */
  defaultKeySerde?: Serde<unknown>;
  /** Serde of values where an operator is given none. */
  defaultValueSerde?: Serde<unknown>;
  /** Event time of records of sources that are given no extractor. @default Kafka's record timestamp; a negative one is an error */
  defaultTimestampExtractor?: TimestampExtractor<never, never>;
  /** What happens to an input record that cannot be decoded. @default 'fail' */
  deserializationExceptionHandler?: 'fail' | 'continue' | DeserializationExceptionHandler;
  /** What happens when a user function throws. @default 'fail' */
  processingExceptionHandler?: 'fail' | 'continue' | ProcessingExceptionHandler;
  /** What happens when an output record cannot be encoded or sent. @default 'fail' */
  productionExceptionHandler?: 'fail' | 'continue' | ProductionExceptionHandler;
  /** Topic to which the built-in handlers send the records they fail on or skip. @default none */
  errorsDeadLetterQueueTopicName?: string;
  /** Kafka's rebalance protocol; `consumer` (KIP-848) needs brokers ≥ 4.0. @default 'classic' */
  groupProtocol?: 'classic' | 'consumer';
  /** Static membership: a restart within the session timeout moves no task. Unique for each process. @default none */
  groupInstanceId?: string;
  /** A member that is silent for so long loses its tasks. Under `groupProtocol: 'consumer'` the broker decides. @default 45000 */
  sessionTimeoutMs?: Duration;
  /** How soon a member hears of a rebalance: a task that moves stands still for about that long. @default 500, and a third of `sessionTimeoutMs` at most */
  heartbeatIntervalMs?: Duration;
  /** A member that makes no progress for so long loses its tasks. @default 300000 */
  maxPollIntervalMs?: Duration;
  /** Timeout of one request to the brokers. @default 40000 */
  requestTimeoutMs?: Duration;
  /** For how long errors of the brokers or the network are retried, at start and while running, before they are final. @default 300000 */
  taskTimeoutMs?: Duration;
  /** Longest wait for new records in one turn of the loop. @default 100 */
  pollMs?: Duration;
  /** Least time between two purges of processed records in repartition topics. @default 30000 */
  repartitionPurgeIntervalMs?: Duration;
  /** Added to the retention of window changelogs. @default 86400000 */
  windowstoreChangelogAdditionalRetentionMs?: Duration;
  /**
   * What expires records of window, session and join changelogs. `stream-time`: the library deletes them as stream time passes, so that replayed
   * history is kept however old its event times are. `wall-clock`: the broker does, by `retention.ms`, as with Kafka Streams. @default 'stream-time'
   */
  windowstoreChangelogRetention?: 'stream-time' | 'wall-clock';
  /** A transaction that is open for longer is aborted by the broker. @default 10000 */
  transactionTimeoutMs?: Duration;
  /** Longest stretch of work before the event loop gets a turn. @default 8 */
  eventLoopBudgetMs?: number;
  /** Bytes that all consumers of this process together prefetch. @default 67108864 */
  fetchMaxPrefetchBytes?: number;
  /** Least wall-clock time between two scans for results of closed windows (`EmitStrategy.onWindowClose`) and unmatched outer-join rows. @default 1000 */
  emitIntervalMs?: Duration;
  /**
   * `EmitStrategy.onWindowClose`: windows stay in the store past its retention until their result was sent. Off as in Kafka Streams, where results are lost when stream time
   * jumps further than the retention, which by default is size plus grace, before they are sent. @default false
   */
  keepUnsentWindows?: boolean;
  /** `host:port` under which other instances reach this one's interactive queries. @default none */
  applicationServer?: string;
  /** Properties of librdkafka for all clients: security, sockets. Properties that the library sets itself are refused. */
  kafka?: { readonly [property: string]: string | number | boolean };
  /** A pino logger, or the level of one that is made here. @default 'info' */
  logger?: Logger | 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
}

/** Keys whose {@link Duration} is resolved to milliseconds. */
type MillisKey =
  | 'commitIntervalMs'
  | 'stateCleanupDelayMs'
  | 'maxTaskIdleMs'
  | 'sessionTimeoutMs'
  | 'heartbeatIntervalMs'
  | 'maxPollIntervalMs'
  | 'requestTimeoutMs'
  | 'taskTimeoutMs'
  | 'pollMs'
  | 'repartitionPurgeIntervalMs'
  | 'windowstoreChangelogAdditionalRetentionMs'
  | 'transactionTimeoutMs'
  | 'emitIntervalMs';

type OptionalKey =
  | 'defaultKeySerde'
  | 'defaultValueSerde'
  | 'defaultTimestampExtractor'
  | 'errorsDeadLetterQueueTopicName'
  | 'groupInstanceId'
  | 'applicationServer';

/** {@link StreamsConfig} with every default filled in and every duration in milliseconds. Frozen. */
export type ResolvedConfig = Readonly<
  Required<Omit<StreamsConfig, MillisKey | OptionalKey | 'logger'>> & { [K in MillisKey]: number } & { [K in OptionalKey]: StreamsConfig[K] } & {
    logger: Logger;
  }
>;

/**
 * Check a configuration and fill in the defaults.
 * @param options `forDriver`: applicationId and bootstrapServers may be left out; the logger is silent by default.
 * @throws ConfigError that names the key, the value and what is allowed.
 */
export function resolveConfig(input: Partial<StreamsConfig>, options: { forDriver?: boolean } = {}): ResolvedConfig {
  const config = validateConfig(input, options.forDriver ? [] : ['applicationId', 'bootstrapServers']) as Partial<Omit<StreamsConfig, MillisKey>> & {
    [K in MillisKey]?: number;
  };
  const processingGuarantee = config.processingGuarantee ?? 'at_least_once';
  const applicationId = config.applicationId ?? 'topology-test-driver';
  return Object.freeze({
    applicationId,
    bootstrapServers: config.bootstrapServers ?? '',
    clientId: config.clientId ?? applicationId,
    processingGuarantee,
    commitIntervalMs: config.commitIntervalMs ?? (processingGuarantee === 'exactly_once_v2' ? 100 : 30_000),
    statestoreCacheMaxBytes: config.statestoreCacheMaxBytes ?? 10 * 1024 * 1024,
    statestoreUncommittedMaxBytes: config.statestoreUncommittedMaxBytes ?? 24 * 1024 * 1024,
    stateDir: config.stateDir ?? join(tmpdir(), 'millrace'),
    stateCleanupDelayMs: config.stateCleanupDelayMs ?? 600_000,
    maxTaskIdleMs: config.maxTaskIdleMs ?? 0,
    bufferedRecordsPerPartition: config.bufferedRecordsPerPartition ?? 1000,
    replicationFactor: config.replicationFactor ?? -1,
    numStandbyReplicas: config.numStandbyReplicas ?? 0,
    defaultKeySerde: config.defaultKeySerde,
    defaultValueSerde: config.defaultValueSerde,
    defaultTimestampExtractor: config.defaultTimestampExtractor,
    deserializationExceptionHandler: config.deserializationExceptionHandler ?? 'fail',
    processingExceptionHandler: config.processingExceptionHandler ?? 'fail',
    productionExceptionHandler: config.productionExceptionHandler ?? 'fail',
    errorsDeadLetterQueueTopicName: config.errorsDeadLetterQueueTopicName,
    groupProtocol: config.groupProtocol ?? 'classic',
    groupInstanceId: config.groupInstanceId,
    sessionTimeoutMs: config.sessionTimeoutMs ?? 45_000,
    heartbeatIntervalMs: config.heartbeatIntervalMs ?? Math.min(500, Math.ceil((config.sessionTimeoutMs ?? 45_000) / 3)),
    maxPollIntervalMs: config.maxPollIntervalMs ?? Math.max(300_000, config.sessionTimeoutMs ?? 0),
    requestTimeoutMs: config.requestTimeoutMs ?? 40_000,
    taskTimeoutMs: config.taskTimeoutMs ?? 300_000,
    pollMs: config.pollMs ?? 100,
    repartitionPurgeIntervalMs: config.repartitionPurgeIntervalMs ?? 30_000,
    windowstoreChangelogAdditionalRetentionMs: config.windowstoreChangelogAdditionalRetentionMs ?? 86_400_000,
    windowstoreChangelogRetention: config.windowstoreChangelogRetention ?? 'stream-time',
    transactionTimeoutMs: config.transactionTimeoutMs ?? 10_000,
    eventLoopBudgetMs: config.eventLoopBudgetMs ?? 8,
    fetchMaxPrefetchBytes: config.fetchMaxPrefetchBytes ?? 64 * 1024 * 1024,
    emitIntervalMs: config.emitIntervalMs ?? 1000,
    keepUnsentWindows: config.keepUnsentWindows ?? false,
    applicationServer: config.applicationServer,
    kafka: config.kafka ?? {},
    logger: createLogger(config.logger ?? (options.forDriver ? 'silent' : 'info')),
  });
}

import { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { toMillis } from '../time.ts';

/** A key: how its value is checked, and what the error says is allowed. */
interface Rule {
  readonly schema: z.ZodType;
  readonly allowed: string;
}

const rule = (schema: z.ZodType, allowed: string): Rule => ({ schema, allowed });
const text = (allowed = 'a non-empty string'): Rule => rule(z.string().min(1), allowed);
const oneOf = (...values: [string, ...string[]]): Rule => rule(z.enum(values), values.map((v) => `'${v}'`).join(' or '));
const integer = (min: number): Rule => rule(z.int().min(min), `a whole number, at least ${min}`);
const handler = rule(z.union([z.enum(['fail', 'continue']), z.function()]), "'fail', 'continue' or a function");
const serde = rule(
  z.custom(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      typeof (value as { serialize?: unknown }).serialize === 'function' &&
      typeof (value as { deserialize?: unknown }).deserialize === 'function',
  ),
  'a serde, such as serdes.string',
);

function millis(min: number): Rule {
  const schema = z.unknown().transform((value, context) => {
    try {
      const result = toMillis(value as number);
      if (result >= min) return result;
    } catch {
      // Falls through to the one message below.
    }
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  });
  return rule(schema, `milliseconds, at least ${min}, or a duration such as '30s'`);
}

/** Properties of librdkafka on which the guarantees rest: the library sets them itself. */
const GOVERNED: { readonly [property: string]: string } = {
  'bootstrap.servers': 'bootstrapServers',
  'metadata.broker.list': 'bootstrapServers',
  'client.id': 'clientId',
  'group.id': 'applicationId',
  'group.instance.id': 'groupInstanceId',
  'group.protocol': 'groupProtocol',
  'session.timeout.ms': 'sessionTimeoutMs',
  'heartbeat.interval.ms': 'heartbeatIntervalMs',
  'max.poll.interval.ms': 'maxPollIntervalMs',
  'transactional.id': 'processingGuarantee',
  'transaction.timeout.ms': 'transactionTimeoutMs',
  'enable.idempotence': 'processingGuarantee',
  'isolation.level': 'processingGuarantee',
  'enable.auto.commit': '',
  'enable.auto.offset.store': '',
  'auto.offset.reset': '',
  'partition.assignment.strategy': '',
  'enable.partition.eof': '',
  'delivery.report.only.error': '',
  rebalance_cb: '',
  offset_commit_cb: '',
  dr_cb: '',
  dr_msg_cb: '',
};

const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

const RULES: { readonly [key: string]: Rule } = {
  applicationId: rule(
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,200}$/)
      .refine((id) => id !== '.' && id !== '..'),
    "letters, digits, '.', '_' and '-', at most 200: it begins the names of the internal topics",
  ),
  bootstrapServers: rule(z.string().regex(/^\s*[^\s,]+:\d{1,5}\s*(,\s*[^\s,]+:\d{1,5}\s*)*$/), "'host:port', several separated by commas"),
  clientId: text(),
  processingGuarantee: oneOf('at_least_once', 'exactly_once_v2'),
  commitIntervalMs: millis(0),
  statestoreCacheMaxBytes: integer(0),
  statestoreUncommittedMaxBytes: integer(1),
  stateDir: text('a path'),
  stateCleanupDelayMs: millis(0),
  maxTaskIdleMs: millis(-1),
  bufferedRecordsPerPartition: integer(1),
  replicationFactor: rule(
    z.int().refine((n) => n === -1 || n >= 1),
    "a whole number, at least 1, or -1 for the broker's default",
  ),
  numStandbyReplicas: rule(z.literal(0), '0: standby replicas are not implemented yet'),
  defaultKeySerde: serde,
  defaultValueSerde: serde,
  defaultTimestampExtractor: rule(z.function(), 'a function (record, partitionTime) => milliseconds'),
  deserializationExceptionHandler: handler,
  processingExceptionHandler: handler,
  productionExceptionHandler: handler,
  errorsDeadLetterQueueTopicName: rule(z.string().regex(TOPIC), 'the name of a topic'),
  groupProtocol: oneOf('classic', 'consumer'),
  groupInstanceId: text(),
  sessionTimeoutMs: millis(1),
  heartbeatIntervalMs: millis(1),
  maxPollIntervalMs: millis(1),
  requestTimeoutMs: millis(1),
  taskTimeoutMs: millis(0),
  pollMs: millis(0),
  repartitionPurgeIntervalMs: millis(0),
  windowstoreChangelogAdditionalRetentionMs: millis(0),
  windowstoreChangelogRetention: oneOf('stream-time', 'wall-clock'),
  transactionTimeoutMs: millis(1000),
  eventLoopBudgetMs: rule(z.number().min(1).max(1000), 'milliseconds between 1 and 1000'),
  fetchMaxPrefetchBytes: integer(1024 * 1024),
  emitIntervalMs: millis(0),
  keepUnsentWindows: rule(z.boolean(), 'true or false'),
  applicationServer: rule(z.string().regex(/^[^\s:]+:\d{1,5}$/), "'host:port'"),
  kafka: rule(
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    'an object of librdkafka properties whose values are strings, numbers or booleans',
  ),
  logger: rule(
    z.union([
      z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']),
      z.custom((value) => typeof value === 'object' && value !== null && typeof (value as { child?: unknown }).child === 'function'),
    ]),
    "a pino logger, or 'silent', 'fatal', 'error', 'warn', 'info', 'debug' or 'trace'",
  ),
};

/** Every key that a configuration may have. */
export const CONFIG_KEYS: readonly string[] = Object.keys(RULES);

/**
 * Check each key of a configuration; durations become milliseconds. Keys whose value is undefined count as not given.
 * @throws ConfigError that names the key, the value and what is allowed, or the nearest known key.
 */
export function validateConfig(input: object, required: readonly string[]): { [key: string]: unknown } {
  if (typeof input !== 'object' || input === null) throw new ConfigError(`The configuration is ${show(input)}: give an object`);
  const values: { [key: string]: unknown } = {};
  for (const [key, value] of Object.entries(input)) {
    const known = Object.hasOwn(RULES, key) ? RULES[key] : undefined;
    if (known === undefined) throw new ConfigError(`Unknown configuration key ${JSON.stringify(key)}: ${suggestion(key)}`);
    if (value === undefined) continue;
    const result = known.schema.safeParse(value);
    // The value of `kafka` may hold secrets, so only its type is shown.
    if (!result.success) throw new ConfigError(`${key} is ${key === 'kafka' ? describeProperties(value) : show(value)}: give ${known.allowed}`);
    // zod wraps functions; the user's own is kept.
    values[key] = typeof value === 'function' ? value : result.data;
  }
  for (const key of required) if (values[key] === undefined) throw new ConfigError(`${key} is missing: give ${RULES[key]?.allowed}`);
  checkRelations(values);
  return values;
}

function checkRelations(values: { [key: string]: unknown }): void {
  for (const property of Object.keys((values.kafka as object | undefined) ?? {})) {
    const instead = Object.hasOwn(GOVERNED, property) ? GOVERNED[property] : undefined;
    if (instead !== undefined)
      throw new ConfigError(`kafka[${JSON.stringify(property)}] is set by the library: ${instead === '' ? 'leave it out' : `use ${instead}`}`);
  }
  const session = values.sessionTimeoutMs as number | undefined;
  const heartbeat = values.heartbeatIntervalMs as number | undefined;
  if (heartbeat !== undefined && heartbeat >= (session ?? 45_000))
    throw new ConfigError(`heartbeatIntervalMs is ${heartbeat}: give less than sessionTimeoutMs, which is ${session ?? 45_000}`);
  const poll = values.maxPollIntervalMs as number | undefined;
  if (poll !== undefined && poll < (session ?? 45_000))
    throw new ConfigError(`maxPollIntervalMs is ${poll}: give at least sessionTimeoutMs, which is ${session ?? 45_000}`);
}

function describeProperties(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const wrong = Object.entries(value).find(([, setting]) => !['string', 'number', 'boolean'].includes(typeof setting));
  return wrong === undefined ? 'not usable' : `an object whose ${JSON.stringify(wrong[0])} is ${wrong[1] === null ? 'null' : `of type ${typeof wrong[1]}`}`;
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Settings that shape the topology: Kafka Streams reads them from the same configuration, here they belong to the builder. */
const BUILDER_KEYS = new Set(['topologyOptimization', 'ensureExplicitInternalResourceNaming', 'processorWrapper', 'dslStoreSuppliers', 'dslStoreFormat']);

function suggestion(key: string): string {
  // Kafka's own spelling, with dots, is the usual slip.
  const camel = key.replace(/[._-]+(.)/g, (_, letter: string) => letter.toUpperCase());
  if (BUILDER_KEYS.has(camel)) return `it shapes the topology: give ${camel} to new StreamsBuilder(…) or to its build(…)`;
  if (Object.hasOwn(RULES, camel)) return `did you mean ${camel}?`;
  let nearest = '';
  let best = Number.POSITIVE_INFINITY;
  for (const candidate of CONFIG_KEYS) {
    const distance = editDistance(camel.toLowerCase(), candidate.toLowerCase());
    if (distance < best) [best, nearest] = [distance, candidate];
  }
  return best <= Math.max(2, nearest.length / 3) ? `did you mean ${nearest}?` : `known keys are ${CONFIG_KEYS.join(', ')}`;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

import { StreamsError, type StreamsErrorOptions } from '../errors.ts';
import type { Reaction } from './contract.ts';
import { rdKafka } from './native.ts';

/** What the client library reports: its number, its own flags, a text. */
export interface NativeError {
  readonly message: string;
  readonly code?: number;
  readonly isFatal?: boolean;
  readonly isRetriable?: boolean;
  readonly isTxnRequiresAbort?: boolean;
}

/** Numbers that this folder or the runtime names. Kafka's are positive, librdkafka's own negative. */
export const KafkaErrorCode = {
  conflict: -173,
  state: -172,
  fatal: -150,
  fenced: -144,
  maxPollExceeded: -147,
  autoOffsetReset: -140,
  messageTimedOut: -192,
  timedOut: -185,
  queueFull: -184,
  purgedInQueue: -152,
  purgedInFlight: -151,
  transport: -195,
  assignPartitions: -175,
  revokePartitions: -174,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  topicAlreadyExists: 36,
  unstableOffsetCommit: 88,
} as const;

export interface KafkaClientErrorOptions extends StreamsErrorOptions {
  readonly reaction: Reaction;
  readonly kafkaCode: number;
}

/**
 * The Kafka client or a broker refused a call. `reaction` says what the caller does next: repeat the same call (`retriable`),
 * abort and start the interval again from the committed offsets (`abortable`), or start over with a new client (`fatal`).
 * `kafkaCode` is Kafka's error number, or librdkafka's when negative; `code` is its name: `ERR_KAFKA_ILLEGAL_GENERATION`.
 */
export class KafkaClientError extends StreamsError {
  readonly reaction: Reaction;
  readonly kafkaCode: number;

  constructor(message: string, options: KafkaClientErrorOptions) {
    super(message, { ...options, code: options.code ?? codeName(options.kafkaCode) });
    this.reaction = options.reaction;
    this.kafkaCode = options.kafkaCode;
  }
}

/** Nothing but starting over helps: fencing, a lost transactional id, missing rights, wrong credentials, a wrong configuration. */
const FATAL: ReadonlySet<number> = new Set([-150, -144, -186, -169, -181, -172, 24, 26, 29, 30, 31, 34, 33, 45, 47, 48, 49, 50, 52, 53, 54, 58, 82, 90]);

/** The same call can succeed later without anything being undone. */
const RETRIABLE: ReadonlySet<number> = new Set([
  -195, -187, -185, -184, -180, -178, -177, -173, -166, -164, -153, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 27, 41, 51, 56, 74, 75, 78, 84, 88, 89, 129,
]);

/**
 * The reaction to an error: the client's own flags decide where it gives them (transactions), else the number.
 * What is not known is `abortable`: dropping the interval and reading it again is always correct.
 */
export function reactionTo(error: NativeError): Reaction {
  if (error.isFatal === true) return 'fatal';
  if (error.isTxnRequiresAbort === true) return 'abortable';
  if (error.isRetriable === true) return 'retriable';
  const code = error.code ?? -1;
  if (FATAL.has(code)) return 'fatal';
  return RETRIABLE.has(code) ? 'retriable' : 'abortable';
}

const ADVICE: { readonly [code: number]: string } = {
  [KafkaErrorCode.timedOut]: 'the brokers did not answer in time: check that they run and are reachable, or raise the timeout',
  [KafkaErrorCode.transport]: 'the connection broke: check that the brokers run and are reachable',
  [-187]: 'no broker can be reached: check bootstrapServers and the network',
  [-169]: 'check the credentials (sasl.*)',
  [-181]: 'check the certificates (ssl.*)',
  58: 'check the credentials (sasl.*)',
  [KafkaErrorCode.fenced]: 'another instance uses this transactional id, or the transaction took longer than its timeout',
  90: 'another instance uses this transactional id, or the transaction took longer than its timeout',
  82: 'another instance uses the same groupInstanceId: give every instance its own',
  [KafkaErrorCode.autoOffsetReset]: 'the wanted offset is no longer, or not yet, in the log',
  [KafkaErrorCode.unknownTopicOrPartition]: 'the topic or partition does not exist, or this user may not see it',
  [KafkaErrorCode.messageTooLarge]: 'raise message.max.bytes here and max.message.bytes of the topic, or produce smaller records',
  [KafkaErrorCode.illegalGeneration]: 'the group has rebalanced since',
  [KafkaErrorCode.unknownMemberId]: 'this member was removed from the group: it took longer than sessionTimeoutMs or maxPollIntervalMs to answer',
  29: 'grant this user the rights on the topic',
  26: "sessionTimeoutMs lies outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms",
  30: 'grant this user READ on the group (its name is the application id)',
  31: 'grant this user the rights on the cluster (idempotent writes need IDEMPOTENT_WRITE before Kafka 3.0)',
  53: 'grant this user WRITE and DESCRIBE on the transactional id',
  38: 'the cluster has fewer brokers than the replication factor: set replicationFactor',
  50: "lower transactionTimeoutMs to the broker's transaction.max.timeout.ms",
  111: 'another instance uses the same groupInstanceId: give every instance its own',
};

/** Builds the error that callers see. `operation` is a verb phrase: `commit the transaction`. */
export function toClientError(error: NativeError, operation: string, at: StreamsErrorOptions = {}): KafkaClientError {
  const code = error.code ?? -1;
  const advice = ADVICE[code];
  const message = `Could not ${operation}: ${error.message} (Kafka error ${code})${advice === undefined ? '' : `; ${advice}`}`;
  return new KafkaClientError(message, { cause: error, ...at, kafkaCode: code, reaction: reactionTo(error) });
}

/** The call's own deadline passed; the client may still be at it. */
export function timeoutError(operation: string, timeoutMs: number): KafkaClientError {
  return toClientError({ message: `no answer within ${timeoutMs} ms`, code: KafkaErrorCode.timedOut }, operation);
}

let names: Map<number, string> | undefined;

function codeName(code: number): string {
  if (names === undefined) {
    names = new Map();
    for (const [name, value] of Object.entries(rdKafka().CODES.ERRORS)) {
      if (typeof value === 'number' && !names.has(value)) names.set(value, name.replace(/^ERR__?/, ''));
    }
  }
  return `ERR_KAFKA_${names.get(code) ?? 'UNKNOWN'}`;
}

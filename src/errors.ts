/** Where in a running topology something happened. Every field that is known is in the message too. */
export interface ErrorLocation {
  taskId?: string;
  topic?: string;
  partition?: number;
  offset?: number | string;
  /** Name of the processor node, as `describe()` shows it. */
  operator?: string;
  store?: string;
}

export interface StreamsErrorOptions extends ErrorLocation {
  code?: string;
  cause?: unknown;
}

/** Root of every error that Millrace throws. `code` is stable; the message says what is wrong, where, and what to do. An error has the properties of a place that are known, and no others. */
export class StreamsError extends Error {
  readonly code: string;
  declare readonly taskId?: string;
  declare readonly topic?: string;
  declare readonly partition?: number;
  declare readonly offset?: number | string;
  declare readonly operator?: string;
  declare readonly store?: string;

  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message + describeLocation(options), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code ?? 'ERR_STREAMS';
    const { taskId, topic, partition, offset, operator, store } = options;
    if (taskId !== undefined) this.taskId = taskId;
    if (topic !== undefined) this.topic = topic;
    if (partition !== undefined) this.partition = partition;
    if (offset !== undefined) this.offset = offset;
    if (operator !== undefined) this.operator = operator;
    if (store !== undefined) this.store = store;
  }
}

function describeLocation(at: ErrorLocation): string {
  const parts: string[] = [];
  if (at.taskId !== undefined) parts.push(`task ${at.taskId}`);
  if (at.operator !== undefined) parts.push(`operator ${at.operator}`);
  if (at.store !== undefined) parts.push(`store ${at.store}`);
  if (at.topic !== undefined) parts.push(`topic ${at.topic}`);
  if (at.partition !== undefined) parts.push(`partition ${at.partition}`);
  if (at.offset !== undefined) parts.push(`offset ${at.offset}`);
  return parts.length === 0 ? '' : ` [${parts.join(', ')}]`;
}

/** The topology cannot be built as described. */
export class TopologyError extends StreamsError {
  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, { code: 'ERR_TOPOLOGY', ...options });
  }
}

/** A configuration value is missing or not allowed. The message names the key, the value and what is allowed. */
export class ConfigError extends StreamsError {
  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, { code: 'ERR_CONFIG', ...options });
  }
}

/** A record could not be decoded, or a key or value could not be encoded. */
export class SerializationError extends StreamsError {
  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, { code: 'ERR_SERIALIZATION', ...options });
  }
}

/** A user function or a processor threw. `cause` is the original error with its own stack. */
export class ProcessingError extends StreamsError {
  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, { code: 'ERR_PROCESSING', ...options });
  }
}

/** A state store, or the file under it, cannot be used. */
export class StateStoreError extends StreamsError {
  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, { code: 'ERR_STATE_STORE', ...options });
  }
}

/** The call is not allowed in the current state (for example a store queried before RUNNING). */
export class IllegalStateError extends StreamsError {
  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, { code: 'ERR_ILLEGAL_STATE', ...options });
  }
}

/** This member no longer owns the task: everything uncommitted was dropped and the new owner goes on. */
export class TaskMigratedError extends StreamsError {
  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, { code: 'ERR_TASK_MIGRATED', ...options });
  }
}

/** A call of an asynchronous operator did not answer in time. Its `retryOn` is asked about it; when no retry is left it is the `cause` of a {@link ProcessingError}. */
export class AsyncTimeoutError extends StreamsError {
  constructor(timeoutMs: number, attempt: number) {
    super(`Call ${attempt} of the asynchronous function did not answer within ${timeoutMs} ms: give a longer timeout, or retries`, {
      code: 'ERR_ASYNC_TIMEOUT',
    });
  }
}

import { TopologyError } from '../errors.ts';
import { type Duration, toMillis } from '../time.ts';

/** How much a suppress buffer holds and what happens when it is full. Immutable; made by {@link BufferConfig}. */
export class BufferLimits<Strict extends boolean = boolean> {
  /** Infinity: not bounded. */
  readonly recordLimit: number;
  /** Infinity: not bounded. */
  readonly byteLimit: number;
  /** `emit`: the oldest entries leave early. `shut-down`: the application stops with an error. */
  readonly whenFull: 'emit' | 'shut-down';
  /** The buffer's changelog: false, or topic configs that override the defaults. */
  readonly logging: false | { readonly [config: string]: string };
  /** Only in the types: whether results can leave early. */
  declare readonly strict: Strict;

  /** @internal */
  constructor(recordLimit: number, byteLimit: number, whenFull: 'emit' | 'shut-down', logging: false | { readonly [config: string]: string } = {}) {
    this.recordLimit = recordLimit;
    this.byteLimit = byteLimit;
    this.whenFull = whenFull;
    this.logging = logging;
    Object.freeze(this);
  }

  withMaxRecords(limit: number): BufferLimits<Strict> {
    return new BufferLimits(positive(limit, 'maxRecords'), this.byteLimit, this.whenFull, this.logging);
  }

  withMaxBytes(limit: number): BufferLimits<Strict> {
    return new BufferLimits(this.recordLimit, positive(limit, 'maxBytes'), this.whenFull, this.logging);
  }

  withNoBound(): BufferLimits<true> {
    return new BufferLimits(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 'shut-down', this.logging);
  }

  /** A full buffer sends its oldest entries before their time. Only for `untilTimeLimit`. */
  emitEarlyWhenFull(): BufferLimits<false> {
    return new BufferLimits(this.recordLimit, this.byteLimit, 'emit', this.logging);
  }

  /** A full buffer stops the application. */
  shutDownWhenFull(): BufferLimits<true> {
    return new BufferLimits(this.recordLimit, this.byteLimit, 'shut-down', this.logging);
  }

  /** Without a changelog, what is buffered is lost when the task moves. */
  withLoggingDisabled(): BufferLimits<Strict> {
    return new BufferLimits(this.recordLimit, this.byteLimit, this.whenFull, false);
  }

  /** Topic configs of the buffer's changelog, Kafka's own names. */
  withLoggingEnabled(config: { readonly [config: string]: string } = {}): BufferLimits<Strict> {
    return new BufferLimits(this.recordLimit, this.byteLimit, this.whenFull, config);
  }
}

function positive(limit: number, what: string): number {
  if (!(limit >= 0)) throw new TopologyError(`${what} of a suppress buffer is ${limit}: it must not be negative`);
  return limit;
}

/** Makes {@link BufferLimits}. */
export const BufferConfig = Object.freeze({
  /** At most that many keys; emits early when full unless told to shut down. */
  maxRecords(limit: number): BufferLimits<false> {
    return new BufferLimits(positive(limit, 'maxRecords'), Number.POSITIVE_INFINITY, 'emit');
  },
  /** At most that many bytes; emits early when full unless told to shut down. */
  maxBytes(limit: number): BufferLimits<false> {
    return new BufferLimits(Number.POSITIVE_INFINITY, positive(limit, 'maxBytes'), 'emit');
  },
  /** As much as memory holds. */
  unbounded(): BufferLimits<true> {
    return new BufferLimits(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 'shut-down');
  },
});

/** What `KTable.suppress` holds back. Immutable. */
export class Suppressed {
  readonly until: 'window-close' | 'time-limit';
  /** Milliseconds; `time-limit` only. */
  readonly waitMs: number;
  readonly buffer: BufferLimits;
  readonly name: string | undefined;

  private constructor(until: 'window-close' | 'time-limit', waitMs: number, buffer: BufferLimits, name: string | undefined) {
    this.until = until;
    this.waitMs = waitMs;
    this.buffer = buffer;
    this.name = name;
    Object.freeze(this);
  }

  /**
   * Only the final result of each window, when stream time has passed its end and grace. The table must come from a windowed aggregation.
   * @throws TopologyError when the buffer emits early: results would not be final.
   */
  static untilWindowCloses(buffer: BufferLimits<true>, options: { name?: string } = {}): Suppressed {
    if (buffer.whenFull !== 'shut-down') {
      throw new TopologyError('suppress untilWindowCloses needs a buffer that never emits early: use BufferConfig.unbounded() or shutDownWhenFull()');
    }
    return new Suppressed('window-close', 0, buffer, options.name);
  }

  /** The latest value of a key, once it has been buffered for the time limit (in stream time, from its first update on). */
  static untilTimeLimit(limit: Duration, buffer: BufferLimits, options: { name?: string } = {}): Suppressed {
    const waitMs = toMillis(limit, 'time limit of suppress');
    if (waitMs < 0) throw new TopologyError(`Time limit of suppress is ${waitMs} ms: it must not be negative`);
    return new Suppressed('time-limit', waitMs, buffer, options.name);
  }

  /** Names the operator; its store is `<name>-store`. */
  withName(name: string): Suppressed {
    return new Suppressed(this.until, this.waitMs, this.buffer, name);
  }

  static readonly BufferConfig = BufferConfig;
}

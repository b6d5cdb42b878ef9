import { ConfigError } from '../errors.ts';
import { type ClientProperties, type ClientProperty, redactor } from './client-config.ts';
import { type ClientOptions, LogLevel } from './contract.ts';
import { KafkaClientError, KafkaErrorCode, type NativeError } from './errors.ts';
import { NativeCalls } from './native-calls.ts';

/** What consumers, producers and admin clients of the client library have in common. */
export interface NativeClient {
  on(event: string, listener: (...args: never[]) => void): unknown;
  connect(options: { timeout: number; allTopics: boolean }, cb: (error: NativeError | null | undefined, metadata?: unknown) => void): unknown;
  disconnect(cb: (error?: NativeError | null) => void): unknown;
  isConnected(): boolean;
  getClient(): unknown;
}

/** Facilities whose lines say nothing: properties meant for the other kind of client, given for all. */
const NOISE = new Set(['CONFWARN']);

/** How long a client may take to say goodbye before the process goes on without it. */
const DISCONNECT_MS = 10_000;

/**
 * One client of the library: created from properties, connected with a deadline, its log lines and errors passed on without secrets,
 * disconnected once nothing is under way.
 */
export class Connection<C extends NativeClient> {
  readonly native: C;
  readonly calls: NativeCalls;
  readonly redact: (text: string) => string;
  readonly #what: string;
  readonly #servers: string;
  readonly #options: ClientOptions;
  readonly #troubles = new Set<string>();
  #connecting = false;
  #closing: Promise<void> | undefined;

  constructor(what: string, options: ClientOptions, properties: Record<string, ClientProperty>, create: (properties: Record<string, ClientProperty>) => C) {
    this.#what = what;
    this.#options = options;
    this.#servers = options.bootstrapServers;
    this.redact = redactor(properties);
    this.calls = new NativeCalls(this.redact);
    try {
      this.native = create(properties);
    } catch (cause) {
      throw badProperties(what, cause, this.redact, properties);
    }
    this.native.on('event.log', (line: { severity: number; fac: string; message: string }) => this.log(line.severity, line.fac, line.message));
    this.native.on('event.error', (error: NativeError) => this.log(LogLevel.error, 'ERROR', error.message));
    // Emitted by token refreshes only; without a listener it would end the process.
    this.native.on('error', (error: Error) => this.log(LogLevel.error, 'OAUTH', error.message));
  }

  get connected(): boolean {
    return this.#closing === undefined && this.native.isConnected();
  }

  /** Connect and hear from one broker. @throws KafkaClientError within about the timeout when none answers; it carries what the client complained of. */
  async connect(timeoutMs: number): Promise<void> {
    this.#troubles.clear();
    this.#connecting = true;
    try {
      await this.calls.run<unknown>(`connect the ${this.#what}`, timeoutMs, (done) => this.native.connect({ timeout: timeoutMs, allTopics: false }, done));
    } catch (error) {
      if (!(error instanceof KafkaClientError)) throw error;
      const troubles = [...this.#troubles].slice(-3);
      if (error.reaction === 'fatal' && troubles.length === 0) throw error;
      throw new KafkaClientError(
        `No Kafka broker answered the ${this.#what} at ${this.#servers} within ${timeoutMs} ms${troubles.length === 0 ? '' : ` (${troubles.join('; ')})`}: ` +
          'check bootstrapServers, that the brokers run, and the security settings',
        { kafkaCode: KafkaErrorCode.timedOut, code: 'ERR_KAFKA_NO_BROKER', reaction: 'retriable', cause: error },
      );
    } finally {
      this.#connecting = false;
    }
  }

  log(level: number, facility: string, message: string): void {
    const clean = this.redact(message);
    if (this.#connecting && level <= LogLevel.error) this.#troubles.add(clean.replace(/^\[thrd:[^\]]*\]: /, ''));
    if (!NOISE.has(facility)) this.#options.onLog?.({ level, facility, message: clean });
  }

  /** Disconnect after what is under way. Resolves also when the client does not: its threads are then left behind, and a log line says so. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.calls.close();
    if (!(await this.calls.drain(DISCONNECT_MS))) {
      this.log(LogLevel.error, 'CLOSE', `The ${this.#what} still waits for the broker: it is left behind`);
      return;
    }
    if (!this.native.isConnected()) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, DISCONNECT_MS, 'late');
    });
    const done = new Promise<'done'>((resolve) => this.native.disconnect(() => resolve('done')));
    if ((await Promise.race([done, late])) === 'late') this.log(LogLevel.error, 'CLOSE', `The ${this.#what} did not disconnect within ${DISCONNECT_MS} ms`);
    clearTimeout(timer);
  }
}

function badProperties(what: string, cause: unknown, redact: (text: string) => string, properties: ClientProperties): Error {
  const reason = redact(cause instanceof Error ? cause.message : String(cause));
  const key = Object.keys(properties).find((name) => reason.includes(`"${name}"`));
  return new ConfigError(
    `The Kafka ${what} refuses its configuration${key === undefined ? '' : ` ${key}`}: ${reason}. See librdkafka's CONFIGURATION.md for properties and values`,
  );
}

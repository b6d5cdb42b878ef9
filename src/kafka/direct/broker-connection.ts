import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { toClientError } from '../errors.ts';
import { NeedsNativeClient } from './needs-native-client.ts';
import { API_VERSIONS, type Api, type ApiRange, FETCH, LIST_OFFSETS, METADATA, readApiVersions, SASL_AUTHENTICATE, SASL_HANDSHAKE } from './requests.ts';
import { saslExchange } from './sasl.ts';
import type { DirectSecurity, SaslCredentials } from './security.ts';
import { Reader, Writer } from './wire.ts';

export interface BrokerConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly security: DirectSecurity;
}

interface Pending {
  readonly correlationId: number;
  readonly resolve: (response: Reader) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const AUTHENTICATION_FAILED = -169;
const TRANSPORT = -195;
const TIMED_OUT = -185;
const UNSUPPORTED_SASL_MECHANISM = 33;

/** Bytes before a response: its length. */
const LENGTH = 4;
/** No broker answers more; what says so is no broker. */
const LARGEST_RESPONSE = 1 << 30;
/** Nor more than this when it is asked what it speaks: a TLS alert would be 300 MB. */
const LARGEST_FIRST_RESPONSE = 1 << 20;

const NO_BROKER = 'is this a Kafka broker, and is security.protocol right?';

/**
 * One connection to one broker, encrypted and authenticated where the configuration says so. Requests may follow each other without waiting: the broker answers in their order. Any
 * failure ends the connection: what is under way rejects, and a new one has to be made.
 */
export class BrokerConnection {
  readonly address: string;
  readonly #options: BrokerConnectionOptions;
  readonly #pending: Pending[] = [];
  #socket: Socket | undefined;
  #apis: readonly ApiRange[] = [];
  #correlationId = 0;
  #largest = LARGEST_FIRST_RESPONSE;
  #failure: Error | undefined;
  /** A response that has arrived in part: its length's bytes, then the response. */
  readonly #length = Buffer.alloc(LENGTH);
  #response: Buffer | undefined;
  #filled = 0;

  constructor(options: BrokerConnectionOptions) {
    this.#options = options;
    this.address = `${options.host}:${options.port}`;
  }

  /** Of an API that can be done without. */
  speaks({ key, version }: Api): boolean {
    const range = this.#apis.find((api) => api.key === key);
    return range !== undefined && range.min <= version && range.max >= version;
  }

  get usable(): boolean {
    return this.#socket !== undefined && this.#failure === undefined;
  }

  /**
   * Connect, authenticate, and see that the broker speaks what is spoken here.
   *
   * @throws KafkaClientError; NeedsNativeClient when the broker is too old
   */
  async open(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const left = (): number => Math.max(1, deadline - performance.now());
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#socket = await this.#connect(left());
      this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
      await this.#checkVersions(left());
      this.#largest = LARGEST_RESPONSE;
      const { sasl } = this.#options.security;
      if (sasl !== null) await this.#authenticate(sasl, left);
    } catch (error) {
      const failure = error instanceof RangeError ? this.#broken(`its answer makes no sense: ${NO_BROKER}`, error) : (error as Error);
      this.#fail(failure);
      throw failure;
    }
  }

  /** Send a request and await its answer, which stands behind the reader's position. @throws KafkaClientError when the connection breaks or the time is over */
  request(api: Api, body: Buffer, timeoutMs: number): Promise<Reader> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined || this.#socket === undefined) {
        reject(this.#failure ?? this.#broken('it is not open'));
        return;
      }
      const correlationId = ++this.#correlationId;
      const timer = setTimeout(() => this.#fail(this.#timedOut(api.name, timeoutMs)), timeoutMs);
      this.#pending.push({ correlationId, resolve, reject, timer });
      const head = new Writer().int32(0).int16(api.key).int16(api.version).int32(correlationId).string(this.#options.clientId).finish();
      head.writeInt32BE(head.length - LENGTH + body.length, 0);
      this.#socket.write(Buffer.concat([head, body]));
    });
  }

  close(): void {
    this.#fail(this.#broken('it was closed'));
  }

  #connect(timeoutMs: number): Promise<Socket> {
    const { host, port, security } = this.#options;
    const at = { host, port, noDelay: true, keepAlive: true };
    // The name that the certificate has to show; of an address Node compares the address itself.
    const named = isIP(host) === 0 ? { servername: host.replace(/[.]$/, '') } : {};
    return new Promise((resolve, reject) => {
      const socket = security.tls === null ? connectTcp(at) : connectTls({ ...at, ...named, ...security.tls });
      // Known before it is connected, so that a close ends it.
      this.#socket = socket;
      const timer = setTimeout(() => socket.destroy(this.#timedOut('connect', timeoutMs)), timeoutMs);
      const failed = (error?: Error): void => {
        clearTimeout(timer);
        const failure = this.#describe(error);
        reject(failure);
        this.#fail(failure);
      };
      socket.on('error', failed);
      socket.once('close', () => failed());
      socket.once(security.tls === null ? 'connect' : 'secureConnect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  async #checkVersions(timeoutMs: number): Promise<void> {
    const { error, apis } = readApiVersions(await this.request(API_VERSIONS, Buffer.alloc(0), timeoutMs));
    if (error !== 0) throw new NeedsNativeClient(`broker ${this.address} does not say what it speaks (Kafka error ${error})`);
    this.#apis = apis;
    for (const api of [METADATA, LIST_OFFSETS, FETCH]) {
      if (!this.speaks(api)) throw new NeedsNativeClient(`broker ${this.address} does not speak version ${api.version} of ${api.name}`);
    }
  }

  async #authenticate(credentials: SaslCredentials, left: () => number): Promise<void> {
    const exchange = saslExchange(credentials);
    const offered = await this.request(SASL_HANDSHAKE, new Writer().string(exchange.mechanism).finish(), left());
    const refused = offered.int16();
    if (refused !== 0) {
      const mechanisms = offered.array(() => offered.string());
      const why = refused === UNSUPPORTED_SASL_MECHANISM ? `it takes ${mechanisms.join(', ')}, not ${exchange.mechanism}` : `Kafka error ${refused}`;
      throw this.#unauthenticated(why);
    }
    for (let message: Buffer | null = exchange.first(); message !== null; ) {
      const answer: Reader = await this.request(SASL_AUTHENTICATE, new Writer().bytes(message).finish(), left());
      const error = answer.int16();
      const text = answer.nullableString();
      if (error !== 0) throw this.#unauthenticated(text ?? `Kafka error ${error}`);
      message = this.#next(exchange.next.bind(exchange), answer.bytes());
    }
  }

  #next(next: (challenge: Buffer) => Buffer | null, challenge: Buffer): Buffer | null {
    try {
      return next(challenge);
    } catch (error) {
      throw this.#unauthenticated((error as Error).message);
    }
  }

  #receive(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#response === undefined) {
        const taken = chunk.copy(this.#length, this.#filled, at);
        this.#filled += taken;
        at += taken;
        if (this.#filled < LENGTH) return;
        const length = this.#length.readInt32BE(0);
        if (length < LENGTH || length > this.#largest) {
          this.#fail(this.#broken(`it answers with ${length} bytes: ${NO_BROKER}`));
          return;
        }
        // Not from Node's pool: views of it live as long as their records.
        this.#response = Buffer.allocUnsafeSlow(length);
        this.#filled = 0;
      }
      const taken = chunk.copy(this.#response, this.#filled, at);
      this.#filled += taken;
      at += taken;
      if (this.#filled < this.#response.length) return;
      const response = this.#response;
      this.#response = undefined;
      this.#filled = 0;
      this.#answer(new Reader(response));
    }
  }

  #answer(response: Reader): void {
    const pending = this.#pending.shift();
    if (pending === undefined || response.int32() !== pending.correlationId) {
      if (pending !== undefined) this.#pending.unshift(pending);
      this.#fail(this.#broken('it answers what was not asked'));
      return;
    }
    clearTimeout(pending.timer);
    pending.resolve(response);
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket?.destroy();
    for (const { reject, timer } of this.#pending.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }

  #describe(error: (Error & { code?: string }) | undefined): Error {
    if (error === undefined) return this.#broken('the broker closed it');
    if (error.code === 'ECONNREFUSED') return this.#broken('connection refused', error);
    if ('kafkaCode' in error) return error;
    return this.#broken(error.message, error);
  }

  #broken(why: string, cause?: Error): Error {
    return toClientError({ message: `connection to ${this.address}: ${why}`, code: TRANSPORT, ...(cause === undefined ? {} : { cause }) }, 'reach a broker');
  }

  #timedOut(what: string, timeoutMs: number): Error {
    return toClientError({ message: `${this.address} did not answer ${what} within ${Math.round(timeoutMs)} ms`, code: TIMED_OUT }, 'reach a broker');
  }

  #unauthenticated(why: string): Error {
    return toClientError({ message: `${this.address}: ${why}`, code: AUTHENTICATION_FAILED }, 'authenticate');
  }
}

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SaslCredentials } from './security.ts';

/** One authentication: `first()` is what the client sends first, `next(challenge)` its answer to each of the broker's messages, null when the exchange is complete. */
export interface SaslExchange {
  readonly mechanism: string;
  first(): Buffer;
  /** @throws Error without secrets when the message is malformed, refuses the client, or does not prove that the broker knows the password. */
  next(challenge: Buffer): Buffer | null;
}

/** Names and passwords are sent as they are given, without SASLprep: neither Kafka's brokers nor its other clients prepare them. */
export function saslExchange(credentials: SaslCredentials, randomNonce: () => string = nonce): SaslExchange {
  if (credentials.mechanism === 'PLAIN') return new Plain(credentials);
  return new Scram(credentials, randomNonce);
}

/** Base64 has no comma, which ends an attribute. */
function nonce(): string {
  return randomBytes(24).toString('base64');
}

/** RFC 4616: all is said in the first message. */
class Plain implements SaslExchange {
  readonly mechanism = 'PLAIN';
  readonly #credentials: SaslCredentials;

  constructor(credentials: SaslCredentials) {
    this.#credentials = credentials;
  }

  first(): Buffer {
    const { username, password } = this.#credentials;
    // It ends a field: what follows it would be read as another.
    if (username.includes('\0') || password.includes('\0')) throw new Error('SASL PLAIN cannot send a user name or a password with a NUL character');
    return Buffer.from(`\0${username}\0${password}`);
  }

  /** The broker answers with nothing; what other servers say there means nothing either. */
  next(): null {
    return null;
  }
}

/** What RFC 7677 asks for, and the least that Kafka stores. Fewer make a recorded exchange cheap to guess the password from. */
const MIN_ITERATIONS = 4096;
/** As librdkafka: a server must not be able to hold the process for as long as it likes. */
const MAX_ITERATIONS = 1_000_000;

/** No channel binding, no authorization id. */
const GS2_HEADER = 'n,,';

const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})(?:,.*)?$/s;
const SERVER_FINAL = /^v=([A-Za-z0-9+/]+={0,2})(?:,.*)?$/s;
const SERVER_ERROR = /^e=([\w-]{1,64})/;

/** RFC 5802 and 7677, without channel binding, which Kafka does not have. */
class Scram implements SaslExchange {
  readonly mechanism: string;
  readonly #hash: 'sha256' | 'sha512';
  readonly #password: string;
  readonly #nonce: string;
  readonly #firstBare: string;
  #state: 'first' | 'final' | 'done' = 'first';
  #serverSignature: Buffer = Buffer.alloc(0);

  constructor({ mechanism, username, password }: SaslCredentials, randomNonce: () => string) {
    this.mechanism = mechanism;
    this.#hash = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512';
    this.#password = password;
    this.#nonce = randomNonce();
    this.#firstBare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#nonce}`;
  }

  first(): Buffer {
    return Buffer.from(GS2_HEADER + this.#firstBare);
  }

  next(challenge: Buffer): Buffer | null {
    const state = this.#state;
    // Whatever goes wrong ends the exchange.
    this.#state = 'done';
    const message = challenge.toString();
    const refused = SERVER_ERROR.exec(message);
    if (refused !== null) throw new Error(`The broker refuses the ${this.mechanism} authentication: ${refused[1]}`);
    if (state === 'first') {
      const answer = this.#prove(message);
      this.#state = 'final';
      return answer;
    }
    if (state === 'final') {
      this.#verify(message);
      return null;
    }
    throw new Error(`The ${this.mechanism} exchange is over, and the broker goes on with it`);
  }

  #prove(serverFirst: string): Buffer {
    if (serverFirst.startsWith('m=')) throw new Error(`The broker asks for an extension of ${this.mechanism} that is not supported`);
    const [, serverNonce, salt, count] = SERVER_FIRST.exec(serverFirst) ?? [];
    if (serverNonce === undefined || salt === undefined) throw new Error(`The broker's first ${this.mechanism} message is malformed`);
    if (!serverNonce.startsWith(this.#nonce) || serverNonce.length === this.#nonce.length) {
      throw new Error(`The broker's ${this.mechanism} nonce does not extend the client's: the message belongs to another exchange`);
    }
    const iterations = Number(count);
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
      throw new Error(`The broker asks for ${iterations} iterations of ${this.mechanism}; ${MIN_ITERATIONS} to ${MAX_ITERATIONS} are allowed`);
    }
    const hash = this.#hash;
    // Synchronous, some milliseconds: it runs once a connection.
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), iterations, hash === 'sha256' ? 32 : 64, hash);
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${serverNonce}`;
    const authMessage = `${this.#firstBare},${serverFirst},${withoutProof}`;
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash(hash).update(clientKey).digest(), authMessage);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)));
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
  }

  #verify(serverFinal: string): void {
    const [, signature] = SERVER_FINAL.exec(serverFinal) ?? [];
    if (signature === undefined) throw new Error(`The broker's last ${this.mechanism} message is malformed`);
    const given = Buffer.from(signature, 'base64');
    if (given.length !== this.#serverSignature.length || !timingSafeEqual(given, this.#serverSignature)) {
      throw new Error(`The broker's ${this.mechanism} signature is wrong: it does not know the password, so it is not the broker that it claims to be`);
    }
  }
}

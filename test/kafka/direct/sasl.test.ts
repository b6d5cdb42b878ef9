import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, it } from 'node:test';
import { type SaslExchange, saslExchange } from '../../../src/kafka/direct/sasl.ts';

const PASSWORD = 'pencil-and-paper';

/** The example of RFC 7677, section 3. */
const RFC_7677 = {
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

function rfc7677(): SaslExchange {
  return saslExchange({ mechanism: 'SCRAM-SHA-256', username: 'user', password: 'pencil' }, () => RFC_7677.nonce);
}

function answer(exchange: SaslExchange, challenge: string): string | undefined {
  return exchange.next(Buffer.from(challenge))?.toString();
}

/** The error's text; it must not hold the password. */
function refusal(call: () => unknown, password = PASSWORD): string {
  try {
    call();
  } catch (error) {
    const { message } = error as Error;
    assert.ok(!message.includes(password), message);
    return message;
  }
  throw new Error('Nothing was thrown');
}

describe('SASL PLAIN', () => {
  it('sends name and password in one message, and takes the empty answer for the end', () => {
    const exchange = saslExchange({ mechanism: 'PLAIN', username: 'tim', password: 'tänstaaftanstaaf' });
    assert.equal(exchange.mechanism, 'PLAIN');
    assert.deepEqual(exchange.first(), Buffer.from('\0tim\0tänstaaftanstaaf', 'utf8'));
    assert.equal(exchange.next(Buffer.alloc(0)), null);
  });

  it('refuses a NUL, which would end the field', () => {
    const exchange = saslExchange({ mechanism: 'PLAIN', username: 'tim\0', password: PASSWORD });
    assert.match(
      refusal(() => exchange.first()),
      /NUL/,
    );
    assert.match(
      refusal(() => saslExchange({ mechanism: 'PLAIN', username: 'tim', password: `${PASSWORD}\0` }).first()),
      /NUL/,
    );
  });
});

describe('SASL SCRAM', () => {
  it('goes through the exchange of RFC 7677', () => {
    const exchange = rfc7677();
    assert.equal(exchange.mechanism, 'SCRAM-SHA-256');
    assert.equal(exchange.first().toString(), RFC_7677.clientFirst);
    assert.equal(answer(exchange, RFC_7677.serverFirst), RFC_7677.clientFinal);
    assert.equal(exchange.next(Buffer.from(RFC_7677.serverFinal)), null);
  });

  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    it(`convinces a server that keeps only the stored keys, and is convinced by it: ${mechanism}`, () => {
      const exchange = saslExchange({ mechanism, username: 'a,b=c', password: PASSWORD });
      const server = new Server(mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512', PASSWORD);
      const first = exchange.first().toString();
      assert.match(first, /^n,,n=a=2Cb=3Dc,r=[^,]{32}$/);
      const final = answer(exchange, server.first(first));
      assert.equal(answer(exchange, server.final(final ?? '')), undefined);
    });
  }

  it('has a new nonce for every exchange', () => {
    const [a, b] = [0, 1].map(() => saslExchange({ mechanism: 'SCRAM-SHA-512', username: 'u', password: PASSWORD }).first().toString());
    assert.notEqual(a, b);
  });

  it('does not believe a server that does not know the password', () => {
    const wrong = [
      RFC_7677.serverFinal.replace('6rri', '6rrj'),
      `v=${Buffer.alloc(32).toString('base64')}`,
      `v=${Buffer.alloc(8).toString('base64')}`,
      RFC_7677.serverFinal.replace('v=6rri', 'v='),
    ];
    for (const serverFinal of wrong) {
      const exchange = rfc7677();
      answer(exchange, RFC_7677.serverFirst);
      assert.match(
        refusal(() => answer(exchange, serverFinal), 'pencil'),
        /signature is wrong/,
      );
    }
  });

  it('says that the broker refuses, and with which word', () => {
    const exchange = rfc7677();
    answer(exchange, RFC_7677.serverFirst);
    assert.match(
      refusal(() => answer(exchange, 'e=invalid-proof'), 'pencil'),
      /refuses the SCRAM-SHA-256 authentication: invalid-proof$/,
    );
    assert.match(
      refusal(() => answer(rfc7677(), 'e=unknown-user'), 'pencil'),
      /unknown-user$/,
    );
  });

  const first = RFC_7677.serverFirst;
  const malformed: readonly [what: string, message: string, error: RegExp][] = [
    ['nothing', '', /first SCRAM-SHA-256 message is malformed/],
    ['no salt', first.replace(/,s=[^,]*/, ''), /malformed/],
    ['an empty salt', first.replace(/,s=[^,]*/, ',s='), /malformed/],
    ['a salt that is not base64', first.replace(/,s=[^,]*/, ',s=*'), /malformed/],
    ['no iteration count', first.replace(/,i=.*/, ''), /malformed/],
    ['an iteration count that is no number', first.replace(/,i=.*/, ',i=4096x'), /malformed/],
    ['the attributes in another order', 's=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqOxyz,i=4096', /malformed/],
    ['an extension that must be understood', `m=x,${first}`, /extension/],
    ['too few iterations', first.replace('i=4096', 'i=4095'), /4095 iterations/],
    ['iterations without end', first.replace('i=4096', 'i=1000000001'), /1000000001 iterations/],
    ["another exchange's nonce", first.replace('r=rO', 'r=rP'), /nonce/],
    ["the client's nonce and nothing more", `r=${RFC_7677.nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`, /nonce/],
  ];
  for (const [what, message, error] of malformed) {
    it(`refuses a first message with ${what}`, () => {
      assert.match(
        refusal(() => answer(rfc7677(), message), 'pencil'),
        error,
      );
    });
  }

  it('refuses a last message that is malformed, and whatever comes after the end', () => {
    const exchange = rfc7677();
    answer(exchange, RFC_7677.serverFirst);
    assert.match(
      refusal(() => answer(exchange, RFC_7677.serverFirst), 'pencil'),
      /last SCRAM-SHA-256 message is malformed/,
    );
    // A broker that fails does not get a second try.
    assert.match(
      refusal(() => answer(exchange, RFC_7677.serverFinal), 'pencil'),
      /is over/,
    );
  });
});

/** The server's side of RFC 5802, section 3, from what a server stores. */
class Server {
  readonly #hash: string;
  readonly #salt = Buffer.from('0123456789abcdef');
  readonly #storedKey: Buffer;
  readonly #serverKey: Buffer;
  #said = '';
  #nonce = '';

  constructor(hash: 'sha256' | 'sha512', password: string) {
    this.#hash = hash;
    const salted = pbkdf2Sync(password, this.#salt, 8192, hash === 'sha256' ? 32 : 64, hash);
    this.#storedKey = createHash(hash).update(this.#hmac(salted, 'Client Key')).digest();
    this.#serverKey = this.#hmac(salted, 'Server Key');
  }

  first(clientFirst: string): string {
    const bare = clientFirst.slice('n,,'.length);
    this.#nonce = `${bare.slice(bare.indexOf(',r=') + 3)}%server`;
    const first = `r=${this.#nonce},s=${this.#salt.toString('base64')},i=8192`;
    this.#said = `${bare},${first}`;
    return first;
  }

  final(clientFinal: string): string {
    const [withoutProof, proof] = clientFinal.split(',p=') as [string, string];
    assert.equal(withoutProof, `c=biws,r=${this.#nonce}`);
    const authMessage = `${this.#said},${withoutProof}`;
    const signature = this.#hmac(this.#storedKey, authMessage);
    const clientKey = Buffer.from(proof, 'base64').map((byte, i) => byte ^ (signature[i] ?? 0));
    assert.deepEqual(createHash(this.#hash).update(clientKey).digest(), this.#storedKey);
    return `v=${this.#hmac(this.#serverKey, authMessage).toString('base64')}`;
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SerializationError } from '../../src/errors.ts';
import type { Serde } from '../../src/serdes/serde.ts';
import { serdes } from '../../src/serdes/serdes.ts';

/** Bytes that Kafka 4.3's own Java serdes wrote for these values. */
const JAVA: [what: string, serde: Serde<unknown>, value: unknown, hex: string][] = [
  ['string', serdes.string as Serde<unknown>, 'aé€😀', '61c3a9e282acf09f9880'],
  ['long, the least safe one', serdes.long as Serde<unknown>, Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ['long, the greatest safe one', serdes.long as Serde<unknown>, Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
  ['long -1', serdes.long as Serde<unknown>, -1, 'ffffffffffffffff'],
  ['long -2^32', serdes.long as Serde<unknown>, -4294967296, 'ffffffff00000000'],
  ['long 2^31', serdes.long as Serde<unknown>, 2147483648, '0000000080000000'],
  ['bigint', serdes.bigint as Serde<unknown>, -(2n ** 63n), '8000000000000000'],
  ['integer', serdes.integer as Serde<unknown>, -2147483648, '80000000'],
  ['short', serdes.short as Serde<unknown>, -2, 'fffe'],
  ['double', serdes.double as Serde<unknown>, -0.1, 'bfb999999999999a'],
  ['float', serdes.float as Serde<unknown>, 1.5, '3fc00000'],
  ['boolean', serdes.boolean as Serde<unknown>, true, '01'],
  ['uuid', serdes.uuid as Serde<unknown>, '00112233-4455-6677-8899-aabbccddeeff', '30303131323233332d343435352d363637372d383839392d616162626363646465656666'],
  ['list of longs', serdes.list(serdes.long) as Serde<unknown>, [1, null, -2], '000000000100000001000000030000000000000001fffffffffffffffe'],
  ['list of shorts', serdes.list(serdes.short) as Serde<unknown>, [258, -1], '0000000000000000020102ffff'],
  ['list of strings', serdes.list(serdes.string) as Serde<unknown>, ['a', null, '', 'é'], '01000000040000000161ffffffff0000000000000002c3a9'],
  ['empty list', serdes.list(serdes.string) as Serde<unknown>, [], '0100000000'],
  ['list of booleans', serdes.list(serdes.boolean) as Serde<unknown>, [true, null, false], '01000000030000000101ffffffff0000000100'],
  [
    'list of uuids',
    serdes.list(serdes.uuid) as Serde<unknown>,
    ['00112233-4455-6677-8899-aabbccddeeff', null],
    '0000000001000000010000000230303131323233332d343435352d363637372d383839392d616162626363646465656666',
  ],
  [
    'time window',
    serdes.timeWindowed(serdes.string, 10) as Serde<unknown>,
    { key: 'k', window: { start: 1700000000000, end: 1700000000010 } },
    '6b0000018bcfe56800',
  ],
  [
    'session',
    serdes.sessionWindowed(serdes.string) as Serde<unknown>,
    { key: 'k', window: { start: 1700000000000, end: 1700000300000 } },
    '6b0000018bcfe9fbe00000018bcfe56800',
  ],
];

describe("serdes write and read Java's bytes", () => {
  for (const [what, serde, value, hex] of JAVA) {
    it(what, () => {
      assert.equal(serde.serialize('t', value).toString('hex'), hex);
      // A view into a larger buffer, as the client hands out.
      const larger = Buffer.concat([Buffer.from('ff', 'hex'), Buffer.from(hex, 'hex'), Buffer.from('ff', 'hex')]);
      assert.deepEqual(serde.deserialize('t', larger.subarray(1, larger.length - 1)), value);
    });
  }
});

function refuses(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof SerializationError);
    assert.equal(error.code, 'ERR_SERIALIZATION');
    assert.equal(error.topic, 'orders');
    assert.match(error.message, message);
    assert.match(error.message, /\[topic orders\]/);
    return true;
  });
}

describe('serdes refuse what they cannot hold, naming serde and topic', () => {
  it('encoding', () => {
    refuses(() => serdes.string.serialize('orders', 5 as unknown as string), /The string serde cannot encode.*the number 5/);
    refuses(() => serdes.long.serialize('orders', 2 ** 53), /The long serde .*serdes.bigint/);
    refuses(() => serdes.long.serialize('orders', 1.5), /The long serde .*the number 1.5/);
    refuses(() => serdes.bigint.serialize('orders', 2n ** 63n), /The bigint serde/);
    refuses(() => serdes.integer.serialize('orders', 2 ** 31), /The integer serde/);
    refuses(() => serdes.short.serialize('orders', 32768), /The short serde/);
    refuses(() => serdes.boolean.serialize('orders', 1 as unknown as boolean), /The boolean serde/);
    refuses(() => serdes.uuid.serialize('orders', 'no'), /The uuid serde/);
    refuses(() => serdes.bytes.serialize('orders', 'no' as unknown as Buffer), /The bytes serde/);
    refuses(() => serdes.void.serialize('orders', 1 as unknown as null), /The void serde/);
    refuses(() => serdes.json<unknown>().serialize('orders', undefined), /The json serde .*undefined/);
    refuses(() => serdes.json<unknown>().serialize('orders', { n: 1n }), /The json serde .*BigInt/);
  });

  it('decoding', () => {
    const three = Buffer.from([1, 2, 3]);
    for (const serde of [serdes.long, serdes.bigint, serdes.integer, serdes.short, serdes.double, serdes.float, serdes.boolean] as Serde<unknown>[]) {
      refuses(() => serde.deserialize('orders', three), new RegExp(`The ${serde.name} serde cannot decode this record: it has 3 bytes`));
    }
    refuses(() => serdes.boolean.deserialize('orders', Buffer.of(2)), /byte is 2/);
    refuses(() => serdes.uuid.deserialize('orders', three), /The uuid serde/);
    refuses(() => serdes.void.deserialize('orders', three), /The void serde/);
    refuses(() => serdes.list(serdes.long).deserialize('orders', Buffer.from('0100000000', 'hex')), /The list<long> serde .*strategy byte is 1/);
    refuses(() => serdes.list(serdes.string).deserialize('orders', Buffer.from('010000000100000009', 'hex')), /entry of 9 bytes/);
    refuses(() => serdes.list(serdes.string).deserialize('orders', Buffer.of(1)), /The list<string> serde/);
    refuses(() => serdes.timeWindowed(serdes.string, 10).deserialize('orders', three), /The timeWindowed<string> serde .*3 bytes/);
    refuses(() => serdes.sessionWindowed(serdes.string).deserialize('orders', three), /The sessionWindowed<string> serde .*3 bytes/);
  });

  it('a long beyond 2^53 is an error, not a wrong number', () => {
    refuses(() => serdes.long.deserialize('orders', serdes.bigint.serialize('orders', 2n ** 53n)), /serdes.bigint/);
    refuses(() => serdes.long.deserialize('orders', serdes.bigint.serialize('orders', -(2n ** 63n))), /serdes.bigint/);
  });
});

describe('json', () => {
  it('keeps non-ASCII text', () => {
    const serde = serdes.json<{ name: string }>();
    assert.deepEqual(serde.deserialize('t', serde.serialize('t', { name: 'é€😀' })), { name: 'é€😀' });
  });

  it('revives and replaces', () => {
    const serde = serdes.json<{ at: Date }>({ reviver: (key, value) => (key === 'at' ? new Date(value as string) : value) });
    assert.deepEqual(serde.deserialize('t', serde.serialize('t', { at: new Date(5) })), { at: new Date(5) });
    const hiding = serdes.json<{ a: number; b: number }>({ replacer: (key, value) => (key === 'b' ? undefined : value) });
    assert.equal(hiding.serialize('t', { a: 1, b: 2 }).toString(), '{"a":1}');
  });

  it('validates, and keeps the payload out of the message', () => {
    const serde = serdes.json<{ n: number }>({
      validate: (value) => {
        if (typeof (value as { n?: unknown }).n !== 'number') throw new TypeError('n must be a number');
        return value as { n: number };
      },
    });
    assert.deepEqual(serde.deserialize('t', Buffer.from('{"n":1}')), { n: 1 });
    refuses(() => serde.deserialize('orders', Buffer.from('{"n":"secret"}')), /validate\(\) refused it/);
    assert.throws(
      () => serde.deserialize('orders', Buffer.from('secret')),
      (error: Error) => !error.message.includes('secret') && error.cause instanceof SyntaxError,
    );
  });
});

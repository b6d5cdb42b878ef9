import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError, SerializationError } from '../../src/errors.ts';
import { optionalModule } from '../../src/serdes/optional-module.ts';
import { serdes } from '../../src/serdes/serdes.ts';

interface View {
  user: string;
  at: number;
}

const schema = {
  type: 'record',
  name: 'View',
  namespace: 'shop',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'at', type: 'long' },
  ],
};

describe('avro', () => {
  const serde = serdes.avro<View>(schema);

  it('writes plain Avro binary', () => {
    const data = serde.serialize('t', { user: 'ab', at: -1 });
    assert.equal(data.toString('hex'), '04616201');
    assert.deepEqual({ ...serde.deserialize('t', data) }, { user: 'ab', at: -1 });
  });

  it('takes the schema as text', () => {
    assert.equal(serdes.avro<View>(JSON.stringify(schema)).name, 'avro<shop.View>');
    assert.equal(serdes.avro<string>('string').deserialize('t', Buffer.from('0261', 'hex')), 'a');
  });

  it('names the field that does not fit, not its value', () => {
    assert.throws(
      () => serde.serialize('orders', { user: 'secret', at: 'secret' } as unknown as View),
      (error: unknown) =>
        error instanceof SerializationError && /avro<shop.View> serde .*at is no long.*topic orders/.test(error.message) && !error.message.includes('secret'),
    );
  });

  it('refuses bytes of another shape', () => {
    assert.throws(() => serde.deserialize('orders', Buffer.from('0461', 'hex')), /avro<shop.View> serde cannot decode.*topic orders/);
    assert.throws(() => serde.deserialize('orders', Buffer.from('0461620100', 'hex')), SerializationError);
  });

  it('refuses a schema that is not valid', () => {
    assert.throws(
      () => serdes.avro({ type: 'nonsense' }),
      (error: unknown) => error instanceof ConfigError && /schema is not valid/.test(error.message),
    );
    assert.throws(() => serdes.avro('{"type":'), ConfigError);
  });

  it('says what to install when its library is absent', () => {
    assert.throws(
      () => optionalModule('no-such-package-of-millrace', 'serdes.avro'),
      (error: unknown) => error instanceof ConfigError && /serdes.avro needs the package .*npm install no-such-package-of-millrace/.test(error.message),
    );
  });
});

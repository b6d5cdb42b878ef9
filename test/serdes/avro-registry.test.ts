import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ConfigError, SerializationError } from '../../src/errors.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { type StubRegistry, startSchemaRegistry } from '../support/schema-registry.ts';

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
const later = { ...schema, fields: [...schema.fields, { name: 'url', type: 'string', default: '/' }] };
const FAST = { retryBackoff: 1, requestTimeout: 200 } as const;

describe('avroRegistry', () => {
  let registry: StubRegistry;
  const secret = { username: 'app', password: 'hush-hush' };
  const options = () => ({ host: registry.host, auth: secret, ...FAST });

  before(async () => {
    registry = await startSchemaRegistry(secret);
  });
  after(() => registry.close());
  beforeEach(() => {
    registry.intercept = undefined;
    registry.requests.length = 0;
  });

  it('registers before encoding and writes the Confluent wire format', async () => {
    const serde = serdes.avroRegistry<View>({ registry: options(), schema });
    await serde.prepareEncode?.(['views']);
    const data = serde.serialize('views', { user: 'ab', at: -1 });
    const id = registry.register('views-value', schema);
    assert.equal(data.toString('hex'), `00${id.toString(16).padStart(8, '0')}04616201`);
    await serde.prepareEncode?.(['views']);
    assert.equal(registry.requests.filter((line) => line === 'POST /subjects/views-value/versions').length, 1, 'once for each topic');
    assert.ok(!registry.requests.some((line) => line.startsWith('PUT /config')), "the subject's compatibility level is left alone");
  });

  it('registers under a subject that has a compatibility level of its own', async () => {
    registry.levels.set('strict-value', 'FULL_TRANSITIVE');
    const serde = serdes.avroRegistry<View>({ registry: options(), schema });
    await serde.prepareEncode?.(['strict']);
    assert.ok(serde.serialize('strict', { user: 'a', at: 1 }).length > 5);
    assert.equal(registry.levels.get('strict-value'), 'FULL_TRANSITIVE');
  });

  it('fetches the unknown ids of a batch once, and reads each record with its own schema', async () => {
    const writer = serdes.avroRegistry<View>({ registry: options(), schema });
    const laterWriter = serdes.avroRegistry<View & { url: string }>({ registry: options(), schema: later });
    await writer.prepareEncode?.(['views']);
    await laterWriter.prepareEncode?.(['views']);
    const old = writer.serialize('views', { user: 'ab', at: 5 });
    const recent = laterWriter.serialize('views', { user: 'cd', at: 6, url: '/x' });

    const reader = serdes.avroRegistry<View>({ registry: options() });
    const batch = [old, recent, old, recent].map((data) => ({ topic: 'views', data }));
    registry.requests.length = 0;
    await Promise.all([reader.prepare?.(batch), reader.prepare?.(batch)]);
    await reader.prepare?.(batch);
    assert.equal(registry.requests.length, 2);
    assert.deepEqual({ ...reader.deserialize('views', old) }, { user: 'ab', at: 5 });
    assert.deepEqual({ ...reader.deserialize('views', recent) }, { user: 'cd', at: 6, url: '/x' });

    await laterWriter.prepare?.(batch);
    assert.deepEqual({ ...laterWriter.deserialize('views', old) }, { user: 'ab', at: 5, url: '/' }, 'resolved into the schema given');
  });

  it('reads what earlier versions of the application wrote to a store, without a batch that announces it', async () => {
    const idOf = (fields: readonly object[]) => registry.register('app-views-changelog-value', { ...schema, fields });
    idOf([]);
    const old = idOf(schema.fields);
    registry.deleted.add('app-views-changelog-value/1');
    const serde = serdes.avroRegistry<View & { url: string }>({ registry: options(), schema: later });
    await serde.prepareEncode?.(['app-views-changelog']);
    const stored = Buffer.from(`00${old.toString(16).padStart(8, '0')}04616201`, 'hex');
    assert.deepEqual({ ...serde.deserialize('app-views-changelog', stored) }, { user: 'ab', at: -1, url: '/' });
    const own = serde.serialize('app-views-changelog', { user: 'a', at: 1, url: '/u' });
    assert.equal(serde.deserialize('app-views-changelog', own).url, '/u');
  });

  it('encodes values larger than its scratch space', async () => {
    const serde = serdes.avroRegistry<View>({ registry: options(), schema });
    await serde.prepareEncode?.(['views']);
    const user = 'x'.repeat(10_000);
    const large = serde.serialize('views', { user, at: 1 });
    const small = serde.serialize('views', { user: 'a', at: 1 });
    await serde.prepare?.([{ topic: 'views', data: large }]);
    assert.equal(serde.deserialize('views', large).user, user);
    assert.equal(serde.deserialize('views', small).user, 'a');
  });

  it('has subject strategies', async () => {
    const subjectOf = async (extra: object) => {
      registry.requests.length = 0;
      await serdes.avroRegistry<View>({ registry: options(), schema, ...extra }).prepareEncode?.(['views']);
      return /POST \/subjects\/([^/]+)\/versions/.exec(registry.requests.join('\n'))?.[1];
    };
    assert.equal(await subjectOf({}), 'views-value');
    assert.equal(await subjectOf({ isKey: true }), 'views-key');
    assert.equal(await subjectOf({ subjectStrategy: 'record' }), 'shop.View');
    assert.equal(await subjectOf({ subjectStrategy: 'topic-record' }), 'views-shop.View');
    assert.equal(await subjectOf({ subjectStrategy: (topic: string, name: string, isKey: boolean) => `${topic}.${name}.${isKey}` }), 'views.shop.View.false');
  });

  it('does not register when told so', async () => {
    const serde = serdes.avroRegistry<View>({ registry: options(), schema, autoRegister: false });
    await assert.rejects(async () => serde.prepareEncode?.(['absent']), /subject absent-value.*does not exist there \(404/);
    const id = registry.register('present-value', schema);
    await serde.prepareEncode?.(['present']);
    assert.equal(serde.serialize('present', { user: 'a', at: 1 }).readInt32BE(1), id);
  });

  it('refuses to encode for a topic that nobody named, unless the option does', async () => {
    const serde = serdes.avroRegistry<View>({ registry: options(), schema, topics: ['dynamic'] });
    await serde.prepareEncode?.([]);
    assert.ok(serde.serialize('dynamic', { user: 'a', at: 1 }));
    assert.throws(() => serde.serialize('unnamed', { user: 'a', at: 1 }), /avroRegistry<shop.View> serde .*option "topics".*topic unnamed/);
    assert.throws(() => serdes.avroRegistry<View>({ registry: options() }).serialize('t', { user: 'a', at: 1 }), /without a schema/);
  });

  it('retries what passes, and says how often it tried what does not', async () => {
    const serde = serdes.avroRegistry<View>({ registry: { ...options(), retries: 3 }, schema });
    let failures = 2;
    registry.intercept = (line) => (line.includes('/versions') && failures-- > 0 ? 503 : undefined);
    await serde.prepareEncode?.(['retried']);
    assert.ok(serde.serialize('retried', { user: 'a', at: 1 }));
    registry.intercept = () => 500;
    await assert.rejects(async () => serde.prepareEncode?.(['other']), /subject other-value.*answer 500 after 4 attempts: stub says 500/);
  });

  it('gives up on a registry that hangs or is not there', async () => {
    registry.intercept = () => 'hang';
    const batch = [{ topic: 'views', data: Buffer.from('000000000104616201', 'hex') }];
    const hanging = serdes.avroRegistry<View>({ registry: { ...options(), retries: 1, requestTimeout: 50 } });
    await assert.rejects(
      async () => hanging.prepare?.(batch),
      (error: unknown) => error instanceof SerializationError && /not reached after 2 attempts: Timeout/.test(error.message),
    );
    const absent = serdes.avroRegistry<View>({ registry: { host: 'http://127.0.0.1:1', retries: 1, ...FAST } });
    await assert.rejects(async () => absent.prepare?.(batch), /not reached after 2 attempts: .*ECONNREFUSED/);
  });

  it('an id that the registry does not know fails its record alone, and is asked for again', async () => {
    const serde = serdes.avroRegistry<View>({ registry: options(), schema });
    await serde.prepareEncode?.(['views']);
    const good = serde.serialize('views', { user: 'a', at: 1 });
    const poison = Buffer.from('0000ffffff04616201', 'hex');
    await serde.prepare?.([good, poison].map((data) => ({ topic: 'views', data })));
    assert.equal(serde.deserialize('views', good).user, 'a');
    assert.throws(() => serde.deserialize('views', poison), /schema 16777215 cannot be used: .*404.*topic views/);
    registry.requests.length = 0;
    await serde.prepare?.([{ topic: 'views', data: poison }]);
    assert.deepEqual(registry.requests, ['GET /schemas/ids/16777215']);
  });

  it('refuses bytes that are not in its format', async () => {
    const serde = serdes.avroRegistry<View>({ registry: options(), schema });
    await serde.prepareEncode?.(['views']);
    const good = serde.serialize('views', { user: 'a', at: 1 });
    await serde.prepare?.([Buffer.from('{}'), Buffer.alloc(0), good].map((data) => ({ topic: 'views', data })));
    assert.throws(() => serde.deserialize('views', Buffer.from('{"a":1}')), /begins with the byte 123.*topic views/);
    assert.throws(() => serde.deserialize('views', Buffer.from('00', 'hex')), /has 1 bytes/);
    assert.throws(() => serde.deserialize('views', good.subarray(0, good.length - 1)), /does not fit the schema \d+: it ends too early/);
    assert.throws(() => serde.deserialize('views', Buffer.concat([good, Buffer.of(0)])), /1 bytes are left over/);
    assert.throws(() => serdes.avroRegistry<View>({ registry: options() }).deserialize('views', good), /await prepare\(batch\)/);
    assert.throws(() => serde.serialize('views', { user: 'a' } as View), /at is no long/);
  });

  it('never shows credentials', async () => {
    const inUrl = registry.host.replace('http://', 'http://app:hush-hush@');
    const works = serdes.avroRegistry<View>({ registry: { host: inUrl, ...FAST }, schema });
    await works.prepareEncode?.(['with-url']);
    const refused = serdes.avroRegistry<View>({ registry: { host: registry.host, auth: { username: 'app', password: 'wrong-hush' }, ...FAST }, schema });
    await assert.rejects(
      async () => refused.prepareEncode?.(['refused']),
      (error: unknown) => {
        assert.ok(error instanceof SerializationError);
        assert.match(error.message, /access refused \(401\); check registry.auth/);
        const { inspect } = process.getBuiltinModule('node:util');
        for (const shown of [inspect(error, { depth: 10 }), inspect(refused, { depth: 10, showHidden: false }), JSON.stringify(refused)])
          assert.doesNotMatch(shown, /hush/);
        return true;
      },
    );
    registry.intercept = () => 500;
    const broken = serdes.avroRegistry<View>({ registry: { host: inUrl, retries: 0, ...FAST }, schema });
    await assert.rejects(
      async () => broken.prepareEncode?.(['x']),
      (error: Error) => !error.message.includes('hush'),
    );
  });

  it('refuses a host that is no URL, without showing it', () => {
    assert.throws(
      () => serdes.avroRegistry({ registry: { host: 'app:hush@registry' } }),
      (error: unknown) => error instanceof ConfigError && !error.message.includes('hush'),
    );
  });
});

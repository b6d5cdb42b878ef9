import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { connect, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { ConfigError } from '../../../src/errors.ts';
import { type DirectSecurity, directSecurity } from '../../../src/kafka/direct/security.ts';
import { type Issued, issueCertificate, keyPem } from '../../support/certificates.ts';

type Properties = Parameters<typeof directSecurity>[0];

const SECRET = 'hunter22-hunter22';
const SCRAM = { 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.username': 'alice', 'sasl.password': SECRET };

function supported(properties: Properties): DirectSecurity {
  const security = directSecurity(properties);
  if ('unsupported' in security) throw new Error(`${security.unsupported} is unsupported`);
  return security;
}

function unsupported(properties: Properties): string | undefined {
  const security = directSecurity(properties);
  return 'unsupported' in security ? security.unsupported : undefined;
}

/** The message, which must not hold the secret. */
function refusal(properties: Properties): string {
  try {
    directSecurity(properties);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.ok(!error.message.includes(SECRET), error.message);
    return error.message;
  }
  throw new Error('Nothing was thrown');
}

describe('directSecurity: protocol and credentials', () => {
  it('is nothing by default', () => {
    assert.deepEqual(directSecurity({ 'bootstrap.servers': 'a:1', 'client.id': 'c' }), { tls: null, sasl: null });
    assert.deepEqual(directSecurity({ 'security.protocol': 'PLAINTEXT' }), { tls: null, sasl: null });
  });

  it('takes the protocol in any case', () => {
    for (const protocol of ['sasl_plaintext', 'SASL_PLAINTEXT', ' Sasl_Plaintext ']) {
      assert.deepEqual(supported({ 'security.protocol': protocol, ...SCRAM }), {
        tls: null,
        sasl: { mechanism: 'SCRAM-SHA-512', username: 'alice', password: SECRET },
      });
    }
    const both = supported({ 'security.protocol': 'SASL_SSL', ...SCRAM });
    assert.ok(both.tls !== null && both.sasl !== null);
    const ssl = supported({ 'security.protocol': 'Ssl', ...SCRAM });
    assert.ok(ssl.tls !== null);
    // librdkafka does not use them either.
    assert.equal(ssl.sasl, null);
  });

  it('knows both names of the mechanism; the one given last counts', () => {
    const credentials = { 'security.protocol': 'sasl_plaintext', 'sasl.username': 'alice', 'sasl.password': 12345 };
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      assert.equal(supported({ ...credentials, 'sasl.mechanisms': mechanism }).sasl?.mechanism, mechanism);
    }
    const { sasl } = supported({ ...credentials, 'sasl.mechanisms': 'GSSAPI', 'sasl.mechanism': 'PLAIN' });
    assert.deepEqual(sasl, { mechanism: 'PLAIN', username: 'alice', password: '12345' });
    assert.equal(unsupported({ ...credentials, 'sasl.mechanism': 'PLAIN', 'sasl.mechanisms': 'GSSAPI' }), 'sasl.mechanisms');
  });

  it('asks for the credentials that are missing', () => {
    const sasl = { 'security.protocol': 'sasl_plaintext', ...SCRAM };
    assert.match(refusal({ ...sasl, 'sasl.username': '' }), /SCRAM-SHA-512 needs credentials: set sasl\.username/);
    assert.match(refusal({ ...sasl, 'sasl.password': undefined }), /set sasl\.password/);
  });
});

describe('directSecurity: what only librdkafka can do', () => {
  const cases: readonly Properties[] = [
    { 'security.protocol': 'kerberos' },
    { 'security.protocol': 'constructor' },
    // The default mechanism is GSSAPI.
    { 'sasl.mechanisms': undefined, 'security.protocol': 'sasl_plaintext', 'sasl.username': 'a', 'sasl.password': SECRET },
    ...['GSSAPI', 'OAUTHBEARER', 'SCRAM-SHA-1', 'plain'].map((mechanism) => ({ 'sasl.mechanism': mechanism, 'security.protocol': 'sasl_plaintext' })),
    ...[
      'sasl.kerberos.service.name',
      'sasl.kerberos.principal',
      'sasl.kerberos.kinit.cmd',
      'sasl.kerberos.keytab',
      'sasl.kerberos.min.time.before.relogin',
      'sasl.oauthbearer.config',
      'sasl.oauthbearer.method',
      'sasl.oauthbearer.client.id',
      'sasl.oauthbearer.client.credentials.client.id',
      'sasl.oauthbearer.client.credentials.client.secret',
      'sasl.oauthbearer.client.secret',
      'sasl.oauthbearer.scope',
      'sasl.oauthbearer.extensions',
      'sasl.oauthbearer.token.endpoint.url',
      'sasl.oauthbearer.sub.claim.name',
      'sasl.oauthbearer.grant.type',
      'sasl.oauthbearer.assertion.algorithm',
      'sasl.oauthbearer.assertion.private.key.file',
      'sasl.oauthbearer.assertion.private.key.passphrase',
      'sasl.oauthbearer.assertion.private.key.pem',
      'sasl.oauthbearer.assertion.file',
      'sasl.oauthbearer.assertion.claim.aud',
      'sasl.oauthbearer.assertion.claim.exp.seconds',
      'sasl.oauthbearer.assertion.claim.iss',
      'sasl.oauthbearer.assertion.claim.jti.include',
      'sasl.oauthbearer.assertion.claim.nbf.seconds',
      'sasl.oauthbearer.assertion.claim.sub',
      'sasl.oauthbearer.assertion.jwt.template.file',
      'sasl.oauthbearer.metadata.authentication.type',
      'sasl.jaas.config',
      'ssl.ca.certificate.stores',
      'ssl.crl.location',
      'ssl.keystore.location',
      'ssl.keystore.password',
      'ssl.providers',
      'ssl.engine.location',
      'ssl.engine.id',
      'ssl.certificate.verify_cb',
      'ssl.truststore.location',
    ].map((name) => ({ [name]: SECRET, 'security.protocol': 'sasl_ssl', ...SCRAM })),
    { 'enable.sasl.oauthbearer.unsecure.jwt': true, 'security.protocol': 'sasl_plaintext', ...SCRAM },
    { 'ssl.endpoint.identification.algorithm': 'http', 'security.protocol': 'ssl' },
    { 'enable.ssl.certificate.verification': 'yes', 'security.protocol': 'ssl' },
    // librdkafka leaves the suites of TLS 1.3 alone.
    { 'ssl.cipher.suites': 'ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256', 'security.protocol': 'ssl' },
  ];
  for (const properties of cases) {
    const [name, value] = Object.entries(properties)[0] as [string, unknown];
    it(`${name}${value === SECRET ? '' : ` ${value}`}`, () => assert.equal(unsupported(properties), name));
  }

  it('but not what is there without being set', () => {
    const properties = { 'security.protocol': 'sasl_plaintext', ...SCRAM, 'enable.sasl.oauthbearer.unsecure.jwt': false, 'ssl.providers': '' };
    assert.equal(unsupported({ ...properties, 'ssl.engine.id': undefined }), undefined);
  });
});

describe('directSecurity: TLS', () => {
  let folder: string;
  let ca: Issued;
  let client: Issued;
  let broker: Issued;
  const servers: Server[] = [];
  const path = (name: string): string => join(folder, name);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-security-'));
    ca = issueCertificate({ name: 'A test CA', ca: true });
    broker = issueCertificate({ name: 'broker', issuer: ca, hosts: ['broker.test', '127.0.0.1'] });
    client = issueCertificate({ name: 'client', issuer: ca });
    writeFileSync(path('ca.pem'), `The CA, with a word around it\n${ca.certificate}`);
    writeFileSync(path('other-ca.pem'), issueCertificate({ name: 'Another CA', ca: true }).certificate);
    writeFileSync(path('client.pem'), client.certificate);
    writeFileSync(path('client.key'), keyPem(client.key));
    writeFileSync(path('client-encrypted.key'), keyPem(client.key, SECRET));
    writeFileSync(path('broker.key'), keyPem(broker.key));
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  after(() => rmSync(folder, { recursive: true }));

  const listen = async (options: TlsOptions = {}): Promise<number> => {
    const server = createServer({ key: keyPem(broker.key), cert: broker.certificate, ca: ca.certificate, ...options }, (socket) => {
      socket.on('error', () => {});
      socket.end(String(socket.getPeerCertificate().subject?.CN ?? 'nobody'));
    });
    server.on('tlsClientError', () => {});
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };

  interface Handshake {
    /** Whom the broker takes the client for. */
    readonly client: string;
    readonly protocol: string | null;
    readonly cipher: string;
    readonly curve: string | undefined;
  }

  /** Rejects with OpenSSL's or Node's code. */
  const handshake = (port: number, properties: Properties, servername?: string): Promise<Handshake> =>
    new Promise((resolve, reject) => {
      const { tls } = supported({ 'security.protocol': 'ssl', ...properties });
      assert.ok(tls !== null);
      let said = '';
      const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername, ...tls }, () => {
        const { name: cipher } = socket.getCipher();
        const { name: curve } = socket.getEphemeralKeyInfo() as { name?: string };
        const protocol = socket.getProtocol();
        socket.on('data', (data) => {
          said += data;
        });
        socket.on('end', () => resolve({ client: said, protocol, cipher, curve }));
      });
      socket.on('error', reject);
    });

  it('trusts the CA of a file, of a directory with hashed names, of a string, or of more than one of them', async () => {
    const port = await listen();
    mkdirSync(path('hashed'));
    writeFileSync(path('hashed/0a1b2c3d.0'), ca.certificate);
    writeFileSync(path('hashed/README'), 'no certificate');
    for (const trusting of [
      { 'ssl.ca.location': path('ca.pem') },
      { 'ssl.ca.location': path('hashed') },
      { 'ssl.ca.pem': ca.certificate },
      { 'ssl.ca.location': path('other-ca.pem'), 'ssl.ca.pem': ca.certificate },
      { 'ssl.ca.location': 'probe', 'ssl.ca.pem': ca.certificate },
    ]) {
      assert.equal((await handshake(port, trusting)).client, 'nobody');
    }
  });

  it('trusts nobody else', async () => {
    const port = await listen();
    const code = 'SELF_SIGNED_CERT_IN_CHAIN';
    await assert.rejects(handshake(port, { 'ssl.ca.location': path('other-ca.pem') }), { code });
    await assert.rejects(handshake(port, {}), { code });
    const { client: known } = await handshake(port, { 'ssl.ca.location': path('other-ca.pem'), 'enable.ssl.certificate.verification': false });
    assert.equal(known, 'nobody');
  });

  it('without a CA trusts what the system does, wherever its variables say that is', async () => {
    const port = await listen();
    const { SSL_CERT_FILE: file, SSL_CERT_DIR: directory } = process.env;
    const restore = (name: string, value: string | undefined): void => {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    };
    try {
      process.env.SSL_CERT_FILE = path('ca.pem');
      delete process.env.SSL_CERT_DIR;
      await handshake(port, {});
      await assert.rejects(handshake(port, { 'ssl.ca.location': 'probe' }));
      process.env.SSL_CERT_FILE = path('missing.pem');
      process.env.SSL_CERT_DIR = path('hashed');
      await handshake(port, {});
      delete process.env.SSL_CERT_FILE;
      await handshake(port, {});
    } finally {
      restore('SSL_CERT_FILE', file);
      restore('SSL_CERT_DIR', directory);
    }
  });

  it("compares the broker's name with its certificate, unless told not to", async () => {
    const port = await listen();
    const trusting = { 'ssl.ca.location': path('ca.pem') };
    await handshake(port, trusting, 'broker.test');
    await assert.rejects(handshake(port, trusting, 'other.test'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    await handshake(port, { ...trusting, 'ssl.endpoint.identification.algorithm': 'None' }, 'other.test');
    await assert.rejects(handshake(port, { 'ssl.ca.location': path('other-ca.pem'), 'ssl.endpoint.identification.algorithm': 'none' }));
  });

  it("shows the client's certificate", async () => {
    const port = await listen({ requestCert: true, rejectUnauthorized: true });
    const trusting = { 'ssl.ca.location': path('ca.pem') };
    await assert.rejects(handshake(port, trusting));
    for (const showing of [
      { 'ssl.certificate.location': path('client.pem'), 'ssl.key.location': path('client.key') },
      { 'ssl.certificate.location': path('client.pem'), 'ssl.key.location': path('client-encrypted.key'), 'ssl.key.password': SECRET },
      { 'ssl.certificate.pem': client.certificate, 'ssl.key.pem': keyPem(client.key, SECRET), 'ssl.key.password': SECRET },
      // librdkafka loads the one in memory after the file.
      { 'ssl.certificate.location': path('ca.pem'), 'ssl.certificate.pem': client.certificate, 'ssl.key.location': path('client.key') },
    ]) {
      assert.equal((await handshake(port, { ...trusting, ...showing })).client, 'client');
    }
  });

  it('narrows the ciphers before TLS 1.3 and leaves TLS 1.3 as it is', async () => {
    const properties = { 'ssl.ca.location': path('ca.pem'), 'ssl.cipher.suites': 'ECDHE-ECDSA-AES256-GCM-SHA384' };
    assert.equal((await handshake(await listen(), properties)).protocol, 'TLSv1.3');
    const old = await handshake(await listen({ maxVersion: 'TLSv1.2' }), properties);
    assert.deepEqual([old.protocol, old.cipher], ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384']);
    const other = await listen({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
    await assert.rejects(handshake(other, properties));
  });

  it('narrows curves and signature algorithms', async () => {
    const trusting = { 'ssl.ca.location': path('ca.pem') };
    const port = await listen();
    assert.equal((await handshake(port, { ...trusting, 'ssl.curves.list': 'P-384' })).curve, 'secp384r1');
    await handshake(port, { ...trusting, 'ssl.sigalgs.list': 'ecdsa_secp256r1_sha256' });
    // The broker has no RSA key.
    await assert.rejects(handshake(port, { ...trusting, 'ssl.sigalgs.list': 'rsa_pss_rsae_sha256' }));
  });

  it('names the property and the path of a file that cannot be read', () => {
    const missing = path('missing.pem');
    for (const property of ['ssl.ca.location', 'ssl.certificate.location', 'ssl.key.location']) {
      const message = refusal({ 'security.protocol': 'ssl', [property]: missing });
      assert.ok(message.startsWith(`${property}: ${missing} cannot be read (ENOENT): give the path of a PEM file`), message);
    }
    assert.match(refusal({ 'security.protocol': 'ssl', 'ssl.key.location': folder }), /ssl\.key\.location: .* cannot be read \(EISDIR\)/);
  });

  it('refuses CAs that Node would leave out without a word', () => {
    const ssl = { 'security.protocol': 'ssl' };
    const damaged = ca.certificate.replace(/\n.{64}\n/, `\n${'A'.repeat(64)}\n`);
    assert.match(refusal({ ...ssl, 'ssl.ca.location': path('client.key') }), /ssl\.ca\.location: The file .*client\.key holds no certificate/);
    assert.match(refusal({ ...ssl, 'ssl.ca.pem': SECRET }), /ssl\.ca\.pem: The value holds no certificate/);
    assert.match(refusal({ ...ssl, 'ssl.ca.pem': ca.certificate + damaged }), /ssl\.ca\.pem: certificate 2 of 2 is damaged/);
    assert.match(refusal({ ...ssl, 'ssl.ca.location': folder }), /ssl\.ca\.location: the directory .*'openssl rehash'/);
  });

  it('names the properties whose values OpenSSL refuses', () => {
    const ssl = { 'security.protocol': 'ssl', 'ssl.ca.location': path('ca.pem'), 'ssl.certificate.location': path('client.pem') };
    for (const [wrong, message] of [
      [{ 'ssl.key.location': path('broker.key') }, /ssl\.certificate\.location, ssl\.key\.location give: .*key values mismatch/],
      [{ 'ssl.key.location': path('client-encrypted.key'), 'ssl.key.password': `${SECRET}?` }, /ssl\.key\.password give/],
      [{ 'ssl.key.location': path('client-encrypted.key') }, /the key's password/],
      [{ 'ssl.key.pem': SECRET }, /ssl\.key\.pem give/],
      [{ 'ssl.cipher.suites': 'NONE-SUCH' }, /ssl\.cipher\.suites give/],
      [{ 'ssl.curves.list': 'NONE-SUCH' }, /ssl\.curves\.list give/],
      [{ 'ssl.sigalgs.list': 'NONE-SUCH' }, /ssl\.sigalgs\.list give/],
    ] as const) {
      assert.match(refusal({ ...ssl, ...wrong }), message);
    }
  });
});

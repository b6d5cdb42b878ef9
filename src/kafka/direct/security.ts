import { readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '../../errors.ts';
import { caOfLocation, caOfPem, systemCa, unreadable } from './ca-certificates.ts';

export interface SaslCredentials {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

export interface DirectSecurity {
  /**
   * Null: no TLS. Certificates and keys are read once, into its `secureContext`. Whoever connects adds `host`, and `servername` where the host is a name:
   * the broker's certificate is verified against them.
   */
  readonly tls: ConnectionOptions | null;
  readonly sasl: SaslCredentials | null;
}

type Properties = { readonly [key: string]: string | number | boolean | undefined };

/**
 * `ssl.keystore.*` is not among them: Node trusts every CA certificate in a PKCS#12 file (`pfx`) to vouch for brokers too, librdkafka those of `ssl.ca.*`
 * alone, and nothing tells Node not to.
 */
const SUPPORTED: ReadonlySet<string> = new Set([
  'sasl.mechanism',
  'sasl.mechanisms',
  'sasl.username',
  'sasl.password',
  'ssl.ca.location',
  'ssl.ca.pem',
  'ssl.certificate.location',
  'ssl.certificate.pem',
  'ssl.key.location',
  'ssl.key.pem',
  'ssl.key.password',
  'ssl.endpoint.identification.algorithm',
  'ssl.cipher.suites',
  'ssl.curves.list',
  'ssl.sigalgs.list',
  'enable.ssl.certificate.verification',
]);

const SECURITY_PROPERTY = /^(?:enable\.)?(?:ssl|sasl)\./;

const MECHANISMS: ReadonlySet<string> = new Set<SaslCredentials['mechanism']>(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']);

const PROTOCOLS: ReadonlyMap<string, { readonly ssl: boolean; readonly sasl: boolean }> = new Map([
  ['plaintext', { ssl: false, sasl: false }],
  ['ssl', { ssl: true, sasl: false }],
  ['sasl_plaintext', { ssl: false, sasl: true }],
  ['sasl_ssl', { ssl: true, sasl: true }],
]);

/** What OpenSSL offers for TLS 1.3 by itself. `ssl.cipher.suites` is about older versions only, but Node takes a list without these for a wish not to use TLS 1.3. */
const TLS13_SUITES = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

/**
 * What a direct connection needs of the librdkafka properties. `unsupported`: the property (name only, never its value) that only librdkafka can do,
 * or that it refuses, with a better word than could be said here.
 *
 * @throws ConfigError without secrets when a file cannot be read, a certificate or a key cannot be used, or credentials are missing
 */
export function directSecurity(properties: Properties): DirectSecurity | { readonly unsupported: string } {
  const set = givenText(properties);
  for (const [name, value] of set) {
    if (!SECURITY_PROPERTY.test(name) || SUPPORTED.has(name)) continue;
    const off = name.startsWith('enable.') && boolean(value) === false;
    if (!off) return { unsupported: name };
  }
  const protocol = PROTOCOLS.get(choice(set, 'security.protocol', 'plaintext'));
  if (protocol === undefined) return { unsupported: 'security.protocol' };

  let sasl: SaslCredentials | null = null;
  if (protocol.sasl) {
    const found = credentials(set);
    if ('unsupported' in found) return found;
    sasl = found;
  }
  let tls: ConnectionOptions | null = null;
  if (protocol.ssl) {
    const found = tlsOptions(set);
    if ('unsupported' in found) return found;
    tls = found.options;
  }
  return { tls, sasl };
}

/** As librdkafka reads them: an empty value is none, and leading space is no part of one. */
function givenText(properties: Properties): Map<string, string> {
  const set = new Map<string, string>();
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined && value !== '') set.set(name, String(value).replace(/^[ \t\n\v\f\r]+/, ''));
  }
  return set;
}

function choice(set: ReadonlyMap<string, string>, name: string, otherwise: string): string {
  return set.get(name)?.trim().toLowerCase() ?? otherwise;
}

/** Undefined: librdkafka takes it for neither. */
function boolean(value: string): boolean | undefined {
  if (/^(?:true|t|1)$/i.test(value)) return true;
  return /^(?:false|f|0)$/i.test(value) ? false : undefined;
}

function credentials(set: ReadonlyMap<string, string>): SaslCredentials | { readonly unsupported: string } {
  // Two names of one property: the one given last counts.
  const name = [...set.keys()].filter((key) => key === 'sasl.mechanism' || key === 'sasl.mechanisms').at(-1) ?? 'sasl.mechanisms';
  const mechanism = set.get(name) ?? 'GSSAPI';
  if (!MECHANISMS.has(mechanism)) return { unsupported: name };
  const username = set.get('sasl.username');
  const password = set.get('sasl.password');
  if (username === undefined || password === undefined) {
    throw new ConfigError(`${mechanism} needs credentials: set ${username === undefined ? 'sasl.username' : 'sasl.password'}`);
  }
  return { mechanism: mechanism as SaslCredentials['mechanism'], username, password };
}

function tlsOptions(set: ReadonlyMap<string, string>): { readonly options: ConnectionOptions } | { readonly unsupported: string } {
  const verify = boolean(set.get('enable.ssl.certificate.verification') ?? 'true');
  if (verify === undefined) return { unsupported: 'enable.ssl.certificate.verification' };
  const identification = choice(set, 'ssl.endpoint.identification.algorithm', 'https');
  if (identification !== 'https' && identification !== 'none') return { unsupported: 'ssl.endpoint.identification.algorithm' };
  // librdkafka leaves TLS 1.3 suites as they are; in Node's list they would choose among them.
  if (set.get('ssl.cipher.suites')?.includes('TLS_')) return { unsupported: 'ssl.cipher.suites' };
  // Without a CA named, librdkafka reads Windows' own store, which Node does not.
  if (process.platform === 'win32' && !namesCa(set)) return { unsupported: 'ssl.ca.certificate.stores' };

  const options: ConnectionOptions = { secureContext: secureContext(set), rejectUnauthorized: verify };
  return { options: identification === 'https' ? options : { ...options, checkServerIdentity: () => undefined } };
}

function namesCa(set: ReadonlyMap<string, string>): boolean {
  return set.has('ssl.ca.pem') || (set.get('ssl.ca.location') ?? 'probe') !== 'probe';
}

function trusted(set: ReadonlyMap<string, string>): string[] {
  const location = set.get('ssl.ca.location');
  // macOS has no other place: librdkafka always probes there.
  if (!namesCa(set)) return [...systemCa(location === 'probe' || process.platform === 'darwin')];
  const pem = set.get('ssl.ca.pem');
  return [...(location === undefined || location === 'probe' ? [] : caOfLocation(location)), ...(pem === undefined ? [] : caOfPem(pem))];
}

function secureContext(set: ReadonlyMap<string, string>): ConnectionOptions['secureContext'] {
  const options: SecureContextOptions = {
    ca: trusted(set),
    // Of two, librdkafka loads the one in memory last.
    cert: set.get('ssl.certificate.pem') ?? file(set, 'ssl.certificate.location'),
    key: set.get('ssl.key.pem') ?? file(set, 'ssl.key.location'),
    passphrase: set.get('ssl.key.password'),
    ecdhCurve: set.get('ssl.curves.list'),
    sigalgs: set.get('ssl.sigalgs.list'),
  };
  const ciphers = set.get('ssl.cipher.suites');
  if (ciphers !== undefined) options.ciphers = `${TLS13_SUITES}:${ciphers}`;
  try {
    return createSecureContext(options);
  } catch (cause) {
    const names = [...set.keys()].filter((name) => name.startsWith('ssl.') && !name.startsWith('ssl.ca.'));
    throw new ConfigError(
      `OpenSSL refuses what ${names.join(', ')} give: ${(cause as Error).message}. Check that certificate and key belong together, are in PEM format, and that the key's password is right`,
      { cause },
    );
  }
}

function file(set: ReadonlyMap<string, string>, property: string): Buffer | undefined {
  const path = set.get(property);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(property, path, cause, 'a PEM file');
  }
}

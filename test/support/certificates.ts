import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/*
 * X.509 certificates for tests, made without a tool: as much of the DER of RFC 5280 as a TLS handshake asks for. Keys are P-256.
 */

export interface Issued {
  readonly certificate: string;
  readonly key: KeyObject;
  readonly name: string;
}

export interface CertificateOptions {
  readonly name: string;
  /** Undefined: it signs itself. */
  readonly issuer?: Issued;
  /** It may sign others. @default false */
  readonly ca?: boolean;
  /** Names and IPv4 addresses of the one that shows it. */
  readonly hosts?: readonly string[];
}

const DAY_MS = 86_400_000;

export function issueCertificate(options: CertificateOptions): Issued {
  const { name, hosts = [], ca = false } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = options.issuer?.key ?? privateKey;
  const extensions = [extension('551d13', ca ? sequence(der(0x01, Buffer.from([0xff]))) : sequence())];
  if (hosts.length > 0) extensions.push(extension('551d11', sequence(...hosts.map(generalName))));
  // A day before: clocks differ.
  const validity = sequence(time(Date.now() - DAY_MS), time(Date.now() + 30 * DAY_MS));
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    distinguishedName(options.issuer?.name ?? name),
    validity,
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(sign('sha256', toBeSigned, signer)));
  return { certificate: pem('CERTIFICATE', certificate), key: privateKey, name };
}

/** PKCS#8, encrypted when there is a password. */
export function keyPem(key: KeyObject, password?: string): string {
  const cipher = password === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: password };
  return key.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString();
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...header]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function identifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), bytes);
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(identifier('550403'), der(0x0c, Buffer.from(commonName)))));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits.slice(2)));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(identifier(id), der(0x04, value));
}

function generalName(host: string): Buffer {
  return isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host));
}

const ECDSA_WITH_SHA256 = sequence(identifier('2a8648ce3d040302'));

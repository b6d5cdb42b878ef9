import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { ConfigError } from '../../errors.ts';

/** Where systems keep the certificates they trust: librdkafka's list, in its order. */
const SYSTEM_PATHS = [
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/certs/ca-bundle.crt',
  '/etc/pki/tls/certs/ca-bundle.trust.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/ssl/cert.pem',
  '/etc/ssl/cacert.pem',
  '/etc/certs/ca-certificates.crt',
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/certs',
  '/usr/local/etc/ssl/cert.pem',
  '/usr/local/etc/ssl/cacert.pem',
  '/usr/local/etc/ssl/certs/cert.pem',
  '/usr/local/etc/ssl/certs/cacert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
  '/etc/openssl/certs/ca-certificates.crt',
];

const PEM = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]+-----END \1-----/g;

/** OpenSSL looks certificates of a directory up by the hash of their subject, and sees no others. */
const HASHED_NAME = /^[0-9a-f]{8}\.\d+$/;

/** The certificates of `ssl.ca.location`, a file or a directory. */
export function caOfLocation(path: string): string[] {
  let names: string[] = [];
  let content: string | undefined;
  try {
    if (statSync(path).isDirectory()) names = readdirSync(path);
    else content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable('ssl.ca.location', path, cause, 'a PEM file or a directory of them');
  }
  if (content !== undefined) return checked(content, 'ssl.ca.location', `The file ${path}`);
  const found = hashed(path, names);
  if (found.length > 0) return found;
  throw new ConfigError(`ssl.ca.location: the directory ${path} holds no certificate under a hashed name: run 'openssl rehash' on it, or name a PEM file`);
}

/** The certificates of `ssl.ca.pem`. */
export function caOfPem(pem: string): string[] {
  return checked(pem, 'ssl.ca.pem', 'The value');
}

/**
 * What the system trusts. librdkafka goes by that when no CA is named, and Node by the list it was built with, which has none of the CAs that a company
 * installs on its machines: following Node, one client of the application would trust the brokers and another not. Node's list is the last resort, where a
 * system has none, such as a container image without the package ca-certificates: it is the same list of Mozilla's as that package's.
 *
 * @param probe leaves OpenSSL's variables out, as librdkafka's `probe` does
 */
export function systemCa(probe: boolean): readonly string[] {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folder } = probe ? {} : process.env;
  const named = [file, folder].filter((path) => path !== undefined && path !== '').flatMap((path) => present(path as string));
  // OpenSSL takes its default for the one of the two that is not set.
  if (file && folder) return named;
  for (const path of SYSTEM_PATHS) {
    const found = present(path);
    if (found.length > 0) return [...named, ...found];
  }
  return [...named, ...rootCertificates];
}

/** @param wanted what the path should lead to: `a PEM file` */
export function unreadable(property: string, path: string, cause: unknown, wanted: string): ConfigError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return new ConfigError(`${property}: ${path} cannot be read (${reason}): give the path of ${wanted} that this process may read`, { cause });
}

/** Node leaves out, without a word, what it cannot read of a CA list. */
function checked(content: string, property: string, what: string): string[] {
  const found = certificates(content);
  if (found.length === 0) throw new ConfigError(`${property}: ${what} holds no certificate in PEM format (BEGIN CERTIFICATE)`);
  for (const [i, pem] of found.entries()) {
    try {
      new X509Certificate(pem);
    } catch (cause) {
      throw new ConfigError(`${property}: certificate ${i + 1} of ${found.length} is damaged: get the file from its issuer again`, { cause });
    }
  }
  return found;
}

function certificates(content: string): string[] {
  return content.match(PEM) ?? [];
}

/** Empty where there is nothing to read. */
function present(path: string): string[] {
  try {
    return statSync(path).isDirectory() ? hashed(path, readdirSync(path)) : certificates(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

function hashed(directory: string, names: readonly string[]): string[] {
  // The names are links, some of them to what a package has removed since.
  return names.filter((name) => HASHED_NAME.test(name)).flatMap((name) => present(join(directory, name)));
}

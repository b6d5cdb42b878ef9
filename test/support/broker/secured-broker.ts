import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '../broker.ts';
import { type Issued, issueCertificate, keyPem } from '../certificates.ts';
import { freePorts } from './ports.ts';
import type { ServerProperties } from './server-properties.ts';

/** A broker with one listener of each kind. All passwords are new with every start. */
export interface SecuredBroker {
  /** Without security: for the test's own preparations. */
  readonly plaintext: string;
  /** TLS; the client has to show its certificate. By address. */
  readonly ssl: string;
  /** TLS, with any of the mechanisms. By name. */
  readonly saslSsl: string;
  /** Any of the mechanisms, without TLS. */
  readonly saslPlaintext: string;
  readonly username: string;
  readonly passwords: { readonly [mechanism in Mechanism]: string };
  /** Of the CA that the broker's and the client's certificates are from. */
  readonly caFile: string;
  readonly clientCertificateFile: string;
  readonly clientKeyFile: string;
  readonly clientKeyPassword: string;
  stop(): Promise<void>;
}

export type Mechanism = (typeof MECHANISMS)[number];

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

const USERNAME = 'alice';

/** On the local Java, whatever else runs here: containers get no SCRAM users. */
export async function startSecuredBroker(): Promise<SecuredBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secured-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const write = (name: string, content: string): string => {
      const path = join(folder, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    };
    const passwords = { PLAIN: secret(), 'SCRAM-SHA-256': secret(), 'SCRAM-SHA-512': secret() };
    const clientKeyPassword = secret();
    const ca = issueCertificate({ name: 'Millrace test CA', ca: true });
    const client = issueCertificate({ name: 'millrace-client', issuer: ca });
    const caFile = write('ca.pem', ca.certificate);
    const keyStore = write('broker.pem', brokerKeyStore(ca));
    const [ssl, saslSsl, saslPlaintext] = (await freePorts(3)) as [number, number, number];
    const broker = await startBroker({
      listeners: [
        { protocol: 'SSL', host: '127.0.0.1', port: ssl },
        { protocol: 'SASL_SSL', host: 'localhost', port: saslSsl },
        { protocol: 'SASL_PLAINTEXT', host: '127.0.0.1', port: saslPlaintext },
      ],
      scramUsers: (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).map((mechanism) => `${mechanism}=[name=${USERNAME},password=${passwords[mechanism]}]`),
      properties: {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': keyStore,
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': caFile,
        'listener.name.ssl.ssl.client.auth': 'required',
        ...logins('sasl_ssl', passwords.PLAIN),
        ...logins('sasl_plaintext', passwords.PLAIN),
      },
    });
    return {
      plaintext: broker.bootstrapServers,
      ssl: `127.0.0.1:${ssl}`,
      saslSsl: `localhost:${saslSsl}`,
      saslPlaintext: `127.0.0.1:${saslPlaintext}`,
      username: USERNAME,
      passwords,
      caFile,
      clientCertificateFile: write('client.pem', client.certificate),
      clientKeyFile: write('client.key', keyPem(client.key, clientKeyPassword)),
      clientKeyPassword,
      stop: () => broker.stop().finally(remove),
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function secret(): string {
  return randomBytes(12).toString('hex');
}

/** As Kafka reads PEM: the key, then the chain. */
function brokerKeyStore(ca: Issued): string {
  const broker = issueCertificate({ name: 'millrace-broker', issuer: ca, hosts: ['localhost', '127.0.0.1'] });
  return keyPem(broker.key) + broker.certificate + ca.certificate;
}

function logins(listener: string, plainPassword: string): ServerProperties {
  const security = 'org.apache.kafka.common.security';
  const scram = `${security}.scram.ScramLoginModule required;`;
  return {
    [`listener.name.${listener}.sasl.enabled.mechanisms`]: MECHANISMS.join(),
    [`listener.name.${listener}.plain.sasl.jaas.config`]: `${security}.plain.PlainLoginModule required user_${USERNAME}="${plainPassword}";`,
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: scram,
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: scram,
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../../errors.ts';
import { KafkaClientError, KafkaErrorCode, toClientError } from '../errors.ts';
import { BrokerConnection } from './broker-connection.ts';
import { NeedsNativeClient } from './needs-native-client.ts';
import { type BrokerAddress, type ClusterMetadata, METADATA, metadataRequest, readMetadata } from './requests.ts';
import type { DirectSecurity } from './security.ts';

export interface ClusterOptions {
  readonly bootstrapServers: string;
  readonly clientId: string;
  readonly security: DirectSecurity;
  /** Milliseconds that a connection may take to be made. */
  readonly connectTimeoutMs: number;
}

type Address = Pick<BrokerAddress, 'host' | 'port'>;

/** Between two attempts to reach any broker, milliseconds. */
const RETRY_MS = 100;
/** Longest wait for one broker while there are others to ask. */
const PATIENCE_MS = 10_000;
const DEFAULT_PORT = 9092;
/** Most reasons that an error about all brokers names. */
const TROUBLES = 3;

/** The brokers: who they are, and a connection to each that is asked for. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #bootstrap: readonly Address[];
  readonly #connections = new Map<number, BrokerConnection>();
  readonly #open = new Set<BrokerConnection>();
  #brokers: readonly BrokerAddress[] = [];
  /** Answers what any broker can: not one of the connections that hold fetches. */
  #anyBroker: BrokerConnection | undefined;
  /** Whom to ask next. */
  #turn = 0;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#bootstrap = addressesOf(options.bootstrapServers);
    if (this.#bootstrap.length === 0) throw new ConfigError(`bootstrapServers names no broker: give one or more, such as 'localhost:9092'`);
  }

  /** Hear from one broker. @throws KafkaClientError within the timeout when none answers */
  async connect(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const troubles = new Set<string>();
    for (;;) {
      try {
        await this.metadata([], Math.max(1, deadline - performance.now()));
        return;
      } catch (error) {
        if (this.#closed || !(error instanceof KafkaClientError)) throw error;
        troubles.add(error.message.replace(/^Could not [^:]*: /, '').replace(/ \(Kafka error .*/, ''));
        if (error.reaction === 'fatal') throw error;
        if (performance.now() + RETRY_MS < deadline) await sleep(RETRY_MS);
        else throw this.#unreachable(timeoutMs, [...troubles].slice(-TROUBLES), error);
      }
    }
  }

  /** Leaders of these topics' partitions, as some broker knows them. */
  async metadata(topics: readonly string[], timeoutMs = PATIENCE_MS): Promise<ClusterMetadata> {
    const deadline = performance.now() + timeoutMs;
    const connection = await this.#someBroker(deadline);
    const patience = Math.max(1, Math.min(PATIENCE_MS, deadline - performance.now()));
    const metadata = readMetadata(await connection.request(METADATA, metadataRequest(topics), patience));
    if (metadata.brokers.length > 0) this.#brokers = metadata.brokers;
    return metadata;
  }

  /** The next question goes to another broker: what this one knows is out of date. */
  askAnother(): void {
    this.#anyBroker?.close();
    this.#anyBroker = undefined;
  }

  /** The connection for fetches from one broker, opened when it is not. For one caller a broker at a time. */
  async broker(id: number): Promise<BrokerConnection> {
    const address = this.#brokers.find((broker) => broker.id === id);
    if (address === undefined)
      throw toClientError({ message: `broker ${id} is not in the cluster's metadata`, code: KafkaErrorCode.transport }, 'reach a broker');
    const known = this.#connections.get(id);
    // It may have come back elsewhere, and somebody else stand where it was.
    if (known?.usable === true && known.address === `${address.host}:${address.port}`) return known;
    known?.close();
    const connection = await this.#connect(address, this.#options.connectTimeoutMs);
    this.#connections.set(id, connection);
    return connection;
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  /** One that answers, of those that were given and those that were heard of since, each in its turn. */
  async #someBroker(deadline: number): Promise<BrokerConnection> {
    if (this.#anyBroker?.usable === true) return this.#anyBroker;
    const addresses = distinct([...this.#brokers, ...this.#bootstrap]);
    let failure: unknown;
    for (let asked = 0; asked < addresses.length; asked++) {
      const left = Math.max(1, deadline - performance.now());
      const address = addresses[this.#turn++ % addresses.length] as Address;
      try {
        // One that does not answer leaves time for the others.
        this.#anyBroker = await this.#connect(address, asked === addresses.length - 1 ? left : Math.min(PATIENCE_MS, left / 2));
        return this.#anyBroker;
      } catch (error) {
        if (this.#closed || error instanceof NeedsNativeClient) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async #connect({ host, port }: Address, timeoutMs: number): Promise<BrokerConnection> {
    const { clientId, security } = this.#options;
    const connection = new BrokerConnection({ host, port, clientId, security });
    for (const old of this.#open) if (!old.usable) this.#open.delete(old);
    if (this.#closed) connection.close();
    this.#open.add(connection);
    await connection.open(timeoutMs);
    return connection;
  }

  #unreachable(timeoutMs: number, troubles: readonly string[], cause: unknown): KafkaClientError {
    return new KafkaClientError(
      `No Kafka broker answered the consumer at ${this.#options.bootstrapServers} within ${timeoutMs} ms (${troubles.join('; ')}): ` +
        'check bootstrapServers, that the brokers run, and the security settings',
      { kafkaCode: KafkaErrorCode.timedOut, code: 'ERR_KAFKA_NO_BROKER', reaction: 'retriable', cause },
    );
  }
}

function distinct(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((address) => [`${address.host}:${address.port}`, address])).values()];
}

/** `host:port,…`, each perhaps with a protocol before it, as librdkafka takes them. */
function addressesOf(servers: string): Address[] {
  return servers
    .split(',')
    .map((server) => server.trim().replace(/^[a-z_]+:\/\//i, ''))
    .filter((server) => server !== '')
    .map((server) => {
      const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(server) as RegExpExecArray;
      return { host: (host as string).replace(/^\[|\]$/g, ''), port: port === undefined ? DEFAULT_PORT : Number(port) };
    });
}

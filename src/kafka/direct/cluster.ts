import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaClientError, KafkaErrorCode, toClientError } from '../errors.ts';
import { BrokerConnection } from './broker-connection.ts';
import { NeedsNativeClient } from './needs-native-client.ts';
import { type BrokerAddress, type ClusterMetadata, METADATA, metadataRequest, readMetadata } from './requests.ts';
import type { DirectSecurity } from './security.ts';

export interface ClusterOptions {
  readonly bootstrapServers: string;
  readonly clientId: string;
  readonly security: DirectSecurity;
  /** Milliseconds that a broker may take to answer, or to accept a connection. */
  readonly requestTimeoutMs: number;
}

/** Between two attempts to reach any broker, milliseconds. */
const RETRY_MS = 100;
const DEFAULT_PORT = 9092;
/** Most reasons that an error about all brokers names. */
const TROUBLES = 3;

/** The brokers: who they are, and a connection to each that is asked for. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #bootstrap: readonly Pick<BrokerAddress, 'host' | 'port'>[];
  readonly #connections = new Map<number, Promise<BrokerConnection>>();
  readonly #open = new Set<BrokerConnection>();
  #brokers: readonly BrokerAddress[] = [];
  /** Answers what any broker can: not the connections that hold fetches. */
  #anyBroker: BrokerConnection | undefined;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#bootstrap = addressesOf(options.bootstrapServers);
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
        if (!(error instanceof KafkaClientError)) throw error;
        troubles.add(error.message.replace(/^Could not [^:]*: /, '').replace(/ \(Kafka error .*/, ''));
        if (error.reaction === 'fatal') throw error;
        if (performance.now() + RETRY_MS < deadline) await sleep(RETRY_MS);
        else throw this.#unreachable(timeoutMs, [...troubles].slice(-TROUBLES), error);
      }
    }
  }

  /** Leaders of these topics' partitions, as some broker knows them. */
  async metadata(topics: readonly string[], timeoutMs = this.#options.requestTimeoutMs): Promise<ClusterMetadata> {
    const connection = await this.#someBroker(timeoutMs);
    const metadata = readMetadata(await connection.request(METADATA, metadataRequest(topics), timeoutMs));
    if (metadata.brokers.length > 0) this.#brokers = metadata.brokers;
    return metadata;
  }

  /** The connection for fetches from one broker, opened when it is not. */
  async broker(id: number): Promise<BrokerConnection> {
    const known = await this.#connections.get(id);
    if (known?.usable === true) return known;
    const address = this.#brokers.find((broker) => broker.id === id);
    if (address === undefined)
      throw toClientError({ message: `broker ${id} is not in the cluster's metadata`, code: KafkaErrorCode.transport }, 'reach a broker');
    const opening = this.#connect(address, this.#options.requestTimeoutMs);
    this.#connections.set(id, opening);
    try {
      return await opening;
    } catch (error) {
      this.#connections.delete(id);
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  /** One that answers, of those that were given first and those that were heard of since. */
  async #someBroker(timeoutMs: number): Promise<BrokerConnection> {
    if (this.#anyBroker?.usable === true) return this.#anyBroker;
    let failure: unknown;
    for (const address of [...this.#brokers, ...this.#bootstrap]) {
      try {
        this.#anyBroker = await this.#connect(address, timeoutMs);
        return this.#anyBroker;
      } catch (error) {
        if (error instanceof NeedsNativeClient) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async #connect({ host, port }: Pick<BrokerAddress, 'host' | 'port'>, timeoutMs: number): Promise<BrokerConnection> {
    const { clientId, security } = this.#options;
    const connection = new BrokerConnection({ host, port, clientId, security });
    for (const old of this.#open) if (!old.usable) this.#open.delete(old);
    this.#open.add(connection);
    await connection.open(timeoutMs);
    if (this.#closed) connection.close();
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

/** `host:port,…`, each perhaps with a protocol before it, as librdkafka takes them. */
function addressesOf(servers: string): Pick<BrokerAddress, 'host' | 'port'>[] {
  return servers
    .split(',')
    .map((server) => server.trim().replace(/^[a-z_]+:\/\//i, ''))
    .filter((server) => server !== '')
    .map((server) => {
      const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(server) as RegExpExecArray;
      return { host: (host as string).replace(/^\[|\]$/g, ''), port: port === undefined ? DEFAULT_PORT : Number(port) };
    });
}

import { clientProperties } from './client-config.ts';
import { Connection, type NativeClient } from './connection.ts';
import { type RdKafka, rdKafka } from './native.ts';

export interface EmbeddedBrokerOptions {
  /** @default 1 */
  readonly brokers?: number;
}

export interface EmbeddedBroker {
  /** For clients of this process and of others on this machine. */
  readonly bootstrapServers: string;
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 5000;

/**
 * A Kafka look-alike in memory, inside this process: librdkafka's mock cluster. Good for demos and for trying things out.
 *
 * Not Kafka: topics appear by themselves, with 4 partitions; a partition keeps about 100,000 records or 5 MB; nothing is compacted, nothing survives.
 * Transactions look as if they worked, but offsets sent in them are not applied and `read_committed` does not filter, so exactly-once is not
 * given. It keeps a member that has left until its session times out, so a restart under the same application id takes that long. Use a real broker
 * to test what matters.
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const brokers = options.brokers ?? 1;
  // The address is replaced by the mock cluster's own.
  const client = { bootstrapServers: '127.0.0.1:1', clientId: 'millrace-embedded-broker' };
  const properties = clientProperties(client, {}, undefined, { 'test.mock.num.brokers': brokers });
  const connection = new Connection<NativeClient>(
    'embedded broker',
    client,
    properties,
    (conf) => new (rdKafka().Producer)(conf as RdKafka.ProducerGlobalConfig) as unknown as NativeClient,
  );
  await connection.connect(START_TIMEOUT_MS);
  const metadata = await connection.calls.run<RdKafka.Metadata>('ask the embedded broker for its address', START_TIMEOUT_MS, (done) => {
    (connection.native as unknown as RdKafka.Producer).getMetadata({ allTopics: false, timeout: START_TIMEOUT_MS }, done);
  });
  return {
    bootstrapServers: metadata.brokers.map(({ host, port }) => `${host}:${port}`).join(','),
    close: () => connection.close(),
  };
}

import { RdKafkaAdmin } from './admin.ts';
import type { ClientOptions, KafkaClients } from './contract.ts';
import { createFetchConsumer } from './create-fetch-consumer.ts';
import { RdKafkaMembershipConsumer } from './membership-consumer.ts';
import { RdKafkaProducer } from './producer.ts';

/**
 * The Kafka clients of one application, over @confluentinc/kafka-javascript. Nothing connects before its `connect`; every call has a deadline,
 * fails with a KafkaClientError that says how to react, and never shows a secret. A client whose `connect` failed is not to be used again.
 */
export function createKafkaClients(options: ClientOptions): KafkaClients {
  return {
    membership: (membership) => new RdKafkaMembershipConsumer(options, membership),
    fetcher: (fetch) => createFetchConsumer(options, fetch),
    producer: (producer) => new RdKafkaProducer(options, producer),
    admin: () => new RdKafkaAdmin(options),
  };
}

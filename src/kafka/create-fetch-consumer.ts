import type { ClientProperty } from './client-config.ts';
import type { ClientOptions, FetchConsumer, FetchConsumerOptions } from './contract.ts';
import { DirectFetchConsumer } from './direct/direct-fetch-consumer.ts';
import { directSecurity } from './direct/security.ts';
import { FallbackFetchConsumer } from './fallback-fetch-consumer.ts';
import { fetchProperties, RdKafkaFetchConsumer } from './fetch-consumer.ts';

/** Properties of a consumer that change what librdkafka does, and that the direct one has not got. */
const ONLY_NATIVE = ['client.rack', 'check.crcs', 'plugin.library.paths', 'broker.address.family', 'client.dns.lookup'];

const DEBUG = 7;

/**
 * The consumer of sources, changelogs and global tables: one that speaks to the brokers itself, where the configuration lets it, else librdkafka's. The first costs a fraction of the
 * CPU; what it cannot do (see `NeedsNativeClient`) it leaves to the second, at the very offset where it stands.
 */
export function createFetchConsumer(options: ClientOptions, fetch: FetchConsumerOptions): FetchConsumer {
  const properties = fetchProperties(options, fetch);
  const native = (): FetchConsumer => new RdKafkaFetchConsumer(options, properties);
  const security = directSecurity(properties);
  const reason = 'unsupported' in security ? security.unsupported : onlyNative(properties);
  if (reason !== undefined || 'unsupported' in security) {
    options.onLog?.({ level: DEBUG, facility: 'FETCH', message: `Records are fetched through librdkafka because of the property ${reason}` });
    return native();
  }
  return new FallbackFetchConsumer(new DirectFetchConsumer(options, fetch, properties, security), native, options.onLog);
}

function onlyNative(properties: { readonly [key: string]: ClientProperty }): string | undefined {
  return ONLY_NATIVE.find(
    (key) =>
      properties[key] !== undefined &&
      properties[key] !== false &&
      properties[key] !== 'any' &&
      properties[key] !== 'use_all_dns_ips' &&
      properties[key] !== '',
  );
}

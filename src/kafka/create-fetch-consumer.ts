import type { ClientProperty } from './client-config.ts';
import { type ClientOptions, type FetchConsumer, type FetchConsumerOptions, LogLevel } from './contract.ts';
import { DirectFetchConsumer } from './direct/direct-fetch-consumer.ts';
import { directSecurity } from './direct/security.ts';
import { FallbackFetchConsumer } from './fallback-fetch-consumer.ts';
import { fetchProperties, RdKafkaFetchConsumer } from './fetch-consumer.ts';

/** Properties of a consumer that change what librdkafka does, and that the direct one has not got, with the values that change nothing. */
const ONLY_NATIVE: { readonly [key: string]: ClientProperty } = {
  'client.rack': '',
  'check.crcs': false,
  'plugin.library.paths': '',
  'broker.address.family': 'any',
  'client.dns.lookup': 'use_all_dns_ips',
};

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
    options.onLog?.({ level: LogLevel.debug, facility: 'FETCH', message: `Records are fetched through librdkafka because of the property ${reason}` });
    return native();
  }
  return new FallbackFetchConsumer(new DirectFetchConsumer(options, fetch, properties, security), native, options.onLog);
}

function onlyNative(properties: { readonly [key: string]: ClientProperty }): string | undefined {
  return Object.keys(ONLY_NATIVE).find((key) => properties[key] !== undefined && properties[key] !== ONLY_NATIVE[key]);
}

import { ConfigError } from '../errors.ts';
import type { ClientOptions } from './contract.ts';

export type ClientProperty = string | number | boolean;
export type ClientProperties = { readonly [key: string]: ClientProperty | undefined };

/** Properties whose values never appear in a log line or an error. */
const SECRET = /password|secret|\.pem$|^sasl\.oauthbearer\.config$|token/i;

/** Shorter values cannot be told from ordinary text. */
const SHORTEST_SECRET = 3;

/** The librdkafka properties of one client: the defaults, the user's for all clients, the user's for this one, then what the library depends on. */
export function clientProperties(
  options: ClientOptions,
  defaults: ClientProperties,
  overrides: ClientProperties | undefined,
  fixed: ClientProperties,
): Record<string, ClientProperty> {
  if (options.bootstrapServers.trim() === '') throw new ConfigError("bootstrapServers is empty: give one or more brokers, such as 'localhost:9092'");
  const layers: ClientProperties[] = [
    // Kafka's own default of a minute delays every reconnect and every new topic's first record.
    { 'reconnect.backoff.max.ms': 1000, 'topic.metadata.refresh.interval.ms': 60_000, 'log.connection.close': false },
    defaults,
    options.kafka ?? {},
    overrides ?? {},
    { 'bootstrap.servers': options.bootstrapServers, 'client.id': options.clientId },
    fixed,
  ];
  const merged: Record<string, ClientProperty> = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      if (value === undefined) continue;
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        throw new ConfigError(`The Kafka property ${key} is a ${value === null ? 'null' : typeof value}: give a string, a number or a boolean`);
      }
      merged[key] = value;
    }
  }
  return merged;
}

/** A function that takes the values of secret properties out of a text. */
export function redactor(properties: ClientProperties): (text: string) => string {
  const secrets = Object.entries(properties)
    .filter(([key, value]) => SECRET.test(key) && value !== undefined && String(value).length >= SHORTEST_SECRET)
    .map(([, value]) => String(value))
    .sort((a, b) => b.length - a.length);
  if (secrets.length === 0) return (text) => text;
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);
}

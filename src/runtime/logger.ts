import { type Logger, pino } from 'pino';

/** The user's logger, or one at the given level that writes JSON lines to standard output. */
export function createLogger(logger: Logger | string): Logger {
  if (typeof logger !== 'string') return logger;
  return pino({ name: 'millrace', level: logger });
}

const SECRET = /password|secret|jaas|sasl\.oauthbearer\.(config|.*client)|ssl\.(key|certificate|keystore|ca)\.(pem|password)|token|credential/i;

/**
 * A configuration as it may be logged: functions, serdes and the logger are left out, and librdkafka properties that hold secrets
 * are replaced. Passwords inside URLs are removed too.
 */
export function loggableConfig(config: { readonly [key: string]: unknown }): { [key: string]: unknown } {
  const shown: { [key: string]: unknown } = {};
  for (const [key, value] of Object.entries(config)) {
    if (key === 'kafka') shown[key] = Object.fromEntries(Object.entries(value as object).map(([name, setting]) => [name, redact(name, setting)]));
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') shown[key] = redact(key, value);
  }
  return shown;
}

function redact(name: string, value: unknown): unknown {
  if (SECRET.test(name)) return '[redacted]';
  return typeof value === 'string' ? value.replace(/\/\/[^/@\s]+@/g, '//[redacted]@') : value;
}

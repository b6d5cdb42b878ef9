import { type Command, InvalidArgumentError, Option } from 'commander';

/** What one instance of the service is told; the demo hands the same to each of its instances. */
export interface InstanceOptions {
  bootstrap: string;
  applicationId: string;
  topicPrefix: string;
  guarantee: 'at_least_once' | 'exactly_once_v2';
  /** Milliseconds, as all durations here. */
  gap: number;
  window: number;
  grace: number;
  drift: number;
  stateDir: string;
  logLevel: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
}

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `5m`, `1h`, or milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Give a number with a unit, such as '30s', '5m' or '1h'.");
  return Math.trunc(Number(match[1]) * (UNITS[match[2] ?? 'ms'] as number));
}

export function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

/** The options that the service and the demo have in common. */
export function addSharedOptions(command: Command): Command {
  return command
    .addOption(new Option('--guarantee <guarantee>', 'at_least_once or exactly_once_v2').choices(['at_least_once', 'exactly_once_v2']))
    .option('--gap <duration>', 'a session ends after so long without a page view', duration, duration('30m'))
    .option('--window <duration>', 'size of the windows in which page views are counted', duration, duration('5m'))
    .option('--grace <duration>', 'how long after its end a window still takes page views', duration, duration('1m'))
    .option('--drift <duration>', 'how far apart in event time partitions may be processed (default: 1 day, and what an access log spans)', duration)
    .option('--state-dir <directory>', 'where state is kept (default: a directory that is removed at the end)')
    .addOption(new Option('--log-level <level>', 'of the service').choices(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('warn'));
}

/** As command line arguments, for a child process. */
export function toArguments(options: InstanceOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, String(value)]);
}

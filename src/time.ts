import { ConfigError } from './errors.ts';

/** Milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'5m'`, `'1h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds of a {@link Duration}.
 * @throws ConfigError when it is not a duration; `what` names the setting in the message.
 */
export function toMillis(duration: Duration, what = 'duration'): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration)) return Math.trunc(duration);
  } else if (typeof duration === 'string') {
    const match = /^\s*(-?\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$/.exec(duration);
    if (match) return Math.trunc(Number(match[1]) * (UNITS[match[2] as string] as number));
  }
  throw new ConfigError(`${what} is ${JSON.stringify(duration)}: give milliseconds or a number with a unit, such as '500ms', '30s', '5m', '1h', '7d'`);
}

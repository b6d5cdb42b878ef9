import { inspect } from 'node:util';
import type { Headers } from '../processor/headers.ts';

/** A record as a line of text, the same for the same record: `'a'  { count: 1 }  @10  h='x'`. */
export function recordText(key: unknown, value: unknown, timestamp: number | null | undefined, headers: Headers): string {
  const parts = [valueText(key), valueText(value)];
  if (timestamp !== null && timestamp !== undefined) parts.push(`@${timestamp}`);
  for (const [name, data] of headers) parts.push(`${name}=${bytesText(data)}`);
  return parts.join('  ');
}

/** Fields in the order of their names, windowed keys as `'a'[0, 10]` (start and end), bytes as text where they are some. */
export function valueText(value: unknown): string {
  if (Buffer.isBuffer(value)) return bytesText(value);
  if (isWindowed(value)) return `${valueText(value.key)}[${value.window.start}, ${value.window.end}]`;
  return inspect(value, {
    sorted: true,
    depth: Number.POSITIVE_INFINITY,
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    maxArrayLength: null,
    maxStringLength: null,
  });
}

/** Bytes whose type is not known: text in quotes if all of it can be printed, else hexadecimal. */
export function bytesText(data: Buffer | null): string {
  if (data === null) return 'null';
  const text = data.toString();
  return /^[\P{C}]*$/u.test(text) && !text.includes('\ufffd') ? inspect(text, { maxStringLength: null }) : `0x${data.toString('hex')}`;
}

function isWindowed(value: unknown): value is { key: unknown; window: { start: number; end: number } } {
  const window = (value as { window?: { start?: unknown; end?: unknown } } | null)?.window;
  return typeof window?.start === 'number' && typeof window.end === 'number' && 'key' in (value as object);
}

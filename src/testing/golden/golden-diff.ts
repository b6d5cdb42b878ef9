import type { Headers } from '../../processor/headers.ts';
import type { ProducedRecord } from '../produced-record.ts';
import type { GoldenHeader, GoldenRecord } from './golden-case.ts';

/** One way in which a run differs from its case. */
export interface GoldenDifference {
  /** Index of the step; undefined: before the first or after the last. */
  readonly step?: number;
  readonly message: string;
}

/** Names and messages of exceptions are those of their language; only that they are there is compared. */
const LANGUAGE_SPECIFIC = new Set(['__streams.errors.exception', '__streams.errors.message']);

/** Compare what a step produced, topic by topic, in order. */
export function compareRecords(step: number, actual: readonly ProducedRecord[], expected: readonly GoldenRecord[]): GoldenDifference[] {
  const differences: GoldenDifference[] = [];
  const topics = new Set([...actual, ...expected].map(({ topic }) => topic));
  for (const topic of [...topics].sort()) {
    const ours = actual.filter((record) => record.topic === topic);
    const theirs = expected.filter((record) => record.topic === topic);
    const length = Math.max(ours.length, theirs.length);
    for (let i = 0; i < length; i++) {
      const our = ours[i];
      const their = theirs[i];
      if (our !== undefined && their !== undefined && sameRecord(our, their)) continue;
      differences.push({
        step,
        message: `topic ${topic}, record ${i}\n      expected ${their === undefined ? 'nothing' : show(their.keyHex, their.valueHex, their.ts, their.headers)}\n      actual   ${our === undefined ? 'nothing' : show(hex(our.key), hex(our.value), our.timestamp, toGolden(our.headers))}`,
      });
    }
  }
  return differences;
}

function sameRecord(our: ProducedRecord, their: GoldenRecord): boolean {
  return (
    hex(our.key) === their.keyHex && hex(our.value) === their.valueHex && our.timestamp === their.ts && sameHeaders(toGolden(our.headers), their.headers ?? [])
  );
}

function sameHeaders(ours: readonly GoldenHeader[], theirs: readonly GoldenHeader[]): boolean {
  return (
    ours.length === theirs.length &&
    theirs.every(([name, value], i) => {
      const [ourName, ourValue] = ours[i] as GoldenHeader;
      if (ourName !== name) return false;
      if (value === '*' || LANGUAGE_SPECIFIC.has(name)) return ourValue !== null;
      return ourValue === value;
    })
  );
}

function toGolden(headers: Headers): GoldenHeader[] {
  return headers.map(([name, value]) => [name, hex(value)]);
}

function hex(data: Buffer | null): string | null {
  return data === null ? null : data.toString('hex');
}

/** Hex, and the text in it where it is all printable. */
function show(keyHex: string | null, valueHex: string | null, ts: number | null, headers: readonly GoldenHeader[] | undefined): string {
  const shownHeaders =
    headers === undefined || headers.length === 0 ? '' : ` headers ${headers.map(([name, value]) => `${name}=${readable(value)}`).join(', ')}`;
  return `${readable(keyHex)} = ${readable(valueHex)} @${ts}${shownHeaders}`;
}

function readable(value: string | null): string {
  if (value === null || value === '*') return String(value);
  const text = Buffer.from(value, 'hex').toString('utf8');
  return /^[\x20-\x7e]*$/.test(text) ? `${value} ${JSON.stringify(text)}` : value;
}

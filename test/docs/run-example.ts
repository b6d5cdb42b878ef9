import { StreamsBuilder, serdes } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import type { Example } from './example.ts';

const APPLICATION = 'example';

type KeyKind = 'plain' | 'time' | 'session';

/** Runs an example. Returns its trace as it should be: what goes in, each followed by what came out. */
export async function runExample(example: Example): Promise<string[]> {
  const builder = new StreamsBuilder();
  example.topology(builder);
  const driver = new TopologyTestDriver(builder.build(), {
    applicationId: APPLICATION,
    defaultKeySerde: serdes.string,
    defaultValueSerde: serdes.json<unknown>(),
  });
  try {
    const lines = traceLines(example.trace);
    const kinds = keyKinds(lines);
    const trace: string[] = [];
    for (const line of lines) {
      if (line.startsWith('→')) continue;
      const columns = line.split('  ');
      if (columns[0] === 'clock') driver.advanceWallClockTime((columns[1] as string).slice(1) as '1s');
      else pipe(driver, columns);
      await driver.drain();
      trace.push(line);
      for (const { topic, key, value, timestamp } of driver.takeProduced()) {
        if (topic.startsWith(`${APPLICATION}-`)) continue;
        trace.push(`→ ${topic}  ${shownKey(key, kinds.get(topic) ?? 'plain')}  ${shownValue(value)}  @${timestamp}`);
      }
    }
    return trace;
  } finally {
    driver.close();
  }
}

/** The lines of a trace, columns apart by exactly two spaces. */
export function traceLines(trace: string): string[] {
  return trace
    .split('\n')
    .map((line) => line.trim().replace(/ {2,}/g, '  '))
    .filter((line) => line !== '');
}

function pipe(driver: TopologyTestDriver, [topic, key, value, time]: string[]): void {
  const bytes = (text: string | undefined): Buffer | null => (text === undefined || text === 'null' ? null : Buffer.from(text));
  driver.pipeRaw(topic as string, bytes(key), bytes(value), Number(time?.slice(1)), []);
}

/** Bytes do not say whether a key is windowed: the trace does. */
function keyKinds(lines: readonly string[]): Map<string, KeyKind> {
  const kinds = new Map<string, KeyKind>();
  for (const line of lines) {
    if (!line.startsWith('→')) continue;
    const [topic, key] = line.slice(2).split('  ') as [string, string];
    kinds.set(topic, /\[\d+,\d+\)$/.test(key) ? 'time' : /\[\d+,\d+\]$/.test(key) ? 'session' : 'plain');
  }
  return kinds;
}

function shownKey(key: Buffer | null, kind: KeyKind): string {
  if (key === null) return 'null';
  if (kind === 'plain') return key.toString();
  // The examples' time windows are of 10 seconds each.
  const { key: inner, window } = (kind === 'time' ? serdes.timeWindowed(serdes.string, '10s') : serdes.sessionWindowed(serdes.string)).deserialize('', key);
  return `${inner}[${window.start},${window.end}${kind === 'time' ? ')' : ']'}`;
}

/** JSON, or a long: no JSON text has 8 bytes of which the first is 0. */
function shownValue(value: Buffer | null): string {
  if (value === null) return 'null';
  return value.length === 8 && value[0] === 0 ? String(serdes.long.deserialize('', value)) : value.toString();
}

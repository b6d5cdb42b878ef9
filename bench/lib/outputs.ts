import { type Cluster, partitionsOf } from './cluster.ts';

/** How an output topic is compared: by the last value and timestamp of each key, by the last value alone, or as a bag of records. */
export type OutputKind = 'table' | 'values' | 'records';

/** What an output topic came to, in a form that two programs' topics can be compared in. */
export interface Output {
  /** Committed records in the topic. */
  readonly records: number;
  /** Entries of the final table, tombstones taken out; for a bag its records. */
  readonly entries: number;
  /** `table` and `values`: by partition and key bytes, the last value, with its timestamp in a `table`. */
  readonly table: ReadonlyMap<string, string>;
  /** Independent of the order: sums of two hashes of partition, key, value and timestamp over all entries. */
  readonly digest: string;
}

export async function readOutput(cluster: Cluster, topic: string, partitions: number, kind: OutputKind): Promise<Output> {
  const table = new Map<string, string>();
  const bag = new Digest();
  let records = 0;
  await cluster.readToEnd(partitionsOf(topic, partitions), (message) => {
    records += 1;
    const key = `${message.partition}|${message.key === null ? '' : message.key.toString('latin1')}`;
    const value = message.value === null ? undefined : `${kind === 'values' ? '' : message.timestamp}|${message.value.toString('latin1')}`;
    if (kind === 'records') bag.add(`${key}|${value}`);
    else if (value === undefined) table.delete(key);
    else table.set(key, value);
  });
  if (kind !== 'records') for (const [key, value] of table) bag.add(`${key}|${value}`);
  return { records, entries: bag.count, table, digest: bag.toString() };
}

/** Null when both are the same, else the first differences in words. */
export function difference(ours: Output, theirs: Output): string | null {
  if (ours.entries === theirs.entries && ours.digest === theirs.digest) return null;
  const lines = [`${ours.entries} entries here, ${theirs.entries} there`];
  for (const [key, value] of ours.table) {
    if (lines.length > 5) break;
    const other = theirs.table.get(key);
    if (other !== value) lines.push(`${printable(key)}: ${printable(value)} here, ${other === undefined ? 'nothing' : printable(other)} there`);
  }
  for (const [key, value] of theirs.table) {
    if (lines.length > 8) break;
    if (!ours.table.has(key)) lines.push(`${printable(key)}: nothing here, ${printable(value)} there`);
  }
  return lines.join('\n  ');
}

function printable(bytes: string): string {
  return JSON.stringify(bytes).replace(/[\x7f-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}

/** A sum of FNV-1a hashes with two offsets: the same for the same bag of strings, in whatever order. */
export class Digest {
  count = 0;
  #a = 0;
  #b = 0;

  add(text: string): void {
    let a = 0x811c9dc5;
    let b = 0x01234567;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x01000193);
      b ^= b >>> 13;
    }
    this.count += 1;
    this.#a = (this.#a + (a >>> 0)) >>> 0;
    this.#b = (this.#b + (b >>> 0)) >>> 0;
  }

  toString(): string {
    return `${this.count}-${this.#a.toString(16)}-${this.#b.toString(16)}`;
  }
}

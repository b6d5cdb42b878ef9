import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/*
 * The format of a golden case: one run of a topology on Kafka Streams' own TopologyTestDriver, with every byte that came out.
 */

export type GoldenScalar = string | number | null;
/** Name, and the value in hex or null; `*` is any value. */
export type GoldenHeader = readonly [name: string, hex: string | null];

export interface GoldenPipe {
  readonly topic: string;
  readonly key: GoldenScalar;
  readonly value?: GoldenScalar;
  /** In place of `value`: raw bytes. */
  readonly valueHex?: string | null;
  readonly ts: number;
  readonly headers?: readonly GoldenHeader[];
}

export interface GoldenStep {
  readonly pipe?: GoldenPipe;
  readonly advanceWallClockMs?: number;
}

export interface GoldenRecord {
  readonly topic: string;
  readonly keyHex: string | null;
  readonly valueHex: string | null;
  readonly ts: number | null;
  readonly headers?: readonly GoldenHeader[];
}

export interface GoldenStoreEntry {
  readonly keyHex: string;
  readonly key: GoldenScalar;
  readonly value: GoldenScalar;
  readonly ts?: number;
  readonly validTo?: number;
  readonly start?: number;
  readonly end?: number;
  readonly headers?: readonly GoldenHeader[];
}

export interface GoldenCase {
  readonly name: string;
  readonly variant: string;
  readonly feature: string;
  readonly kafkaStreams: string;
  /** Java's configuration keys. */
  readonly config: { readonly [key: string]: string | number | boolean };
  readonly describe?: string;
  readonly inputs: { readonly [topic: string]: { readonly key: string; readonly value: string } };
  readonly outputs: { readonly [topic: string]: { readonly key: string; readonly value: string } };
  readonly steps: readonly GoldenStep[];
  /** The records that each step produced; topics sorted by name. */
  readonly expected: readonly (readonly GoldenRecord[])[];
  readonly stores?: { readonly [store: string]: readonly GoldenStoreEntry[] };
  readonly metrics?: { readonly 'dropped-records-total'?: number };
  /** The step that threw. */
  readonly error?: { readonly step: number; readonly rootMessage?: string };
  /** Building the topology threw. */
  readonly buildError?: { readonly message?: string };
}

/** A case and the file it is from. */
export interface GoldenFile {
  readonly file: string;
  readonly golden: GoldenCase;
}

/** The names of all cases' files in a folder (`*.json`, `*.json.gz`), sorted. */
export function goldenFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /\.json(\.gz)?$/.test(name))
    .sort();
}

export function readGolden(directory: string, file: string): GoldenFile {
  const bytes = readFileSync(join(directory, file));
  return { file, golden: JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as GoldenCase };
}

import type { KeyValueMapper, Supplier } from './functions.ts';
import { kstreamForeach } from './kstream-foreach.ts';

export interface PrintOptions<K, V> {
  /** Stands in brackets before each line. */
  readonly label: string;
  /** Text of a record. @default `key, value` */
  readonly mapper?: KeyValueMapper<K, V, string>;
  /** Takes one line, without its end. @default standard output */
  readonly write?: (line: string) => void;
}

/** Prints `[label]: key, value` for each record; nothing goes on. */
export function kstreamPrint<K, V>(options: PrintOptions<K, V>): Supplier<K, V, never, never> {
  const text = options.mapper ?? ((key: K, value: V) => `${show(key)}, ${show(value)}`);
  const write = options.write ?? ((line: string) => process.stdout.write(`${line}\n`));
  return kstreamForeach((key, value) => {
    write(`[${options.label}]: ${text(key, value)}`);
  });
}

function show(thing: unknown): string {
  return typeof thing === 'object' && thing !== null ? JSON.stringify(thing) : String(thing);
}

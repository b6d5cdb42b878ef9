import {
  type FixedKeyProcessor,
  type FixedKeyProcessorContext,
  type Processor,
  type ProcessorContext,
  type Serde,
  Stores,
  type StreamRecord,
  type StreamsBuilder,
  serdes,
  type Topology,
  type TopologyConfig,
  type Windowed,
} from 'millrace';

/** Builds the topology of a case. Without a return value the runner builds what the builder holds. */
// biome-ignore lint/suspicious/noConfusingVoidType: a case that only uses the builder has no return statement
export type GoldenCase = (builder: StreamsBuilder, config: TopologyConfig) => Topology | void;
export type GoldenCases = { readonly [name: string]: GoldenCase };

export const S = serdes.string;
export const L = serdes.long;

/** The serde of windowed keys that the cases write to topics. */
export const timeWindowed = (size: number) => serdes.timeWindowed(serdes.string, size);
export const sessionWindowed = () => serdes.sessionWindowed(serdes.string);

/** A named store with serdes: Java's `Materialized.as(name).withKeySerde(k).withValueSerde(v)`. */
function materialized<K, V>(store: string, key: Serde<K>, value: Serde<V>) {
  return { store, key, value };
}

export const kv = materialized;
export const win = materialized;
export const ses = materialized;

/** A versioned store as a table's store. */
export function versioned(name: string, historyRetention: number) {
  return { store: Stores.persistentVersionedKeyValueStore(name, historyRetention) };
}

/** A processor that is only a function of its context and the record. */
export function processing<KIn, VIn, KOut, VOut>(
  process: (record: StreamRecord<KIn, VIn>, context: ProcessorContext<KOut, VOut>) => void,
): () => Processor<KIn, VIn, KOut, VOut> {
  return () => new ContextualProcessor(process);
}

class ContextualProcessor<KIn, VIn, KOut, VOut> implements Processor<KIn, VIn, KOut, VOut> {
  readonly #process: (record: StreamRecord<KIn, VIn>, context: ProcessorContext<KOut, VOut>) => void;
  #context: ProcessorContext<KOut, VOut> | undefined;

  constructor(process: (record: StreamRecord<KIn, VIn>, context: ProcessorContext<KOut, VOut>) => void) {
    this.#process = process;
  }

  init(context: ProcessorContext<KOut, VOut>): void {
    this.#context = context;
  }

  process(record: StreamRecord<KIn, VIn>): void {
    if (this.#context === undefined) throw new Error('process() before init()');
    this.#process(record, this.#context);
  }
}

/** As {@link processing}, for processors that keep the key. */
export function processingValues<K, VIn, VOut>(
  process: (record: StreamRecord<K, VIn>, context: FixedKeyProcessorContext<K, VOut>) => void,
): () => FixedKeyProcessor<K, VIn, VOut> {
  return () => {
    let context: FixedKeyProcessorContext<K, VOut> | undefined;
    return {
      init(given) {
        context = given;
      },
      process(record) {
        if (context === undefined) throw new Error('process() before init()');
        process(record, context);
      },
    };
  };
}

/** `key=value;key=value` in iteration order. */
export function dump(entries: Iterable<[unknown, unknown]>): string {
  return Array.from(entries, ([key, value]) => `${shown(key)}=${String(value)}`).join(';');
}

function shown(key: unknown): string {
  if (typeof key !== 'object' || key === null) return String(key);
  const windowed = key as Windowed<unknown>;
  return `[${String(windowed.key)}@${windowed.window.start}/${windowed.window.end}]`;
}

/** Java's `Long.parseLong`: fails on anything but a whole number. */
export function parseLong(text: string | null): number {
  if (text === null || !/^[+-]?\d+$/.test(text)) throw new Error(`For input string: ${JSON.stringify(text)}`);
  return Number(text);
}

/** Java's `String.split`: trailing empty parts are left out, unless nothing was split. */
export function split(text: string, separator: string): string[] {
  if (!text.includes(separator)) return [text];
  const parts = text.split(separator);
  while (parts.at(-1) === '') parts.pop();
  return parts;
}

/** First letter of a value: what most cases group by. */
export function letter(value: string): string {
  return value.substring(0, 1);
}

/** As {@link letter}; null for null. */
export function letterOrNull(value: string | null): string | null {
  return value === null ? null : value.substring(0, 1);
}

/** Reset when long, so that fuzzed aggregates stay short. */
export function capped(aggregate: string, length: number): string {
  return aggregate.length > length ? '' : aggregate;
}

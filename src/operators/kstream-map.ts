import type { Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { KeyValueMapper, Supplier } from './functions.ts';

/** A new key and value for each record. */
export function kstreamMap<K, V, KR, VR>(mapper: KeyValueMapper<K, V, readonly [KR, VR]>): Supplier<K, V, KR, VR> {
  return () => new MapProcessor(mapper);
}

/** A new key for each record. */
export function kstreamSelectKey<K, V, KR>(mapper: KeyValueMapper<K, V, KR>): Supplier<K, V, KR, V> {
  return () => new SelectKeyProcessor(mapper);
}

class MapProcessor<K, V, KR, VR> implements Processor<K, V, KR, VR> {
  readonly #mapper: KeyValueMapper<K, V, readonly [KR, VR]>;
  #context!: ProcessorContext<KR, VR>;

  constructor(mapper: KeyValueMapper<K, V, readonly [KR, VR]>) {
    this.#mapper = mapper;
  }

  init(context: ProcessorContext<KR, VR>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    const pair = this.#mapper(record.key, record.value);
    if (pair == null) throw new TypeError('the mapper of map returned nothing: it must return [key, value]; use flatMap or filter to drop records');
    this.#context.forward(new StreamRecord(pair[0], pair[1], record.timestamp, record.headers));
  }
}

class SelectKeyProcessor<K, V, KR> implements Processor<K, V, KR, V> {
  readonly #mapper: KeyValueMapper<K, V, KR>;
  #context!: ProcessorContext<KR, V>;

  constructor(mapper: KeyValueMapper<K, V, KR>) {
    this.#mapper = mapper;
  }

  init(context: ProcessorContext<KR, V>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    this.#context.forward(new StreamRecord(this.#mapper(record.key, record.value), record.value, record.timestamp, record.headers));
  }
}

import type { Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { Supplier, ValueMapper } from './functions.ts';

/** A new value for each record. */
export function kstreamMapValues<K, V, VR>(mapper: ValueMapper<K, V, VR>): Supplier<K, V, K, VR> {
  return () => new MapValuesProcessor(mapper);
}

class MapValuesProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  readonly #mapper: ValueMapper<K, V, VR>;
  #context!: ProcessorContext<K, VR>;

  constructor(mapper: ValueMapper<K, V, VR>) {
    this.#mapper = mapper;
  }

  init(context: ProcessorContext<K, VR>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    this.#context.forward(new StreamRecord(record.key, this.#mapper(record.value, record.key), record.timestamp, record.headers));
  }
}

import type { Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { Supplier, ValueMapper } from './functions.ts';

/** Any number of values for each record, all with its key. */
export function kstreamFlatMapValues<K, V, VR>(mapper: ValueMapper<K, V, Iterable<VR>>): Supplier<K, V, K, VR> {
  return () => new FlatMapValuesProcessor(mapper);
}

class FlatMapValuesProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  readonly #mapper: ValueMapper<K, V, Iterable<VR>>;
  #context!: ProcessorContext<K, VR>;

  constructor(mapper: ValueMapper<K, V, Iterable<VR>>) {
    this.#mapper = mapper;
  }

  init(context: ProcessorContext<K, VR>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    const values = this.#mapper(record.value, record.key);
    if (values == null) throw new TypeError('the mapper of flatMapValues returned nothing: return an iterable of values, [] for no record');
    for (const value of values) this.#context.forward(new StreamRecord(record.key, value, record.timestamp, record.headers));
  }
}

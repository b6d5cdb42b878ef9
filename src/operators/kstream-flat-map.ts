import type { Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { KeyValueMapper, Supplier } from './functions.ts';

/** Any number of records for each record. */
export function kstreamFlatMap<K, V, KR, VR>(mapper: KeyValueMapper<K, V, Iterable<readonly [KR, VR]>>): Supplier<K, V, KR, VR> {
  return () => new FlatMapProcessor(mapper);
}

class FlatMapProcessor<K, V, KR, VR> implements Processor<K, V, KR, VR> {
  readonly #mapper: KeyValueMapper<K, V, Iterable<readonly [KR, VR]>>;
  #context!: ProcessorContext<KR, VR>;

  constructor(mapper: KeyValueMapper<K, V, Iterable<readonly [KR, VR]>>) {
    this.#mapper = mapper;
  }

  init(context: ProcessorContext<KR, VR>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    const pairs = this.#mapper(record.key, record.value);
    if (pairs == null) throw new TypeError('the mapper of flatMap returned nothing: return an iterable of [key, value], [] for no record');
    for (const pair of pairs) this.#context.forward(new StreamRecord(pair[0], pair[1], record.timestamp, record.headers));
  }
}

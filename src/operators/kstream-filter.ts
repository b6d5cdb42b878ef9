import type { Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { Predicate, Supplier } from './functions.ts';

/** Forwards the records for which the predicate is true (with `filterNot`: false). */
export function kstreamFilter<K, V>(predicate: Predicate<K, V>, filterNot: boolean): Supplier<K, V> {
  return () => new FilterProcessor(predicate, filterNot);
}

class FilterProcessor<K, V> implements Processor<K, V, K, V> {
  readonly #predicate: Predicate<K, V>;
  readonly #filterNot: boolean;
  #context!: ProcessorContext<K, V>;

  constructor(predicate: Predicate<K, V>, filterNot: boolean) {
    this.#predicate = predicate;
    this.#filterNot = filterNot;
  }

  init(context: ProcessorContext<K, V>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    if (Boolean(this.#predicate(record.key, record.value)) !== this.#filterNot) this.#context.forward(record);
  }
}

import type { Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { ForeachAction, Supplier } from './functions.ts';

/** Calls the action and forwards the record as it is. */
export function kstreamPeek<K, V>(action: ForeachAction<K, V>): Supplier<K, V> {
  return () => new PeekProcessor(action);
}

class PeekProcessor<K, V> implements Processor<K, V, K, V> {
  readonly #action: ForeachAction<K, V>;
  #context!: ProcessorContext<K, V>;

  constructor(action: ForeachAction<K, V>) {
    this.#action = action;
  }

  init(context: ProcessorContext<K, V>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    this.#action(record.key, record.value);
    this.#context.forward(record);
  }
}

import type { Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { Supplier } from './functions.ts';

/** Forwards every record as it is: the node of a merge or of a branch. */
export function kstreamPassThrough<K, V>(): Supplier<K, V> {
  return () => new PassThroughProcessor();
}

class PassThroughProcessor<K, V> implements Processor<K, V, K, V> {
  #context!: ProcessorContext<K, V>;

  init(context: ProcessorContext<K, V>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    this.#context.forward(record);
  }
}

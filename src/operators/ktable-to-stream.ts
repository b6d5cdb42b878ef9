import type { Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { Change } from './change.ts';
import type { Supplier } from './functions.ts';

/** The changes of a table as a stream of its new values; a deletion is a null value. */
export function ktableToStream<K, V>(): Supplier<K, Change<V>, K, V | null> {
  return () => new ToStreamProcessor();
}

class ToStreamProcessor<K, V> implements Processor<K, Change<V>, K, V | null> {
  #context!: ProcessorContext<K, V | null>;

  init(context: ProcessorContext<K, V | null>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, Change<V>>): void {
    this.#context.forward(new StreamRecord(record.key, record.value.newValue, record.timestamp, record.headers));
  }
}

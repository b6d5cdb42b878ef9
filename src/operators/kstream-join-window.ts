import type { Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { WindowStore } from '../state/contract/stores.ts';
import type { Supplier } from './functions.ts';

/** Keeps the records of one side of a stream join for the other side: forwards (so that the join runs first), then stores. */
export function kstreamJoinWindow<K, V>(windowStoreName: string): Supplier<K, V> {
  return () => new JoinWindowProcessor(windowStoreName);
}

class JoinWindowProcessor<K, V> implements Processor<K, V, K, V> {
  readonly #storeName: string;
  #context!: ProcessorContext<K, V>;
  #store!: WindowStore<K, V>;

  constructor(storeName: string) {
    this.#storeName = storeName;
  }

  init(context: ProcessorContext<K, V>): void {
    this.#context = context;
    this.#store = context.getStateStore(this.#storeName);
  }

  process(record: StreamRecord<K, V>): void {
    this.#context.forward(record);
    // Each record is a window of its own; the store is used for its retention.
    if (record.key != null) this.#store.put(record.key, record.value ?? null, record.timestamp);
  }
}

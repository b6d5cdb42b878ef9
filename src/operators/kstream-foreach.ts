import type { Processor } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { ForeachAction, Supplier } from './functions.ts';

/** Calls the action; nothing goes on. */
export function kstreamForeach<K, V>(action: ForeachAction<K, V>): Supplier<K, V, never, never> {
  return () => new ForeachProcessor(action);
}

class ForeachProcessor<K, V> implements Processor<K, V, never, never> {
  readonly #action: ForeachAction<K, V>;

  constructor(action: ForeachAction<K, V>) {
    this.#action = action;
  }

  process(record: StreamRecord<K, V>): void {
    this.#action(record.key, record.value);
  }
}

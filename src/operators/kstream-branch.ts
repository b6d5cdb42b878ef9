import type { Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { Predicate, Supplier } from './functions.ts';

/**
 * Sends each record to the child of the first predicate that is true. One more child name than predicates: that child takes the rest; otherwise the rest ends here.
 * Both lists are read when a task starts, so a builder may still fill them.
 */
export function kstreamBranch<K, V>(predicates: readonly Predicate<K, V>[], childNames: readonly string[]): Supplier<K, V> {
  return () => new BranchProcessor([...predicates], [...childNames]);
}

class BranchProcessor<K, V> implements Processor<K, V, K, V> {
  readonly #predicates: readonly Predicate<K, V>[];
  readonly #childNames: readonly string[];
  #context!: ProcessorContext<K, V>;

  constructor(predicates: readonly Predicate<K, V>[], childNames: readonly string[]) {
    this.#predicates = predicates;
    this.#childNames = childNames;
  }

  init(context: ProcessorContext<K, V>): void {
    this.#context = context;
  }

  process(record: StreamRecord<K, V>): void {
    const predicates = this.#predicates;
    let chosen = 0;
    while (chosen < predicates.length && !(predicates[chosen] as Predicate<K, V>)(record.key, record.value)) chosen++;
    const child = this.#childNames[chosen];
    if (child !== undefined) this.#context.forward(record, child);
  }
}

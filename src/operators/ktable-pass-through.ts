import type { Processor } from '../processor/processor.ts';
import type { Change } from './change.ts';
import { kstreamPassThrough } from './kstream-pass-through.ts';
import type { KStreamAggregateSupplier, KTableProcessorSupplier, KTableValueGetterSupplier } from './ktable-supplier.ts';

export interface KTablePassThroughOptions<K, V> {
  /** The aggregates of the co-grouped streams; all share one store. */
  readonly parents: readonly KStreamAggregateSupplier<never, never, K, V>[];
}

/** The one table behind the aggregates of a cogroup. Its rows are those of the store they share. */
export function ktablePassThrough<K, V>(options: KTablePassThroughOptions<K, V>): KTableProcessorSupplier<K, V, K, V> {
  return new PassThroughSupplier(options.parents);
}

class PassThroughSupplier<K, V> implements KTableProcessorSupplier<K, V, K, V> {
  readonly #parents: readonly KStreamAggregateSupplier<never, never, K, V>[];

  constructor(parents: readonly KStreamAggregateSupplier<never, never, K, V>[]) {
    this.#parents = parents;
  }

  get(): Processor<K, Change<V>, K, Change<V>> {
    return kstreamPassThrough<K, Change<V>>()();
  }

  view(): KTableValueGetterSupplier<K, V> {
    return (this.#parents[0] as KStreamAggregateSupplier<never, never, K, V>).view();
  }

  enableSendingOldValues(): boolean {
    for (const parent of this.#parents) parent.enableSendingOldValues();
    return true;
  }
}

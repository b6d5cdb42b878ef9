import type { Reducer } from './functions.ts';
import { ktableAggregate } from './ktable-aggregate.ts';
import type { KTableProcessorSupplier } from './ktable-supplier.ts';

export interface KTableReduceOptions<V> {
  readonly storeName: string;
  readonly adder: Reducer<V>;
  readonly subtractor: Reducer<V>;
}

/** Combines the rows of a grouped table: the old value is subtracted first, then the new one added; the first value is taken as it is. */
export function ktableReduce<K, V>(options: KTableReduceOptions<V>): KTableProcessorSupplier<K, V, K, V> {
  const { adder, subtractor } = options;
  return ktableAggregate<K, V, V>({
    storeName: options.storeName,
    initializer: () => null as V,
    adder: (_key, value, aggregate) => (aggregate == null ? value : adder(aggregate, value)),
    subtractor: (_key, value, aggregate) => subtractor(aggregate, value),
  });
}

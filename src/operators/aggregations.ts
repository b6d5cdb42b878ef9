import type { Aggregator, Merger, Reducer } from './functions.ts';

/*
 * count and reduce in terms of aggregate.
 */

export const countInitializer = (): number => 0;
export const countAggregator = (_key: unknown, _value: unknown, count: number): number => count + 1;
export const countSubtractor = (_key: unknown, _value: unknown, count: number): number => count - 1;
export const countMerger = (_key: unknown, left: number, right: number): number => left + right;

export const reduceInitializer = (): null => null;

/** The first value is taken as it is. */
export function aggregatorOfReducer<K, V>(reducer: Reducer<V>): Aggregator<K, V, V | null> {
  return (_key, value, aggregate) => (aggregate == null ? value : reducer(aggregate, value));
}

export function mergerOfReducer<K, V>(reducer: Reducer<V>): Merger<K, V | null> {
  return (_key, left, right) => (left == null ? right : reducer(left, right as V));
}

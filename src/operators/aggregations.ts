import type { Aggregator, Merger, Reducer } from './functions.ts';

/*
 * count and reduce in terms of aggregate.
 */

/** A count starts at 0. */
export const countInitializer = (): number => 0;
/** One more. */
export const countAggregator = (_key: unknown, _value: unknown, count: number): number => count + 1;
/** One less: a row has left its group. */
export const countSubtractor = (_key: unknown, _value: unknown, count: number): number => count - 1;
/** The count of two sessions together. */
export const countMerger = (_key: unknown, left: number, right: number): number => left + right;

/** A reduce starts with nothing. */
export const reduceInitializer = (): null => null;

/** A reducer as an aggregator: the first value is taken as it is. */
export function aggregatorOfReducer<K, V>(reducer: Reducer<V>): Aggregator<K, V, V | null> {
  return (_key, value, aggregate) => (aggregate == null ? value : reducer(aggregate, value));
}

/** A reducer as the merger of two sessions' results. */
export function mergerOfReducer<K, V>(reducer: Reducer<V>): Merger<K, V | null> {
  return (_key, left, right) => (left == null ? right : reducer(left, right as V));
}

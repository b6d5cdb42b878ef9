import type { Processor } from '../processor/processor.ts';
import type { AsyncCallContext } from './async/async-options.ts';

/** Keeps a record when it returns true. */
export type Predicate<K, V> = (key: K, value: V) => boolean;
/** Computes something from a record: a new key, a `[key, value]` pair, several of them. */
export type KeyValueMapper<K, V, R> = (key: K, value: V) => R;
/** Computes a new value; the key is given to read. */
export type ValueMapper<K, V, R> = (value: V, key: K) => R;
/** Does something with a record. */
export type ForeachAction<K, V> = (key: K, value: V) => void;
/** As {@link Predicate}, with an answer that comes later. */
export type AsyncPredicate<K, V> = (key: K, value: V, call: AsyncCallContext) => PromiseLike<boolean>;
/** As {@link KeyValueMapper}, with a result that comes later. */
export type AsyncKeyValueMapper<K, V, R> = (key: K, value: V, call: AsyncCallContext) => PromiseLike<R>;
/** As {@link ValueMapper}, with a result that comes later. */
export type AsyncValueMapper<K, V, R> = (value: V, key: K, call: AsyncCallContext) => PromiseLike<R>;
/** As {@link ForeachAction}, done when the promise resolves. What it resolves to is ignored. */
export type AsyncForeachAction<K, V> = (key: K, value: V, call: AsyncCallContext) => PromiseLike<unknown>;
/** The aggregate of a key that has none yet. */
export type Initializer<VA> = () => VA;
/** The aggregate with one more (or, as a subtractor, one less) value. Must not change `aggregate` in place: return a new one. */
export type Aggregator<K, V, VA> = (key: K, value: V, aggregate: VA) => VA;
/** Combines two values of one type. */
export type Reducer<V> = (aggregate: V, value: V) => V;
/** Combines the aggregates of two sessions. */
export type Merger<K, VA> = (key: K, left: VA, right: VA) => VA;
/** The result of a join. The missing side of a left or outer join is null. */
export type ValueJoiner<VL, VR, VO, K = unknown> = (left: VL, right: VR, key: K) => VO;
/** The key of the other table that a row refers to; null when it refers to none. */
export type ForeignKeyExtractor<K, V, KO> = (value: V, key: K) => KO | null;

/** Makes the running processor of a node; called once for each task. */
export type Supplier<KIn, VIn, KOut = KIn, VOut = VIn> = () => Processor<KIn, VIn, KOut, VOut>;

/** The joiner as the other side of a join calls it. */
export function reverseJoiner<VL, VR, VO, K>(joiner: ValueJoiner<VL, VR, VO, K>): ValueJoiner<VR, VL, VO, K> {
  return (right, left, key) => joiner(left, right, key);
}

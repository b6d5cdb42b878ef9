import { type Headers, NO_HEADERS } from '../processor/headers.ts';
import type { InternalProcessorContext } from '../processor/processor.ts';
import type { HeadersKeyValueStore, StateStore, VersionedKeyValueStore } from '../state/contract/stores.ts';
import type { ValueAndTimestamp, ValueTimestampHeaders } from '../state/contract/values.ts';

/** `put` found that the record is older than the history of a versioned store, and did nothing. */
export const NOT_PUT = Number.MIN_SAFE_INTEGER;
/** `put` wrote what is now the latest version of the key. */
export const PUT_LATEST = -1;

/** The store of a table, whichever kind it is: timestamped, with headers, or versioned. */
export interface TableStore<K, V> {
  readonly store: StateStore;
  readonly versioned: boolean;
  get(key: K): ValueAndTimestamp<V> | null;
  /** Only where `versioned`. */
  getAsOf(key: K, asOf: number): ValueAndTimestamp<V> | null;
  /** Returns {@link PUT_LATEST}, {@link NOT_PUT}, or the end of validity of an out-of-order version. */
  put(key: K, value: V | null, timestamp: number, headers?: Headers): number;
}

/** The table store of that name, which must be connected to the operator. */
export function tableStore<K, V>(context: Pick<InternalProcessorContext, 'getStateStore'>, name: string): TableStore<K, V> {
  const store = context.getStateStore<StateStore>(name);
  return 'getAsOf' in store
    ? new VersionedTableStore<K, V>(store as VersionedKeyValueStore<K, V>)
    : new TimestampedTableStore<K, V>(store as HeadersKeyValueStore<K, V>);
}

/** A value as timestamped stores keep it. Headers are for stores that keep them: in another they would be seen until the value is read from its bytes. */
export function storedValue<V>(value: V, timestamp: number, headers?: Headers): ValueTimestampHeaders<V> {
  return (headers === undefined ? { value, timestamp } : { value, timestamp, headers }) as ValueTimestampHeaders<V>;
}

class TimestampedTableStore<K, V> implements TableStore<K, V> {
  readonly store: HeadersKeyValueStore<K, V>;
  readonly versioned = false;
  readonly #keepsHeaders: boolean;

  constructor(store: HeadersKeyValueStore<K, V>) {
    this.store = store;
    this.#keepsHeaders = (store as { readonly keepsHeaders?: boolean }).keepsHeaders !== false;
  }

  get(key: K): ValueAndTimestamp<V> | null {
    return this.store.get(key);
  }

  getAsOf(): never {
    throw new Error('a read as of a time needs a versioned store');
  }

  put(key: K, value: V | null, timestamp: number, headers: Headers = NO_HEADERS): number {
    this.store.put(key, value == null ? null : storedValue(value, timestamp, this.#keepsHeaders ? headers : undefined));
    return PUT_LATEST;
  }
}

class VersionedTableStore<K, V> implements TableStore<K, V> {
  readonly store: VersionedKeyValueStore<K, V>;
  readonly versioned = true;

  constructor(store: VersionedKeyValueStore<K, V>) {
    this.store = store;
  }

  get(key: K): ValueAndTimestamp<V> | null {
    return this.store.get(key);
  }

  getAsOf(key: K, asOf: number): ValueAndTimestamp<V> | null {
    return this.store.getAsOf(key, asOf);
  }

  put(key: K, value: V | null, timestamp: number): number {
    return this.store.put(key, value ?? null, timestamp);
  }
}

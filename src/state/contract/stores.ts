import type { StateStoreContext } from './context.ts';
import type { ValueAndTimestamp, ValueTimestampHeaders, VersionedRecord, Windowed } from './values.ts';

/**
 * Reads of several entries. Entries come in the order of their serialised bytes, in pages: an iteration never blocks a write,
 * and `return()` (a `break` out of `for…of`) ends it.
 */
export type StoreIterator<T> = IterableIterator<T>;

/** Lifecycle of every store. A store lives in one task and is used by one thread. */
export interface StateStore {
  readonly name: string;
  /** True when its contents survive a restart on disk. */
  readonly persistent: boolean;
  readonly isOpen: boolean;
  init(context: StateStoreContext): void;
  close(): void;
}

export interface ReadOnlyKeyValueStore<K, V> {
  get(key: K): V | null;
  /** Both ends inclusive; null or undefined leaves that end open. */
  range(from?: K | null, to?: K | null): StoreIterator<[K, V]>;
  reverseRange(from?: K | null, to?: K | null): StoreIterator<[K, V]>;
  all(): StoreIterator<[K, V]>;
  reverseAll(): StoreIterator<[K, V]>;
  /** Keys whose serialised form starts with the serialised prefix. */
  prefixScan<P>(prefix: P, prefixSerde: import('../../serdes/serde.ts').Serde<P>): StoreIterator<[K, V]>;
  approximateNumEntries(): number;
}

export interface KeyValueStore<K, V> extends StateStore, ReadOnlyKeyValueStore<K, V> {
  /** Null deletes. */
  put(key: K, value: V | null): void;
  /** Returns the value that was there, else null. */
  putIfAbsent(key: K, value: V | null): V | null;
  putAll(entries: Iterable<readonly [K, V | null]>): void;
  /** Returns the value that was there, else null. */
  delete(key: K): V | null;
}

export interface TimestampedKeyValueStore<K, V> extends KeyValueStore<K, ValueAndTimestamp<V>> {}
export interface HeadersKeyValueStore<K, V> extends KeyValueStore<K, ValueTimestampHeaders<V>> {}

export interface VersionedKeyValueStore<K, V> extends StateStore {
  /** Returns the `validTo` of the new version, -1 when it is the latest (Java's PUT_RETURN_CODE_VALID_TO_UNDEFINED), or `Number.MIN_SAFE_INTEGER` when it was older than the history and not put. */
  put(key: K, value: V | null, timestamp: number): number;
  /** Deletes as of `timestamp`; returns the version that was valid then. */
  delete(key: K, timestamp: number): VersionedRecord<V> | null;
  get(key: K): VersionedRecord<V> | null;
  /** The version valid at `asOf`; null beyond the history. */
  getAsOf(key: K, asOf: number): VersionedRecord<V> | null;
}

export interface ReadOnlyWindowStore<K, V> {
  /** The value of the window that starts exactly at `windowStart`. */
  fetch(key: K, windowStart: number): V | null;
  /** Windows of one key that start within [from, to], both inclusive, oldest first: `[windowStart, value]`. */
  fetchRange(key: K, from: number, to: number): StoreIterator<[number, V]>;
  backwardFetchRange(key: K, from: number, to: number): StoreIterator<[number, V]>;
  /** Windows of the keys within [keyFrom, keyTo] (null: open) that start within [from, to]. */
  fetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, V]>;
  backwardFetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, V]>;
  fetchAll(from: number, to: number): StoreIterator<[Windowed<K>, V]>;
  backwardFetchAll(from: number, to: number): StoreIterator<[Windowed<K>, V]>;
  all(): StoreIterator<[Windowed<K>, V]>;
  backwardAll(): StoreIterator<[Windowed<K>, V]>;
}

export interface WindowStore<K, V> extends StateStore, ReadOnlyWindowStore<K, V> {
  readonly windowSize: number;
  readonly retentionPeriod: number;
  /** Null deletes (or, where duplicates are retained, does nothing). Windows past the retention are dropped and counted. */
  put(key: K, value: V | null, windowStart: number): void;
}

export interface TimestampedWindowStore<K, V> extends WindowStore<K, ValueAndTimestamp<V>> {}

export interface ReadOnlySessionStore<K, V> {
  /** Sessions of one key that overlap [earliestSessionEnd, latestSessionStart], oldest first. */
  findSessions(key: K, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]>;
  backwardFindSessions(key: K, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]>;
  findSessionsKeys(keyFrom: K | null, keyTo: K | null, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]>;
  backwardFindSessionsKeys(keyFrom: K | null, keyTo: K | null, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]>;
  /** Sessions of all keys whose end lies within [earliestSessionEnd, latestSessionEnd] (emit-final reads them). */
  findSessionsByEnd(earliestSessionEnd: number, latestSessionEnd: number): StoreIterator<[Windowed<K>, V]>;
  fetchSession(key: K, sessionStart: number, sessionEnd: number): V | null;
  /** All sessions of a key. */
  fetch(key: K): StoreIterator<[Windowed<K>, V]>;
  backwardFetch(key: K): StoreIterator<[Windowed<K>, V]>;
  fetchKeys(keyFrom: K | null, keyTo: K | null): StoreIterator<[Windowed<K>, V]>;
  backwardFetchKeys(keyFrom: K | null, keyTo: K | null): StoreIterator<[Windowed<K>, V]>;
}

export interface SessionStore<K, V> extends StateStore, ReadOnlySessionStore<K, V> {
  readonly retentionPeriod: number;
  put(session: Windowed<K>, aggregate: V | null): void;
  remove(session: Windowed<K>): void;
}

/**
 * A store with a record cache tells the operator that owns it what leaves the cache (at a commit, or when it is full).
 * `key` is K, or Windowed<K> for window and session stores; values are plain V, without their timestamp.
 */
export type FlushListener<K, V> = (key: K, newValue: V | null, oldValue: V | null, timestamp: number) => void;

export interface CachedStateStore<K, V> {
  /**
   * Returns false when the store has no cache: the operator then forwards by itself.
   * `sendOldValues`: read the value from before the cache too. The record context of the cached entry is current during the call.
   */
  setFlushListener(listener: FlushListener<K, V>, sendOldValues: boolean): boolean;
}

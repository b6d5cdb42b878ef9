import type { Serde } from '../serdes/serde.ts';
import type { StoreKind } from '../state/contract/builder.ts';
import type { StateStoreContext } from '../state/contract/context.ts';
import type { KeyValueStore, StateStore, StoreIterator, TimestampedKeyValueStore, TimestampedWindowStore, WindowStore } from '../state/contract/stores.ts';
import type { ValueAndTimestamp, Windowed } from '../state/contract/values.ts';

/*
 * Stores of timestamped values seen as stores of plain ones, as Java's test driver shows them. A value that a test puts gets the timestamp -1.
 */

/** A key-value store as one of plain values. */
export function plainKeyValueStore<K, V>(store: StateStore, kind: StoreKind | undefined): KeyValueStore<K, V> {
  if (kind === 'timestamped-key-value' || kind === 'headers-key-value') return new PlainKeyValueStore(store as TimestampedKeyValueStore<K, V>);
  return store as KeyValueStore<K, V>;
}

/** A window store as one of plain values. */
export function plainWindowStore<K, V>(store: StateStore, kind: StoreKind | undefined): WindowStore<K, V> {
  if (kind === 'timestamped-window') return new PlainWindowStore(store as TimestampedWindowStore<K, V>);
  return store as WindowStore<K, V>;
}

const NO_TIMESTAMP = -1;

function plain<V>(stored: ValueAndTimestamp<V> | null): V | null {
  return stored === null ? null : stored.value;
}

function stamped<V>(value: V | null): ValueAndTimestamp<V> | null {
  return value === null ? null : { value, timestamp: NO_TIMESTAMP };
}

function* plainEntries<K, V>(entries: StoreIterator<[K, ValueAndTimestamp<V>]>): StoreIterator<[K, V]> {
  for (const [key, stored] of entries) yield [key, stored.value];
}

abstract class PlainStore implements StateStore {
  protected abstract readonly inner: StateStore;

  get name(): string {
    return this.inner.name;
  }

  get persistent(): boolean {
    return this.inner.persistent;
  }

  get isOpen(): boolean {
    return this.inner.isOpen;
  }

  init(context: StateStoreContext): void {
    this.inner.init(context);
  }

  close(): void {
    this.inner.close();
  }
}

class PlainKeyValueStore<K, V> extends PlainStore implements KeyValueStore<K, V> {
  protected readonly inner: TimestampedKeyValueStore<K, V>;

  constructor(inner: TimestampedKeyValueStore<K, V>) {
    super();
    this.inner = inner;
  }

  get(key: K): V | null {
    return plain(this.inner.get(key));
  }

  put(key: K, value: V | null): void {
    this.inner.put(key, stamped(value));
  }

  putIfAbsent(key: K, value: V | null): V | null {
    return plain(this.inner.putIfAbsent(key, stamped(value)));
  }

  putAll(entries: Iterable<readonly [K, V | null]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  delete(key: K): V | null {
    return plain(this.inner.delete(key));
  }

  range(from?: K | null, to?: K | null): StoreIterator<[K, V]> {
    return plainEntries(this.inner.range(from, to));
  }

  reverseRange(from?: K | null, to?: K | null): StoreIterator<[K, V]> {
    return plainEntries(this.inner.reverseRange(from, to));
  }

  all(): StoreIterator<[K, V]> {
    return plainEntries(this.inner.all());
  }

  reverseAll(): StoreIterator<[K, V]> {
    return plainEntries(this.inner.reverseAll());
  }

  prefixScan<P>(prefix: P, prefixSerde: Serde<P>): StoreIterator<[K, V]> {
    return plainEntries(this.inner.prefixScan(prefix, prefixSerde));
  }

  approximateNumEntries(): number {
    return this.inner.approximateNumEntries();
  }
}

class PlainWindowStore<K, V> extends PlainStore implements WindowStore<K, V> {
  protected readonly inner: TimestampedWindowStore<K, V>;

  constructor(inner: TimestampedWindowStore<K, V>) {
    super();
    this.inner = inner;
  }

  get windowSize(): number {
    return this.inner.windowSize;
  }

  get retentionPeriod(): number {
    return this.inner.retentionPeriod;
  }

  put(key: K, value: V | null, windowStart: number): void {
    this.inner.put(key, stamped(value), windowStart);
  }

  fetch(key: K, windowStart: number): V | null {
    return plain(this.inner.fetch(key, windowStart));
  }

  fetchRange(key: K, from: number, to: number): StoreIterator<[number, V]> {
    return plainEntries(this.inner.fetchRange(key, from, to));
  }

  backwardFetchRange(key: K, from: number, to: number): StoreIterator<[number, V]> {
    return plainEntries(this.inner.backwardFetchRange(key, from, to));
  }

  fetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return plainEntries(this.inner.fetchKeys(keyFrom, keyTo, from, to));
  }

  backwardFetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return plainEntries(this.inner.backwardFetchKeys(keyFrom, keyTo, from, to));
  }

  fetchAll(from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return plainEntries(this.inner.fetchAll(from, to));
  }

  backwardFetchAll(from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return plainEntries(this.inner.backwardFetchAll(from, to));
  }

  all(): StoreIterator<[Windowed<K>, V]> {
    return plainEntries(this.inner.all());
  }

  backwardAll(): StoreIterator<[Windowed<K>, V]> {
    return plainEntries(this.inner.backwardAll());
  }
}

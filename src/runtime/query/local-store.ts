import { IllegalStateError } from '../../errors.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { StoreKind } from '../../state/contract/builder.ts';
import type {
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyWindowStore,
  StateStore,
  StoreIterator,
  VersionedKeyValueStore,
} from '../../state/contract/stores.ts';
import type { VersionedRecord, Windowed } from '../../state/contract/values.ts';

/** What `streams.store(name)` returns: the methods of the store's kind that read. Values are plain, without their timestamp. */
export type LocalStore<K, V> = ReadOnlyKeyValueStore<K, V> &
  ReadOnlyWindowStore<K, V> &
  ReadOnlySessionStore<K, V> &
  Pick<VersionedKeyValueStore<K, V>, 'getAsOf'>;

type Unwrap<V> = (stored: unknown) => V;

const plain = <V>(stored: unknown): V => stored as V;
const unwrapped = <V>(stored: unknown): V => (stored === null ? null : (stored as { value: V }).value) as V;

/**
 * A read-only view of one store over the tasks of this instance: every call looks at the tasks that run now. A key that another instance has is not found. Reads see what is
 * processed, also what is not committed yet.
 * @param stores the store's instances, one a task; called for each read
 */
export function localStore<K, V>(name: string, kind: StoreKind, stores: () => StateStore[]): unknown {
  const wrapped = kind === 'timestamped-key-value' || kind === 'headers-key-value' || kind === 'timestamped-window';
  const unwrap: Unwrap<V> = wrapped ? unwrapped : plain;
  switch (kind) {
    case 'key-value':
    case 'timestamped-key-value':
    case 'headers-key-value':
      return new LocalKeyValueStore<K, V>(stores as unknown as () => ReadOnlyKeyValueStore<K, unknown>[], unwrap);
    case 'window':
    case 'timestamped-window':
    case 'join-window':
      return new LocalWindowStore<K, V>(stores as unknown as () => ReadOnlyWindowStore<K, unknown>[], unwrap);
    case 'session':
      return new LocalSessionStore<K, V>(stores as unknown as () => ReadOnlySessionStore<K, V>[]);
    case 'versioned':
      return new LocalVersionedStore<K, V>(stores as unknown as () => VersionedKeyValueStore<K, V>[]);
    default:
      throw new IllegalStateError(`Stores of kind ${kind} cannot be queried`, { store: name });
  }
}

/** The first that has it. */
function first<S, V>(stores: readonly S[], read: (store: S) => V | null): V | null {
  for (const store of stores) {
    const found = read(store);
    if (found !== null && found !== undefined) return found;
  }
  return null;
}

function* each<S, T>(stores: readonly S[], read: (store: S) => StoreIterator<T>): IterableIterator<T> {
  for (const store of stores) yield* read(store);
}

function* mapped<K, V>(entries: Iterable<[K, unknown]>, unwrap: Unwrap<V>): IterableIterator<[K, V]> {
  for (const [key, value] of entries) yield [key, unwrap(value)];
}

class LocalKeyValueStore<K, V> implements ReadOnlyKeyValueStore<K, V> {
  private readonly stores: () => ReadOnlyKeyValueStore<K, unknown>[];
  private readonly unwrap: Unwrap<V>;

  constructor(stores: () => ReadOnlyKeyValueStore<K, unknown>[], unwrap: Unwrap<V>) {
    this.stores = stores;
    this.unwrap = unwrap;
  }

  get(key: K): V | null {
    return first(this.stores(), (store) => {
      const found = store.get(key);
      return found === null || found === undefined ? null : this.unwrap(found);
    });
  }

  range(from?: K | null, to?: K | null): StoreIterator<[K, V]> {
    return this.entries((store) => store.range(from, to));
  }

  reverseRange(from?: K | null, to?: K | null): StoreIterator<[K, V]> {
    return this.entries((store) => store.reverseRange(from, to));
  }

  all(): StoreIterator<[K, V]> {
    return this.entries((store) => store.all());
  }

  reverseAll(): StoreIterator<[K, V]> {
    return this.entries((store) => store.reverseAll());
  }

  prefixScan<P>(prefix: P, prefixSerde: Serde<P>): StoreIterator<[K, V]> {
    return this.entries((store) => store.prefixScan(prefix, prefixSerde));
  }

  approximateNumEntries(): number {
    return this.stores().reduce((sum, store) => sum + store.approximateNumEntries(), 0);
  }

  private entries(read: (store: ReadOnlyKeyValueStore<K, unknown>) => StoreIterator<[K, unknown]>): StoreIterator<[K, V]> {
    return mapped(each(this.stores(), read), this.unwrap);
  }
}

class LocalWindowStore<K, V> implements ReadOnlyWindowStore<K, V> {
  private readonly stores: () => ReadOnlyWindowStore<K, unknown>[];
  private readonly unwrap: Unwrap<V>;

  constructor(stores: () => ReadOnlyWindowStore<K, unknown>[], unwrap: Unwrap<V>) {
    this.stores = stores;
    this.unwrap = unwrap;
  }

  fetch(key: K, windowStart: number): V | null {
    return first(this.stores(), (store) => {
      const found = store.fetch(key, windowStart);
      return found === null || found === undefined ? null : this.unwrap(found);
    });
  }

  fetchRange(key: K, from: number, to: number): StoreIterator<[number, V]> {
    return mapped(
      each(this.stores(), (store) => store.fetchRange(key, from, to)),
      this.unwrap,
    );
  }

  backwardFetchRange(key: K, from: number, to: number): StoreIterator<[number, V]> {
    return mapped(
      each(this.stores(), (store) => store.backwardFetchRange(key, from, to)),
      this.unwrap,
    );
  }

  fetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return this.windows((store) => store.fetchKeys(keyFrom, keyTo, from, to));
  }

  backwardFetchKeys(keyFrom: K | null, keyTo: K | null, from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return this.windows((store) => store.backwardFetchKeys(keyFrom, keyTo, from, to));
  }

  fetchAll(from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return this.windows((store) => store.fetchAll(from, to));
  }

  backwardFetchAll(from: number, to: number): StoreIterator<[Windowed<K>, V]> {
    return this.windows((store) => store.backwardFetchAll(from, to));
  }

  all(): StoreIterator<[Windowed<K>, V]> {
    return this.windows((store) => store.all());
  }

  backwardAll(): StoreIterator<[Windowed<K>, V]> {
    return this.windows((store) => store.backwardAll());
  }

  private windows(read: (store: ReadOnlyWindowStore<K, unknown>) => StoreIterator<[Windowed<K>, unknown]>): StoreIterator<[Windowed<K>, V]> {
    return mapped(each(this.stores(), read), this.unwrap);
  }
}

class LocalSessionStore<K, V> implements ReadOnlySessionStore<K, V> {
  private readonly stores: () => ReadOnlySessionStore<K, V>[];

  constructor(stores: () => ReadOnlySessionStore<K, V>[]) {
    this.stores = stores;
  }

  findSessions(key: K, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.findSessions(key, earliestSessionEnd, latestSessionStart));
  }

  backwardFindSessions(key: K, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.backwardFindSessions(key, earliestSessionEnd, latestSessionStart));
  }

  findSessionsKeys(keyFrom: K | null, keyTo: K | null, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.findSessionsKeys(keyFrom, keyTo, earliestSessionEnd, latestSessionStart));
  }

  backwardFindSessionsKeys(keyFrom: K | null, keyTo: K | null, earliestSessionEnd: number, latestSessionStart: number): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.backwardFindSessionsKeys(keyFrom, keyTo, earliestSessionEnd, latestSessionStart));
  }

  findSessionsByEnd(earliestSessionEnd: number, latestSessionEnd: number): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.findSessionsByEnd(earliestSessionEnd, latestSessionEnd));
  }

  fetchSession(key: K, sessionStart: number, sessionEnd: number): V | null {
    return first(this.stores(), (store) => store.fetchSession(key, sessionStart, sessionEnd));
  }

  fetch(key: K): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.fetch(key));
  }

  backwardFetch(key: K): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.backwardFetch(key));
  }

  fetchKeys(keyFrom: K | null, keyTo: K | null): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.fetchKeys(keyFrom, keyTo));
  }

  backwardFetchKeys(keyFrom: K | null, keyTo: K | null): StoreIterator<[Windowed<K>, V]> {
    return each(this.stores(), (store) => store.backwardFetchKeys(keyFrom, keyTo));
  }
}

class LocalVersionedStore<K, V> {
  private readonly stores: () => VersionedKeyValueStore<K, V>[];

  constructor(stores: () => VersionedKeyValueStore<K, V>[]) {
    this.stores = stores;
  }

  get(key: K): VersionedRecord<V> | null {
    return first(this.stores(), (store) => store.get(key));
  }

  getAsOf(key: K, asOf: number): VersionedRecord<V> | null {
    return first(this.stores(), (store) => store.getAsOf(key, asOf));
  }
}

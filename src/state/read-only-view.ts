import { IllegalStateError } from '../errors.ts';
import type { ReadOnlyKeyValueStore, ReadOnlySessionStore, ReadOnlyWindowStore, StateStore, VersionedKeyValueStore } from './contract/stores.ts';

/** What queries may do with a versioned store. */
export type ReadOnlyVersionedStore<K, V> = Pick<VersionedKeyValueStore<K, V>, 'get' | 'getAsOf'>;

const KEY_VALUE = [
  'get',
  'range',
  'reverseRange',
  'all',
  'reverseAll',
  'prefixScan',
  'approximateNumEntries',
] as const satisfies readonly (keyof ReadOnlyKeyValueStore<unknown, unknown>)[];
const VERSIONED = ['get', 'getAsOf'] as const satisfies readonly (keyof ReadOnlyVersionedStore<unknown, unknown>)[];
const WINDOW = [
  'fetch',
  'fetchRange',
  'backwardFetchRange',
  'fetchKeys',
  'backwardFetchKeys',
  'fetchAll',
  'backwardFetchAll',
  'all',
  'backwardAll',
] as const satisfies readonly (keyof ReadOnlyWindowStore<unknown, unknown>)[];
const SESSION = [
  'findSessions',
  'backwardFindSessions',
  'findSessionsKeys',
  'backwardFindSessionsKeys',
  'findSessionsByEnd',
  'fetchSession',
  'fetch',
  'backwardFetch',
  'fetchKeys',
  'backwardFetchKeys',
] as const satisfies readonly (keyof ReadOnlySessionStore<unknown, unknown>)[];

/** The read-only side of a store, by its kind. */
export type ReadOnlyView<S> =
  S extends ReadOnlyKeyValueStore<infer K, infer V>
    ? ReadOnlyKeyValueStore<K, V>
    : S extends ReadOnlyWindowStore<infer K, infer V>
      ? ReadOnlyWindowStore<K, V>
      : S extends ReadOnlySessionStore<infer K, infer V>
        ? ReadOnlySessionStore<K, V>
        : S extends VersionedKeyValueStore<infer K, infer V>
          ? ReadOnlyVersionedStore<K, V>
          : never;

/**
 * The reads of a store, and nothing else, for queries from outside the topology. They see what the task has put so far, committed or not.
 *
 * @throws IllegalStateError from each method when the store is closed: its task has moved or the application has stopped.
 */
export function readOnlyView<S extends StateStore>(store: S): ReadOnlyView<S> {
  const methods = store as unknown as { readonly [name: string]: ((...parameters: unknown[]) => unknown) | undefined };
  const view: { [name: string]: (...parameters: unknown[]) => unknown } = {};
  for (const name of methodsOf(methods)) {
    view[name] = (...parameters) => {
      if (!store.isOpen)
        throw new IllegalStateError('the store is closed: its task has moved to another instance, or the application has stopped. Ask for the store again', {
          store: store.name,
        });
      return (methods[name] as (...p: unknown[]) => unknown).apply(store, parameters);
    };
  }
  return Object.freeze(view) as unknown as ReadOnlyView<S>;
}

/** What changes a store, of whichever kind. */
const WRITES = ['put', 'putIfAbsent', 'putAll', 'delete', 'remove', 'init', 'close'];

/**
 * A global store as processors of other tasks see it: its reads, while writes throw. A store whose kind is not known is left as it is.
 *
 * @throws IllegalStateError from each method that writes.
 */
export function globalStoreView(store: StateStore): StateStore {
  const methods = store as unknown as { readonly [name: string]: ((...parameters: unknown[]) => unknown) | undefined };
  const reads = methodsOf(methods);
  if (reads.length === 0) return store;
  const view: { [name: string]: unknown } = { name: store.name, persistent: store.persistent };
  Object.defineProperty(view, 'isOpen', { get: () => store.isOpen, enumerable: true });
  for (const name of reads) view[name] = methods[name]?.bind(store);
  for (const name of WRITES) {
    if (methods[name] === undefined) continue;
    view[name] = () => {
      throw new IllegalStateError(
        `${name}() is called, but a global store is read-only here: only its own processor, the one given to addGlobalStore, writes to it. Send a record to its topic instead`,
        {
          store: store.name,
        },
      );
    };
  }
  return Object.freeze(view) as unknown as StateStore;
}

function methodsOf(store: { readonly [name: string]: unknown }): readonly string[] {
  if (typeof store.getAsOf === 'function') return VERSIONED;
  if (typeof store.findSessions === 'function') return SESSION;
  if (typeof store.fetchRange === 'function') return WINDOW;
  if (typeof store.get === 'function' && typeof store.range === 'function') return KEY_VALUE;
  return [];
}

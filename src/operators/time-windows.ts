import type { InternalProcessorContext } from '../processor/processor.ts';
import type { StateStore, TimestampedWindowStore } from '../state/contract/stores.ts';
import type { ValueAndTimestamp, Windowed } from '../state/contract/values.ts';
import type { KTableValueGetter, KTableValueGetterSupplier } from './ktable-supplier.ts';

/** A key in the window [start, end]. */
export function windowed<K>(key: K, start: number, end: number): Windowed<K> {
  return { key, window: { start, end } };
}

/** Rows of a windowed table, from its window store. */
export function windowGetterSupplier<K, V>(storeName: string): KTableValueGetterSupplier<Windowed<K>, V> {
  return { get: () => new WindowGetter<K, V>(storeName), storeNames: [storeName] };
}

class WindowGetter<K, V> implements KTableValueGetter<Windowed<K>, V> {
  readonly versioned = false;
  readonly #storeName: string;
  #store!: TimestampedWindowStore<K, V>;

  constructor(storeName: string) {
    this.#storeName = storeName;
  }

  init(context: InternalProcessorContext<never, never>): void {
    this.#store = context.getStateStore<StateStore & TimestampedWindowStore<K, V>>(this.#storeName);
  }

  get(key: Windowed<K>): ValueAndTimestamp<V> | null {
    return this.#store.fetch(key.key, key.window.start);
  }

  getAsOf(): never {
    throw new Error('a windowed table is not versioned');
  }

  close(): void {}
}

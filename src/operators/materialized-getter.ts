import type { InternalProcessorContext } from '../processor/processor.ts';
import type { ValueAndTimestamp } from '../state/contract/values.ts';
import type { KTableValueGetter, KTableValueGetterSupplier } from './ktable-supplier.ts';
import { type TableStore, tableStore } from './table-store.ts';

/** Rows of a table that has a key-value store. */
export function materializedGetterSupplier<K, V>(storeName: string): KTableValueGetterSupplier<K, V> {
  return { get: () => new MaterializedGetter<K, V>(storeName), storeNames: [storeName] };
}

class MaterializedGetter<K, V> implements KTableValueGetter<K, V> {
  readonly #storeName: string;
  #store!: TableStore<K, V>;

  constructor(storeName: string) {
    this.#storeName = storeName;
  }

  init(context: InternalProcessorContext<never, never>): void {
    this.#store = tableStore(context, this.#storeName);
  }

  get versioned(): boolean {
    return this.#store.versioned;
  }

  get(key: K): ValueAndTimestamp<V> | null {
    return this.#store.get(key);
  }

  getAsOf(key: K, asOf: number): ValueAndTimestamp<V> | null {
    return this.#store.getAsOf(key, asOf);
  }

  close(): void {}
}

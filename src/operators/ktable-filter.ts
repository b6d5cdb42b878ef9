import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import { DerivedGetter } from './derived-getter.ts';
import type { Predicate } from './functions.ts';
import type { KTableProcessorSupplier, KTableValueGetterSupplier, TableParent, VersionedSemantics } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, type TableStore, tableStore } from './table-store.ts';

export interface KTableFilterOptions<K, V> {
  readonly parent: TableParent<K, V>;
  readonly predicate: Predicate<K, V>;
  readonly filterNot: boolean;
  readonly queryableName: string | null;
}

/**
 * Keeps the rows for which the predicate is true (with `filterNot`: false); a row that leaves is a tombstone. Where old values are known, rows that were not in before
 * give no tombstone.
 */
export function ktableFilter<K, V>(options: KTableFilterOptions<K, V>): KTableProcessorSupplier<K, V, K, V> & VersionedSemantics {
  return new FilterSupplier(options);
}

class FilterSupplier<K, V> implements KTableProcessorSupplier<K, V, K, V>, VersionedSemantics {
  readonly #options: KTableFilterOptions<K, V>;
  #sendOldValues: boolean;
  #versioned = false;

  constructor(options: KTableFilterOptions<K, V>) {
    this.#options = options;
    this.#sendOldValues = options.parent.enableSendingOldValues(false);
  }

  setUseVersionedSemantics(use: boolean): void {
    this.#versioned = use;
  }

  get(): Processor<K, Change<V>, K, Change<V>> {
    const { predicate, filterNot, queryableName } = this.#options;
    return new FilterProcessor(predicate, filterNot, queryableName, this.#sendOldValues, this.#versioned);
  }

  view(): KTableValueGetterSupplier<K, V> {
    const { parent, predicate, filterNot, queryableName } = this.#options;
    if (queryableName !== null) return materializedGetterSupplier(queryableName);
    const rows = parent.valueGetterSupplier();
    return {
      get: () => new DerivedGetter<K, V, V>(rows.get(), (key, row) => (row !== null && Boolean(predicate(key, row.value)) !== filterNot ? row : null)),
      get storeNames() {
        return rows.storeNames;
      },
    };
  }

  enableSendingOldValues(forceMaterialization: boolean): boolean {
    if (this.#options.queryableName !== null || this.#options.parent.enableSendingOldValues(forceMaterialization)) this.#sendOldValues = true;
    return this.#sendOldValues;
  }
}

class FilterProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  readonly #predicate: Predicate<K, V>;
  readonly #filterNot: boolean;
  readonly #storeName: string | null;
  readonly #sendOldValues: boolean;
  readonly #versioned: boolean;
  #context!: InternalProcessorContext<K, Change<V>>;
  #store: TableStore<K, V> | null = null;
  #forwarder!: ChangeForwarder<K, V>;

  constructor(predicate: Predicate<K, V>, filterNot: boolean, storeName: string | null, sendOldValues: boolean, versioned: boolean) {
    this.#predicate = predicate;
    this.#filterNot = filterNot;
    this.#storeName = storeName;
    this.#sendOldValues = sendOldValues;
    this.#versioned = versioned;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context as InternalProcessorContext<K, Change<V>>;
    if (this.#storeName === null) return;
    this.#store = tableStore(this.#context, this.#storeName);
    this.#forwarder = new ChangeForwarder(this.#context, this.#store.store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestamp, headers } = record;
    const newValue = this.#keep(key, change.newValue);
    const oldValue = this.#oldValue(key, change);
    // Nothing before and nothing now. A versioned result needs the tombstone all the same: it is a version.
    if (!this.#versioned && this.#sendOldValues && oldValue === null && newValue === null) return;
    if (this.#store === null) {
      this.#context.forward(new StreamRecord(key, new Change(newValue, oldValue, change.isLatest), timestamp, headers));
      return;
    }
    const put = this.#store.put(key, newValue, timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, newValue, oldValue, put === PUT_LATEST, timestamp, headers);
  }

  #oldValue(key: K, change: Change<V>): V | null {
    if (!this.#sendOldValues) return null;
    return this.#store === null ? this.#keep(key, change.oldValue) : (this.#store.get(key)?.value ?? null);
  }

  #keep(key: K, value: V | null): V | null {
    return value !== null && Boolean(this.#predicate(key, value)) !== this.#filterNot ? value : null;
  }
}

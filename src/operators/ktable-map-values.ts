import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import { DerivedGetter } from './derived-getter.ts';
import type { ValueMapper } from './functions.ts';
import type { KTableProcessorSupplier, KTableValueGetterSupplier, TableParent } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, storedValue, type TableStore, tableStore } from './table-store.ts';

export interface KTableMapValuesOptions<K, V, VR> {
  readonly parent: TableParent<K, V>;
  readonly mapper: ValueMapper<K, V, VR>;
  readonly queryableName: string | null;
}

/** A new value for each row. Deletions go on as deletions; a null result is one too. */
export function ktableMapValues<K, V, VR>(options: KTableMapValuesOptions<K, V, VR>): KTableProcessorSupplier<K, V, K, VR> {
  return new MapValuesSupplier(options);
}

class MapValuesSupplier<K, V, VR> implements KTableProcessorSupplier<K, V, K, VR> {
  readonly #options: KTableMapValuesOptions<K, V, VR>;
  #sendOldValues = false;

  constructor(options: KTableMapValuesOptions<K, V, VR>) {
    this.#options = options;
  }

  get(): Processor<K, Change<V>, K, Change<VR>> {
    return new MapValuesProcessor(this.#options.mapper, this.#options.queryableName, this.#sendOldValues);
  }

  view(): KTableValueGetterSupplier<K, VR> {
    const { parent, mapper, queryableName } = this.#options;
    if (queryableName !== null) return materializedGetterSupplier(queryableName);
    const rows = parent.valueGetterSupplier();
    return {
      get: () =>
        new DerivedGetter<K, V, VR>(rows.get(), (key, row) => {
          if (row === null) return null;
          const value = mapper(row.value, key);
          return value == null ? null : storedValue(value, row.timestamp);
        }),
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

class MapValuesProcessor<K, V, VR> implements Processor<K, Change<V>, K, Change<VR>> {
  readonly #mapper: ValueMapper<K, V, VR>;
  readonly #storeName: string | null;
  readonly #sendOldValues: boolean;
  #context!: InternalProcessorContext<K, Change<VR>>;
  #store: TableStore<K, VR> | null = null;
  #forwarder!: ChangeForwarder<K, VR>;

  constructor(mapper: ValueMapper<K, V, VR>, storeName: string | null, sendOldValues: boolean) {
    this.#mapper = mapper;
    this.#storeName = storeName;
    this.#sendOldValues = sendOldValues;
  }

  init(context: ProcessorContext<K, Change<VR>>): void {
    this.#context = context as InternalProcessorContext<K, Change<VR>>;
    if (this.#storeName === null) return;
    this.#store = tableStore(this.#context, this.#storeName);
    this.#forwarder = new ChangeForwarder(this.#context, this.#store.store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestamp, headers } = record;
    const newValue = this.#map(key, change.newValue);
    const oldValue = this.#oldValue(key, change);
    if (this.#store === null) {
      this.#context.forward(new StreamRecord(key, new Change(newValue, oldValue, change.isLatest), timestamp, headers));
      return;
    }
    const put = this.#store.put(key, newValue, timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, newValue, oldValue, put === PUT_LATEST, timestamp, headers);
  }

  #oldValue(key: K, change: Change<V>): VR | null {
    if (!this.#sendOldValues) return null;
    return this.#store === null ? this.#map(key, change.oldValue) : (this.#store.get(key)?.value ?? null);
  }

  #map(key: K, value: V | null): VR | null {
    return value === null ? null : (this.#mapper(value, key) ?? null);
  }
}

import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import type { KTableProcessorSupplier, KTableValueGetterSupplier } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, type TableStore, tableStore } from './table-store.ts';

export interface KTableJoinMergerOptions<K, V> {
  /** The side that takes the left table's updates; its view is the result's when there is no store. */
  readonly parent1: KTableProcessorSupplier<K, never, K, V>;
  readonly parent2: KTableProcessorSupplier<K, never, K, V>;
  readonly queryableName: string | null;
}

/** Where the two sides of a table-table join meet: stores the result if it has a store. */
export function ktableJoinMerger<K, V>(options: KTableJoinMergerOptions<K, V>): KTableProcessorSupplier<K, V, K, V> {
  return new MergerSupplier(options);
}

class MergerSupplier<K, V> implements KTableProcessorSupplier<K, V, K, V> {
  readonly #options: KTableJoinMergerOptions<K, V>;
  #sendOldValues = false;

  constructor(options: KTableJoinMergerOptions<K, V>) {
    this.#options = options;
  }

  get(): Processor<K, Change<V>, K, Change<V>> {
    return new MergerProcessor(this.#options.queryableName, this.#sendOldValues);
  }

  view(): KTableValueGetterSupplier<K, V> {
    const { parent1, parent2, queryableName } = this.#options;
    if (queryableName !== null) return materializedGetterSupplier(queryableName);
    const view1 = parent1.view();
    const view2 = parent2.view();
    return {
      get: () => view1.get(),
      get storeNames() {
        return [...new Set([...view1.storeNames, ...view2.storeNames])];
      },
    };
  }

  enableSendingOldValues(): boolean {
    this.#options.parent1.enableSendingOldValues(true);
    this.#options.parent2.enableSendingOldValues(true);
    this.#sendOldValues = true;
    return true;
  }
}

class MergerProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  readonly #storeName: string | null;
  readonly #sendOldValues: boolean;
  #context!: InternalProcessorContext<K, Change<V>>;
  #store: TableStore<K, V> | null = null;
  #forwarder!: ChangeForwarder<K, V>;

  constructor(storeName: string | null, sendOldValues: boolean) {
    this.#storeName = storeName;
    this.#sendOldValues = sendOldValues;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context as InternalProcessorContext<K, Change<V>>;
    if (this.#storeName === null) return;
    this.#store = tableStore(this.#context, this.#storeName);
    this.#forwarder = new ChangeForwarder(this.#context, this.#store.store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestamp, headers } = record;
    if (this.#store === null) {
      if (this.#sendOldValues || change.oldValue === null) this.#context.forward(record);
      else this.#context.forward(new StreamRecord(key, new Change(change.newValue, null, change.isLatest), timestamp, headers));
      return;
    }
    const put = this.#store.put(key, change.newValue, timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, change.newValue, change.oldValue, put === PUT_LATEST, timestamp, headers);
  }
}

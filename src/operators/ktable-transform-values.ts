import type { InternalProcessorContext, ProcessingContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import { RecordContext } from '../processor/record-context.ts';
import type { ValueAndTimestamp } from '../state/contract/values.ts';
import { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import type { KTableProcessorSupplier, KTableValueGetter, KTableValueGetterSupplier, TableParent } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, storedValue, type TableStore, tableStore } from './table-store.ts';

/** Computes the rows of a table with access to stores, times and punctuation. It may be asked for rows out of turn, when a later table reads this one. */
export interface ValueTransformer<K, V, VR> {
  init?(context: ProcessingContext): void;
  /** `value` is null for a deleted row. */
  transform(key: K, value: V | null): VR | null;
  close?(): void;
}

export interface KTableTransformValuesOptions<K, V, VR> {
  readonly parent: TableParent<K, V>;
  readonly supplier: () => ValueTransformer<K, V, VR>;
  readonly queryableName: string | null;
  /** Stores that the transformer uses. */
  readonly stateStoreNames?: readonly string[];
}

/** A new value for each row, from a transformer that may keep state. Unlike mapValues it also sees deletions. */
export function ktableTransformValues<K, V, VR>(options: KTableTransformValuesOptions<K, V, VR>): KTableProcessorSupplier<K, V, K, VR> {
  return new TransformValuesSupplier(options);
}

class TransformValuesSupplier<K, V, VR> implements KTableProcessorSupplier<K, V, K, VR> {
  readonly #options: KTableTransformValuesOptions<K, V, VR>;
  #sendOldValues = false;

  constructor(options: KTableTransformValuesOptions<K, V, VR>) {
    this.#options = options;
  }

  get(): Processor<K, Change<V>, K, Change<VR>> {
    return new TransformValuesProcessor(this.#options.supplier(), this.#options.queryableName, this.#sendOldValues);
  }

  view(): KTableValueGetterSupplier<K, VR> {
    const { parent, supplier, queryableName, stateStoreNames = [] } = this.#options;
    if (queryableName !== null) return materializedGetterSupplier(queryableName);
    const rows = parent.valueGetterSupplier();
    return {
      get: () => new TransformValuesGetter(rows.get(), supplier()),
      get storeNames() {
        return [...rows.storeNames, ...stateStoreNames];
      },
    };
  }

  enableSendingOldValues(forceMaterialization: boolean): boolean {
    if (this.#options.queryableName !== null || this.#options.parent.enableSendingOldValues(forceMaterialization)) this.#sendOldValues = true;
    return this.#sendOldValues;
  }
}

class TransformValuesProcessor<K, V, VR> implements Processor<K, Change<V>, K, Change<VR>> {
  readonly #transformer: ValueTransformer<K, V, VR>;
  readonly #storeName: string | null;
  readonly #sendOldValues: boolean;
  #context!: InternalProcessorContext<K, Change<VR>>;
  #store: TableStore<K, VR> | null = null;
  #forwarder!: ChangeForwarder<K, VR>;

  constructor(transformer: ValueTransformer<K, V, VR>, storeName: string | null, sendOldValues: boolean) {
    this.#transformer = transformer;
    this.#storeName = storeName;
    this.#sendOldValues = sendOldValues;
  }

  init(context: ProcessorContext<K, Change<VR>>): void {
    this.#context = context as InternalProcessorContext<K, Change<VR>>;
    this.#transformer.init?.(context);
    if (this.#storeName === null) return;
    this.#store = tableStore(this.#context, this.#storeName);
    this.#forwarder = new ChangeForwarder(this.#context, this.#store.store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestamp, headers } = record;
    const newValue = this.#transformer.transform(key, change.newValue) ?? null;
    if (this.#store === null) {
      const oldValue = this.#sendOldValues ? (this.#transformer.transform(key, change.oldValue) ?? null) : null;
      this.#context.forward(new StreamRecord(key, new Change(newValue, oldValue, change.isLatest), timestamp, headers));
      return;
    }
    const oldValue = this.#sendOldValues ? (this.#store.get(key)?.value ?? null) : null;
    const put = this.#store.put(key, newValue, timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, newValue, oldValue, put === PUT_LATEST, timestamp, headers);
  }

  close(): void {
    this.#transformer.close?.();
  }
}

class TransformValuesGetter<K, V, VR> implements KTableValueGetter<K, VR> {
  readonly #rows: KTableValueGetter<K, V>;
  readonly #transformer: ValueTransformer<K, V, VR>;
  #context!: InternalProcessorContext<never, never>;

  constructor(rows: KTableValueGetter<K, V>, transformer: ValueTransformer<K, V, VR>) {
    this.#rows = rows;
    this.#transformer = transformer;
  }

  init(context: InternalProcessorContext<never, never>): void {
    this.#context = context;
    this.#rows.init(context);
    this.#transformer.init?.(context);
  }

  get versioned(): boolean {
    return this.#rows.versioned;
  }

  get(key: K): ValueAndTimestamp<VR> | null {
    return this.#transform(key, this.#rows.get(key));
  }

  getAsOf(key: K, asOf: number): ValueAndTimestamp<VR> | null {
    return this.#transform(key, this.#rows.getAsOf(key, asOf));
  }

  close(): void {
    this.#rows.close();
    this.#transformer.close?.();
  }

  /** The transformer sees the row's own time, and no origin: the record under processing has nothing to do with it. */
  #transform(key: K, row: ValueAndTimestamp<V> | null): ValueAndTimestamp<VR> | null {
    const before = this.#context.recordContext;
    const timestamp = row === null ? -1 : row.timestamp;
    this.#context.recordContext = new RecordContext('', -1, -1, timestamp, undefined, false);
    try {
      const value = this.#transformer.transform(key, row === null ? null : row.value);
      return value == null ? null : storedValue(value, timestamp);
    } finally {
      this.#context.recordContext = before;
    }
  }
}

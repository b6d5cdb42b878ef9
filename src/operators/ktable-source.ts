import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import type { KStreamAggregateSupplier, KTableValueGetterSupplier } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, type TableStore, tableStore } from './table-store.ts';

export interface KTableSourceOptions {
  /** Name of the store it gets as soon as somebody needs one. */
  readonly storeName: string;
  /** The store, when it has one from the start; null: records are turned into changes without one. */
  readonly queryableName: string | null;
}

export interface KTableSourceSupplier<K, V> extends KStreamAggregateSupplier<K, V, K, V> {
  readonly storeName: string;
  /** Null until materialised. */
  readonly queryableName: string | null;
  readonly materialized: boolean;
  /** Give the table its store: something downstream reads it. */
  materialize(): void;
}

/** Turns the records of a topic (or stream) into rows of a table; null values delete. Null keys are dropped and counted. Out-of-order updates are applied. */
export function ktableSource<K, V>(options: KTableSourceOptions): KTableSourceSupplier<K, V> {
  return new SourceSupplier(options);
}

class SourceSupplier<K, V> implements KTableSourceSupplier<K, V> {
  readonly storeName: string;
  #queryableName: string | null;
  #sendOldValues = false;

  constructor(options: KTableSourceOptions) {
    this.storeName = options.storeName;
    this.#queryableName = options.queryableName;
  }

  get queryableName(): string | null {
    return this.#queryableName;
  }

  get materialized(): boolean {
    return this.#queryableName !== null;
  }

  materialize(): void {
    this.#queryableName = this.storeName;
  }

  get(): Processor<K, V, K, Change<V>> {
    return this.#queryableName === null ? new UnmaterializedSource() : new MaterializedSource(this.#queryableName, this.#sendOldValues);
  }

  /** Rows of the store: the caller materialises the source first. */
  view(): KTableValueGetterSupplier<K, V> {
    return materializedGetterSupplier(this.storeName);
  }

  enableSendingOldValues(forceMaterialization = true): boolean {
    if (!forceMaterialization && !this.materialized) return false;
    this.#sendOldValues = true;
    this.materialize();
    return true;
  }
}

class UnmaterializedSource<K, V> implements Processor<K, V, K, Change<V>> {
  #context!: InternalProcessorContext<K, Change<V>>;

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context as InternalProcessorContext<K, Change<V>>;
  }

  process(record: StreamRecord<K, V>): void {
    if (record.key == null) {
      this.#context.droppedRecord('null key');
      return;
    }
    this.#context.forward(new StreamRecord(record.key, new Change<V>(record.value, null), record.timestamp, record.headers));
  }
}

class MaterializedSource<K, V> implements Processor<K, V, K, Change<V>> {
  readonly #storeName: string;
  readonly #sendOldValues: boolean;
  #context!: InternalProcessorContext<K, Change<V>>;
  #store!: TableStore<K, V>;
  #forwarder!: ChangeForwarder<K, V>;

  constructor(storeName: string, sendOldValues: boolean) {
    this.#storeName = storeName;
    this.#sendOldValues = sendOldValues;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context as InternalProcessorContext<K, Change<V>>;
    this.#store = tableStore(this.#context, this.#storeName);
    this.#forwarder = new ChangeForwarder(this.#context, this.#store.store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, V>): void {
    const { key } = record;
    if (key == null) {
      this.#context.droppedRecord('null key');
      return;
    }
    // A read that nobody needs is left out: Java reads also to warn of out-of-order updates.
    const oldValue = this.#sendOldValues ? (this.#store.get(key)?.value ?? null) : null;
    const newValue = record.value ?? null;
    const put = this.#store.put(key, newValue, record.timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, newValue, oldValue, put === PUT_LATEST, record.timestamp, record.headers);
  }
}

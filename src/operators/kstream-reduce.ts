import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import { AggregateSupplier } from './aggregate-supplier.ts';
import type { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import { freezeAggregates } from './freeze-aggregates.ts';
import type { Reducer } from './functions.ts';
import type { KStreamAggregateSupplier } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, type TableStore, tableStore } from './table-store.ts';

export interface KStreamReduceOptions<V> {
  readonly storeName: string;
  readonly reducer: Reducer<V>;
}

/**
 * Combines the values of each key; the first is taken as it is. Null keys and null values are dropped and counted.
 * A null result deletes the row. The result carries the highest timestamp of what went into it.
 */
export function kstreamReduce<K, V>(options: KStreamReduceOptions<V>): KStreamAggregateSupplier<K, V, K, V> {
  return new AggregateSupplier((sendOldValues) => new ReduceProcessor(options, sendOldValues), materializedGetterSupplier(options.storeName));
}

class ReduceProcessor<K, V> implements Processor<K, V, K, Change<V>> {
  #options: KStreamReduceOptions<V>;
  readonly #sendOldValues: boolean;
  #context!: InternalProcessorContext<K, Change<V>>;
  #store!: TableStore<K, V>;
  #forwarder!: ChangeForwarder<K, V>;

  constructor(options: KStreamReduceOptions<V>, sendOldValues: boolean) {
    this.#options = options;
    this.#sendOldValues = sendOldValues;
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context as InternalProcessorContext<K, Change<V>>;
    this.#options = freezeAggregates(this.#context, this.#options);
    this.#store = tableStore(this.#context, this.#options.storeName);
    this.#forwarder = new ChangeForwarder(this.#context, this.#store.store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value } = record;
    if (key == null || value == null) {
      this.#context.droppedRecord('null key or value');
      return;
    }
    const row = this.#store.get(key);
    const newValue = row === null ? value : this.#options.reducer(row.value, value);
    const timestamp = row === null ? record.timestamp : Math.max(record.timestamp, row.timestamp);
    const put = this.#store.put(key, newValue, timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, newValue, row === null ? null : row.value, put === PUT_LATEST, timestamp, record.headers);
  }
}

import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import { AggregateSupplier } from './aggregate-supplier.ts';
import type { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import { freezeAggregates } from './freeze-aggregates.ts';
import type { Aggregator, Initializer } from './functions.ts';
import type { KStreamAggregateSupplier } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, type TableStore, tableStore } from './table-store.ts';

export interface KStreamAggregateOptions<K, V, VA> {
  readonly storeName: string;
  readonly initializer: Initializer<VA>;
  readonly aggregator: Aggregator<K, V, VA>;
}

/**
 * Aggregates the values of each key. Null keys and null values are dropped and counted. A null aggregate deletes the row.
 * The result carries the highest timestamp of what went into it.
 */
export function kstreamAggregate<K, V, VA>(options: KStreamAggregateOptions<K, V, VA>): KStreamAggregateSupplier<K, V, K, VA> {
  return new AggregateSupplier((sendOldValues) => new AggregateProcessor(options, sendOldValues), materializedGetterSupplier(options.storeName));
}

class AggregateProcessor<K, V, VA> implements Processor<K, V, K, Change<VA>> {
  #options: KStreamAggregateOptions<K, V, VA>;
  readonly #sendOldValues: boolean;
  #context!: InternalProcessorContext<K, Change<VA>>;
  #store!: TableStore<K, VA>;
  #forwarder!: ChangeForwarder<K, VA>;

  constructor(options: KStreamAggregateOptions<K, V, VA>, sendOldValues: boolean) {
    this.#options = options;
    this.#sendOldValues = sendOldValues;
  }

  init(context: ProcessorContext<K, Change<VA>>): void {
    this.#context = context as InternalProcessorContext<K, Change<VA>>;
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
    // Without a row the old value sent on is the initial one, not null, as in Java: a table after this one may subtract it.
    const oldValue = row === null ? this.#options.initializer() : row.value;
    const timestamp = row === null ? record.timestamp : Math.max(record.timestamp, row.timestamp);
    const newValue = this.#options.aggregator(key, value, oldValue);
    const put = this.#store.put(key, newValue, timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, newValue, oldValue, put === PUT_LATEST, timestamp, record.headers);
  }
}

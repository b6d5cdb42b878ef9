import { ProcessingError } from '../errors.ts';
import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import { AggregateSupplier } from './aggregate-supplier.ts';
import type { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import { freezeAggregates } from './freeze-aggregates.ts';
import type { Aggregator, Initializer } from './functions.ts';
import type { KTableProcessorSupplier } from './ktable-supplier.ts';
import { materializedGetterSupplier } from './materialized-getter.ts';
import { NOT_PUT, PUT_LATEST, type TableStore, tableStore } from './table-store.ts';

export interface KTableAggregateOptions<K, V, VA> {
  readonly storeName: string;
  readonly initializer: Initializer<VA>;
  readonly adder: Aggregator<K, V, VA>;
  readonly subtractor: Aggregator<K, V, VA>;
}

/** Aggregates the rows of a grouped table: the old value is subtracted first, then the new one added. A group that becomes empty stays (a count goes to 0) unless the result is null. */
export function ktableAggregate<K, V, VA>(options: KTableAggregateOptions<K, V, VA>): KTableProcessorSupplier<K, V, K, VA> {
  return new AggregateSupplier((sendOldValues) => new AggregateProcessor(options, sendOldValues), materializedGetterSupplier(options.storeName));
}

class AggregateProcessor<K, V, VA> implements Processor<K, Change<V>, K, Change<VA>> {
  #options: KTableAggregateOptions<K, V, VA>;
  readonly #sendOldValues: boolean;
  #context!: InternalProcessorContext<K, Change<VA>>;
  #store!: TableStore<K, VA>;
  #forwarder!: ChangeForwarder<K, VA>;

  constructor(options: KTableAggregateOptions<K, V, VA>, sendOldValues: boolean) {
    this.#options = options;
    this.#sendOldValues = sendOldValues;
  }

  init(context: ProcessorContext<K, Change<VA>>): void {
    this.#context = context as InternalProcessorContext<K, Change<VA>>;
    this.#options = freezeAggregates(this.#context, this.#options);
    this.#store = tableStore(this.#context, this.#options.storeName);
    this.#forwarder = new ChangeForwarder(this.#context, this.#store.store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change } = record;
    if (key == null)
      throw new ProcessingError('a group of a table aggregate has no key', { operator: this.#context.currentNode, store: this.#options.storeName });
    const { initializer, adder, subtractor } = this.#options;
    const row = this.#store.get(key);
    const oldAggregate = row === null ? null : row.value;
    let aggregate: VA | null = oldAggregate;
    let timestamp = record.timestamp;
    if (change.oldValue !== null && row !== null) {
      aggregate = subtractor(key, change.oldValue, row.value);
      timestamp = Math.max(timestamp, row.timestamp);
    }
    if (change.newValue !== null) {
      aggregate = adder(key, change.newValue, aggregate == null ? initializer() : aggregate);
      if (row !== null) timestamp = Math.max(timestamp, row.timestamp);
    }
    const put = this.#store.put(key, aggregate, timestamp);
    if (put !== NOT_PUT) this.#forwarder.forward(key, aggregate ?? null, oldAggregate, put === PUT_LATEST, timestamp, record.headers);
  }
}

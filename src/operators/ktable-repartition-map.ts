import { IllegalStateError, ProcessingError, TopologyError } from '../errors.ts';
import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import { Change } from './change.ts';
import type { KeyValueMapper } from './functions.ts';
import type { KTableProcessorSupplier, KTableValueGetterSupplier, TableParent, VersionedSemantics } from './ktable-supplier.ts';
import { sameKey } from './same-key.ts';

export interface KTableRepartitionMapOptions<K, V, K1, V1> {
  readonly parent: TableParent<K, V>;
  readonly mapper: KeyValueMapper<K, V, readonly [K1, V1]>;
}

/**
 * Before the repartition topic of a table's groupBy: the row's old and new value under their new keys. One record when the new key stays the same, otherwise
 * the old (to subtract) and then the new (to add). Pairs with a null key or value are left out.
 */
export function ktableRepartitionMap<K, V, K1, V1>(
  options: KTableRepartitionMapOptions<K, V, K1, V1>,
): KTableProcessorSupplier<K, V, K1, V1> & VersionedSemantics {
  return new RepartitionMapSupplier(options);
}

class RepartitionMapSupplier<K, V, K1, V1> implements KTableProcessorSupplier<K, V, K1, V1>, VersionedSemantics {
  readonly #options: KTableRepartitionMapOptions<K, V, K1, V1>;
  #versioned = false;

  constructor(options: KTableRepartitionMapOptions<K, V, K1, V1>) {
    this.#options = options;
  }

  setUseVersionedSemantics(use: boolean): void {
    this.#versioned = use;
  }

  get(): Processor<K, Change<V>, K1, Change<V1>> {
    return new RepartitionMapProcessor(this.#options.mapper, this.#versioned);
  }

  view(): KTableValueGetterSupplier<K1, V1> {
    throw new TopologyError('the rows of a grouped table cannot be read: they are on their way to other partitions');
  }

  enableSendingOldValues(): boolean {
    throw new IllegalStateError('groupBy of a table always has old values');
  }
}

class RepartitionMapProcessor<K, V, K1, V1> implements Processor<K, Change<V>, K1, Change<V1>> {
  readonly #mapper: KeyValueMapper<K, V, readonly [K1, V1]>;
  readonly #versioned: boolean;
  #context!: InternalProcessorContext<K1, Change<V1>>;

  constructor(mapper: KeyValueMapper<K, V, readonly [K1, V1]>, versioned: boolean) {
    this.#mapper = mapper;
    this.#versioned = versioned;
  }

  init(context: ProcessorContext<K1, Change<V1>>): void {
    this.#context = context as InternalProcessorContext<K1, Change<V1>>;
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestamp, headers } = record;
    if (key == null) throw new ProcessingError('a table row without a key cannot be grouped', { operator: this.#context.currentNode });
    const { isLatest } = change;
    // An aggregate of a versioned table holds the latest rows only.
    if (this.#versioned && !isLatest) return;
    const newPair = this.#map(key, change.newValue);
    const oldPair = this.#map(key, change.oldValue);
    if (oldPair !== null && newPair !== null && sameKey(oldPair[0], newPair[0])) {
      this.#context.forward(new StreamRecord(newPair[0], new Change(newPair[1], oldPair[1], isLatest), timestamp, headers));
      return;
    }
    if (oldPair !== null) this.#context.forward(new StreamRecord(oldPair[0], new Change<V1>(null, oldPair[1], isLatest), timestamp, headers));
    if (newPair !== null) this.#context.forward(new StreamRecord(newPair[0], new Change<V1>(newPair[1], null, isLatest), timestamp, headers));
  }

  #map(key: K, value: V | null): readonly [K1, V1] | null {
    if (value === null) return null;
    const pair = this.#mapper(key, value);
    return pair == null || pair[0] == null || pair[1] == null ? null : pair;
  }
}

import { ProcessingError } from '../errors.ts';
import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { RecordContext } from '../processor/record-context.ts';
import type { StreamRecordBuffer } from '../state/contract/special-stores.ts';
import type { KeyValueMapper, Supplier, ValueJoiner } from './functions.ts';
import type { KTableValueGetter, KTableValueGetterSupplier } from './ktable-supplier.ts';

export interface KStreamKTableJoinOptions<K, V, VT, VO> {
  readonly table: KTableValueGetterSupplier<K, VT>;
  readonly joiner: ValueJoiner<V, VT, VO, K>;
  readonly leftJoin: boolean;
  /** Stream records wait this long (milliseconds of stream time) for the table; needs `bufferStoreName` and a versioned table. */
  readonly graceMs?: number;
  readonly bufferStoreName?: string;
}

/**
 * Looks up each stream record in a table; a table update gives no output. A versioned table is read as of the record's timestamp.
 * The result keeps the stream record's timestamp. Null values, and null keys of an inner join, are dropped and counted.
 */
export function kstreamKTableJoin<K, V, VT, VO>(options: KStreamKTableJoinOptions<K, V, VT, VO>): Supplier<K, V, K, VO> {
  const { table, joiner, leftJoin, graceMs, bufferStoreName } = options;
  return () => new TableLookupProcessor<K, V, K, VT, VO>(table.get(), null, joiner, leftJoin, graceMs === undefined ? null : (bufferStoreName as string));
}

export interface KStreamGlobalKTableJoinOptions<K, V, KG, VG, VO> {
  readonly table: KTableValueGetterSupplier<KG, VG>;
  /** The table key of a stream record; null joins nothing. */
  readonly keySelector: KeyValueMapper<K, V, KG | null>;
  readonly joiner: ValueJoiner<V, VG, VO, K>;
  readonly leftJoin: boolean;
}

/** As {@link kstreamKTableJoin}, with the key to look up computed from the record. */
export function kstreamGlobalKTableJoin<K, V, KG, VG, VO>(options: KStreamGlobalKTableJoinOptions<K, V, KG, VG, VO>): Supplier<K, V, K, VO> {
  const { table, keySelector, joiner, leftJoin } = options;
  return () => new TableLookupProcessor<K, V, KG, VG, VO>(table.get(), keySelector, joiner, leftJoin, null);
}

class TableLookupProcessor<K, V, KT, VT, VO> implements Processor<K, V, K, VO> {
  readonly #table: KTableValueGetter<KT, VT>;
  /** Null: the record's own key. */
  readonly #keySelector: KeyValueMapper<K, V, KT | null> | null;
  readonly #joiner: ValueJoiner<V, VT, VO, K>;
  readonly #leftJoin: boolean;
  readonly #bufferStoreName: string | null;
  readonly #joinEvicted: (key: K, value: V, context: RecordContext) => void;
  #context!: InternalProcessorContext<K, VO>;
  #buffer: StreamRecordBuffer<K, V> | null = null;
  #streamTime = -1;

  constructor(
    table: KTableValueGetter<KT, VT>,
    keySelector: KeyValueMapper<K, V, KT | null> | null,
    joiner: ValueJoiner<V, VT, VO, K>,
    leftJoin: boolean,
    bufferStoreName: string | null,
  ) {
    this.#table = table;
    this.#keySelector = keySelector;
    this.#joiner = joiner;
    this.#leftJoin = leftJoin;
    this.#bufferStoreName = bufferStoreName;
    this.#joinEvicted = (key, value, context) => this.#joinWithContext(key, value, context);
  }

  init(context: ProcessorContext<K, VO>): void {
    this.#context = context as InternalProcessorContext<K, VO>;
    this.#table.init(this.#context as InternalProcessorContext<never, never>);
    if (this.#bufferStoreName === null) return;
    if (!this.#table.versioned) {
      throw new ProcessingError(
        'a stream-table join with a grace period needs a versioned table: materialise it with Stores.persistentVersionedKeyValueStore',
        {
          operator: this.#context.currentNode,
        },
      );
    }
    this.#buffer = context.getStateStore<StreamRecordBuffer<K, V>>(this.#bufferStoreName);
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestamp } = record;
    if (timestamp > this.#streamTime) this.#streamTime = timestamp;
    const tableKey = this.#tableKey(key, value);
    if (value == null || (tableKey == null && !this.#leftJoin)) {
      this.#context.droppedRecord('null join key or value');
      return;
    }
    const buffer = this.#buffer;
    if (buffer === null) {
      this.#join(record, tableKey);
      return;
    }
    if (key == null) {
      throw new ProcessingError('a stream record without a key cannot wait in the buffer of a join with a grace period: filter null keys before it', {
        operator: this.#context.currentNode,
      });
    }
    if (buffer.put(this.#streamTime, key, value, this.#context.recordContext)) buffer.evict(this.#joinEvicted);
    else this.#join(record, tableKey);
  }

  close(): void {
    this.#table.close();
  }

  #joinWithContext(key: K, value: V, context: RecordContext): void {
    const before = this.#context.recordContext;
    this.#context.recordContext = context;
    try {
      this.#join(new StreamRecord(key, value, context.timestamp, context.headers), this.#tableKey(key, value));
    } finally {
      this.#context.recordContext = before;
    }
  }

  #join(record: StreamRecord<K, V>, tableKey: KT | null): void {
    const row = tableKey == null ? null : this.#table.versioned ? this.#table.getAsOf(tableKey, record.timestamp) : this.#table.get(tableKey);
    if (row === null && !this.#leftJoin) return;
    this.#context.forward(
      new StreamRecord(record.key, this.#joiner(record.value, (row === null ? null : row.value) as VT, record.key), record.timestamp, record.headers),
    );
  }

  #tableKey(key: K, value: V): KT | null {
    return this.#keySelector === null ? (key as unknown as KT) : this.#keySelector(key, value);
  }
}

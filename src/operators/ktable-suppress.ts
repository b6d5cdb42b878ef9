import { ProcessingError } from '../errors.ts';
import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { RecordContext } from '../processor/record-context.ts';
import type { ChangeLike, TimeOrderedChangeBuffer } from '../state/contract/special-stores.ts';
import type { ValueAndTimestamp, Windowed } from '../state/contract/values.ts';
import { Change } from './change.ts';
import type { KTableProcessorSupplier, KTableValueGetter, KTableValueGetterSupplier, TableParent } from './ktable-supplier.ts';

export interface KTableSuppressOptions<K, V> {
  readonly parent: TableParent<K, V>;
  /** A {@link TimeOrderedChangeBuffer}. */
  readonly storeName: string;
  /** How long a change waits, milliseconds of stream time. */
  readonly waitMs: number;
  /** The wait starts at the end of the row's window; otherwise at the record that buffered it. */
  readonly windowEndTime: boolean;
  /** A deletion that leaves the buffer is not sent: right where nothing of the row has been sent before. */
  readonly safeToDropTombstones: boolean;
  /** Infinity: not bounded. */
  readonly recordLimit: number;
  /** Infinity: not bounded. */
  readonly byteLimit: number;
  readonly whenFull: 'emit' | 'shut-down';
}

/**
 * Holds back the changes of a table, one a key, until stream time has passed them by `waitMs`; they leave ordered by time and then serialised key, with the timestamp and headers
 * of the record that was buffered last. A full buffer sends its oldest early, or fails, as chosen.
 */
export function ktableSuppress<K, V>(options: KTableSuppressOptions<K, V>): KTableProcessorSupplier<K, V, K, V> {
  return new SuppressSupplier(options);
}

class SuppressSupplier<K, V> implements KTableProcessorSupplier<K, V, K, V> {
  readonly #options: KTableSuppressOptions<K, V>;

  constructor(options: KTableSuppressOptions<K, V>) {
    this.#options = options;
    // Readers of this table see, for a buffered key, the value from before the buffer.
    options.parent.enableSendingOldValues(true);
  }

  get(): Processor<K, Change<V>, K, Change<V>> {
    return new SuppressProcessor(this.#options);
  }

  view(): KTableValueGetterSupplier<K, V> {
    const { parent, storeName } = this.#options;
    const rows = parent.valueGetterSupplier();
    return {
      get: () => new SuppressGetter(rows.get(), storeName),
      get storeNames() {
        return [storeName, ...rows.storeNames];
      },
    };
  }

  enableSendingOldValues(forceMaterialization: boolean): boolean {
    return this.#options.parent.enableSendingOldValues(forceMaterialization);
  }
}

class SuppressProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  readonly #options: KTableSuppressOptions<K, V>;
  readonly #isDue: () => boolean;
  readonly #isOverCapacity: () => boolean;
  readonly #emit: (key: K, change: ChangeLike<V>, context: RecordContext) => void;
  #context!: InternalProcessorContext<K, Change<V>>;
  #buffer!: TimeOrderedChangeBuffer<K, V>;
  #streamTime = -1;

  constructor(options: KTableSuppressOptions<K, V>) {
    this.#options = options;
    this.#isDue = () => this.#buffer.minTimestamp <= this.#streamTime - options.waitMs;
    this.#isOverCapacity = () => this.#buffer.numRecords > options.recordLimit || this.#buffer.bufferSize > options.byteLimit;
    this.#emit = (key, change, context) => this.#forward(key, change, context);
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context as InternalProcessorContext<K, Change<V>>;
    this.#streamTime = this.#context.keepTime('stream time', () => this.#streamTime);
    this.#buffer = context.getStateStore(this.#options.storeName);
  }

  process(record: StreamRecord<K, Change<V>>): void {
    if (record.timestamp > this.#streamTime) this.#streamTime = record.timestamp;
    const context = this.#context.recordContext;
    const time = this.#options.windowEndTime ? (record.key as Windowed<unknown>).window.end : record.timestamp;
    this.#buffer.put(time, record.key, record.value, context);
    this.#buffer.evictWhile(this.#isDue, this.#emit);
    if (!this.#isOverCapacity()) return;
    if (this.#options.whenFull === 'emit') {
      this.#buffer.evictWhile(this.#isOverCapacity, this.#emit);
      return;
    }
    const { recordLimit, byteLimit, storeName } = this.#options;
    throw new ProcessingError(
      `the suppress buffer is full: ${this.#buffer.numRecords} of ${recordLimit} records, ${this.#buffer.bufferSize} of ${byteLimit} bytes. Raise the limits of its BufferConfig, or let it emit early`,
      { operator: this.#context.currentNode, store: storeName },
    );
  }

  #forward(key: K, change: ChangeLike<V>, context: RecordContext): void {
    if (change.newValue === null && this.#options.safeToDropTombstones) return;
    const before = this.#context.recordContext;
    this.#context.recordContext = context;
    try {
      this.#context.forward(new StreamRecord(key, new Change(change.newValue, change.oldValue, change.isLatest), context.timestamp, context.headers));
    } finally {
      this.#context.recordContext = before;
    }
  }
}

class SuppressGetter<K, V> implements KTableValueGetter<K, V> {
  readonly versioned = false;
  readonly #rows: KTableValueGetter<K, V>;
  readonly #storeName: string;
  #buffer!: TimeOrderedChangeBuffer<K, V>;

  constructor(rows: KTableValueGetter<K, V>, storeName: string) {
    this.#rows = rows;
    this.#storeName = storeName;
  }

  init(context: InternalProcessorContext<never, never>): void {
    this.#rows.init(context);
    this.#buffer = context.getStateStore(this.#storeName);
  }

  get(key: K): ValueAndTimestamp<V> | null {
    const prior = this.#buffer.priorValue(key);
    return prior === undefined ? this.#rows.get(key) : prior;
  }

  getAsOf(): never {
    throw new Error('a suppressed table is not versioned');
  }

  close(): void {
    this.#rows.close();
  }
}

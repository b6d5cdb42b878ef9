import { TopologyError } from '../errors.ts';
import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { TimestampedWindowStore } from '../state/contract/stores.ts';
import type { Windowed } from '../state/contract/values.ts';
import { AggregateSupplier } from './aggregate-supplier.ts';
import type { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import { freezeAggregates } from './freeze-aggregates.ts';
import type { Aggregator, Initializer } from './functions.ts';
import type { KStreamAggregateSupplier } from './ktable-supplier.ts';
import { storedValue } from './table-store.ts';
import { windowed, windowGetterSupplier } from './time-windows.ts';
import { emitWindows } from './window-aggregate-emit.ts';
import { WindowCloseEmitter } from './window-close-emitter.ts';
import { type EmitStrategySpec, type TimeWindowSpec, UNLIMITED_END, type UnlimitedWindowSpec } from './windows.ts';

export interface KStreamWindowAggregateOptions<K, V, VA> {
  readonly windows: TimeWindowSpec | UnlimitedWindowSpec;
  readonly storeName: string;
  readonly emitStrategy: EmitStrategySpec;
  readonly initializer: Initializer<VA>;
  readonly aggregator: Aggregator<K, V, VA>;
}

/**
 * Aggregates the values of each key in tumbling, hopping or unlimited windows. Null keys are dropped; null values are not.
 * A window takes a record while `end > streamTime - grace`, where stream time is the highest timestamp this operator has seen, the record's included;
 * each window that does not is counted as a dropped record.
 */
export function kstreamWindowAggregate<K, V, VA>(options: KStreamWindowAggregateOptions<K, V, VA>): KStreamAggregateSupplier<K, V, Windowed<K>, VA> {
  if (options.emitStrategy === 'window-close' && 'startMs' in options.windows) {
    throw new TopologyError('unlimited windows never close: use EmitStrategy.onWindowUpdate(), or TimeWindows', { store: options.storeName });
  }
  return new AggregateSupplier((sendOldValues) => new WindowAggregateProcessor(options, sendOldValues), windowGetterSupplier(options.storeName));
}

class WindowAggregateProcessor<K, V, VA> implements Processor<K, V, Windowed<K>, Change<VA>> {
  #options: KStreamWindowAggregateOptions<K, V, VA>;
  readonly #sendOldValues: boolean;
  /** Size, advance and grace; the size is 0 for the unlimited window. */
  readonly #sizeMs: number;
  readonly #advanceMs: number;
  readonly #graceMs: number;
  readonly #unlimitedStart: number;
  #context!: InternalProcessorContext<Windowed<K>, Change<VA>>;
  #store!: TimestampedWindowStore<K, VA>;
  #forwarder!: ChangeForwarder<Windowed<K>, VA>;
  #emitter: WindowCloseEmitter | null = null;
  /** Updates go on from here: neither a cache nor the close of a window sends them. */
  #forwards = false;
  #streamTime = -1;

  constructor(options: KStreamWindowAggregateOptions<K, V, VA>, sendOldValues: boolean) {
    const { windows } = options;
    this.#options = options;
    this.#sendOldValues = sendOldValues;
    const unlimited = 'startMs' in windows;
    this.#sizeMs = unlimited ? 0 : windows.sizeMs;
    this.#advanceMs = unlimited ? 0 : windows.advanceMs;
    this.#graceMs = unlimited ? 0 : windows.graceMs;
    this.#unlimitedStart = unlimited ? windows.startMs : 0;
  }

  init(context: ProcessorContext<Windowed<K>, Change<VA>>): void {
    this.#context = context as InternalProcessorContext<Windowed<K>, Change<VA>>;
    this.#options = freezeAggregates(this.#context, this.#options);
    this.#streamTime = this.#context.keepTime('stream time', () => this.#streamTime);
    this.#store = context.getStateStore(this.#options.storeName);
    const onClose = this.#options.emitStrategy === 'window-close';
    if (onClose) this.#emitter = new WindowCloseEmitter(this.#context, this.#options.storeName, this.#store, this.#sizeMs);
    this.#forwarder = new ChangeForwarder(this.#context, onClose ? null : this.#store, this.#sendOldValues);
    this.#forwards = !onClose && !this.#forwarder.cached;
  }

  process(record: StreamRecord<K, V>): void {
    if (record.key == null) {
      this.#context.droppedRecord('null key');
      return;
    }
    const timestamp = record.timestamp;
    if (timestamp > this.#streamTime) this.#streamTime = timestamp;
    const closeTime = this.#streamTime - this.#graceMs;
    const sizeMs = this.#sizeMs;
    const advanceMs = this.#advanceMs;
    if (sizeMs === 0) {
      if (timestamp >= this.#unlimitedStart) this.#update(record, this.#unlimitedStart, UNLIMITED_END);
    } else if (sizeMs === advanceMs) {
      const start = timestamp - (timestamp % sizeMs);
      this.#updateIfOpen(record, start, start + sizeMs, closeTime);
    } else {
      for (let start = firstWindowStart(timestamp, sizeMs, advanceMs); start <= timestamp; start += advanceMs) {
        this.#updateIfOpen(record, start, start + sizeMs, closeTime);
      }
    }
    if (this.#emitter?.isDue(closeTime)) this.#emitClosed(record, closeTime, this.#emitter);
  }

  #updateIfOpen(record: StreamRecord<K, V>, start: number, end: number, closeTime: number): void {
    if (end > closeTime) this.#update(record, start, end);
    else this.#context.droppedRecord('late: its window has closed');
  }

  #update(record: StreamRecord<K, V>, start: number, end: number): void {
    const row = this.#store.fetch(record.key, start);
    // As in Java, the old value of a new window is the initial one, not null.
    const oldValue = row === null ? this.#options.initializer() : row.value;
    const timestamp = row === null ? record.timestamp : Math.max(record.timestamp, row.timestamp);
    const newValue = this.#options.aggregator(record.key, record.value, oldValue);
    this.#store.put(record.key, newValue == null ? null : storedValue(newValue, timestamp), start);
    if (this.#forwards) this.#forwarder.forward(windowed(record.key, start, end), newValue, oldValue, true, timestamp, record.headers);
  }

  #emitClosed(record: StreamRecord<K, V>, closeTime: number, emitter: WindowCloseEmitter): void {
    const sizeMs = this.#sizeMs;
    const to = closeTime - sizeMs;
    if (to < 0) return;
    const last = emitter.lastCloseTime;
    // A window that ends exactly at the last close time was sent then.
    const from = last === -1 ? 0 : Math.max(0, last - sizeMs) + 1;
    if (last !== -1 && this.#sameWindows(to, from - 1)) return;
    emitWindows(this.#store, from, to, sizeMs, this.#forwarder, record.headers);
    emitter.scanned(closeTime);
  }

  /** Whether two times fall in the same windows, so that no window closed between them. */
  #sameWindows(a: number, b: number): boolean {
    const size = this.#sizeMs;
    const advance = this.#advanceMs;
    return a - (a % advance) === b - (b % advance) && firstWindowStart(a, size, advance) === firstWindowStart(b, size, advance);
  }
}

/** Start of the earliest window that holds the timestamp. */
function firstWindowStart(timestamp: number, sizeMs: number, advanceMs: number): number {
  const earliest = Math.max(0, timestamp - sizeMs + advanceMs);
  return earliest - (earliest % advanceMs);
}

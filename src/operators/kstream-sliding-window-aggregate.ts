import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { TimestampedWindowStore } from '../state/contract/stores.ts';
import type { ValueAndTimestamp, Windowed } from '../state/contract/values.ts';
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
import type { EmitStrategySpec, SlidingWindowSpec } from './windows.ts';

export interface KStreamSlidingWindowAggregateOptions<K, V, VA> {
  readonly windows: SlidingWindowSpec;
  readonly storeName: string;
  readonly emitStrategy: EmitStrategySpec;
  readonly initializer: Initializer<VA>;
  readonly aggregator: Aggregator<K, V, VA>;
}

/**
 * Aggregates the values of each key in sliding windows (KIP-450). Only windows whose contents differ are kept: for each record the one that ends at it (its left window) and,
 * once there is a later record, the one that starts 1 ms after it (its right window). Both ends are inclusive. The timestamp of a window's row is that of its latest record.
 * Windows cannot start before 0: records earlier than the time difference share [0, difference]. Null keys and null values are dropped;
 * a window is too late when it ends before `streamTime - grace`.
 */
export function kstreamSlidingWindowAggregate<K, V, VA>(
  options: KStreamSlidingWindowAggregateOptions<K, V, VA>,
): KStreamAggregateSupplier<K, V, Windowed<K>, VA> {
  return new AggregateSupplier((sendOldValues) => new SlidingAggregateProcessor(options, sendOldValues), windowGetterSupplier(options.storeName));
}

const LATE = 'late: its window has closed';

class SlidingAggregateProcessor<K, V, VA> implements Processor<K, V, Windowed<K>, Change<VA>> {
  #options: KStreamSlidingWindowAggregateOptions<K, V, VA>;
  readonly #sendOldValues: boolean;
  readonly #differenceMs: number;
  readonly #graceMs: number;
  #context!: InternalProcessorContext<Windowed<K>, Change<VA>>;
  #store!: TimestampedWindowStore<K, VA>;
  #forwarder!: ChangeForwarder<Windowed<K>, VA>;
  #emitter: WindowCloseEmitter | null = null;
  #streamTime = -1;
  #closeTime = -1;

  constructor(options: KStreamSlidingWindowAggregateOptions<K, V, VA>, sendOldValues: boolean) {
    this.#options = options;
    this.#sendOldValues = sendOldValues;
    this.#differenceMs = options.windows.timeDifferenceMs;
    this.#graceMs = options.windows.graceMs;
  }

  init(context: ProcessorContext<Windowed<K>, Change<VA>>): void {
    this.#context = context as InternalProcessorContext<Windowed<K>, Change<VA>>;
    this.#options = freezeAggregates(this.#context, this.#options);
    this.#streamTime = this.#context.keepTime('stream time', () => this.#streamTime);
    this.#store = context.getStateStore(this.#options.storeName);
    const onClose = this.#options.emitStrategy === 'window-close';
    if (onClose) this.#emitter = new WindowCloseEmitter(this.#context, this.#options.storeName, this.#store, this.#differenceMs);
    this.#forwarder = new ChangeForwarder(this.#context, onClose ? null : this.#store, this.#sendOldValues);
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestamp } = record;
    if (key == null || value == null) {
      this.#context.droppedRecord('null key or value');
      return;
    }
    if (timestamp > this.#streamTime) this.#streamTime = timestamp;
    this.#closeTime = this.#streamTime - this.#graceMs;
    if (timestamp + this.#differenceMs < this.#closeTime) {
      this.#context.droppedRecord(LATE);
      return;
    }
    if (timestamp < this.#differenceMs) {
      this.#processEarly(record);
      return;
    }
    this.#processNormal(record);
    if (this.#emitter?.isDue(this.#closeTime)) this.#emitClosed(record, this.#emitter);
  }

  #processNormal(record: StreamRecord<K, V>): void {
    const { timestamp } = record;
    const windows = this.#affectedWindows(record.key, timestamp);
    let rightRow: ValueAndTimestamp<VA> | null = null;
    let leftRow: ValueAndTimestamp<VA> | null = null;
    let leftExists = false;
    let rightExists = false;
    /** Timestamp of the latest record before this one; -1: none in reach. */
    let previous = -1;

    for (const [start, row] of windows) {
      const end = start + this.#differenceMs;
      if (start === timestamp + 1) {
        rightExists = true;
      } else if (end >= timestamp) {
        this.#update(record, start, row.value, row.timestamp);
        if (end > timestamp) {
          // The latest window that holds this record holds everything after it.
          rightRow ??= row;
        } else {
          // A record with this very timestamp came before: it has made all windows that this one could.
          if (row.timestamp >= timestamp) return;
          leftExists = true;
          previous = row.timestamp;
        }
      } else {
        leftRow = row;
        previous = row.timestamp;
      }
    }

    if (previous !== -1 && previous + 1 + this.#differenceMs >= timestamp && !hasStart(windows, previous + 1)) this.#createPreviousRight(record, previous);
    if (!leftExists) {
      const start = timestamp - this.#differenceMs;
      const base = leftRow !== null && previous >= start ? leftRow.value : this.#options.initializer();
      this.#update(record, start, base, timestamp);
    }
    if (!rightExists) this.#createRight(record, rightRow);
  }

  /** Records before the time difference: all of them are in [0, difference], which takes the place of their left windows. */
  #processEarly(record: StreamRecord<K, V>): void {
    const { timestamp } = record;
    const windows = [...this.#store.fetchRange(record.key, 0, timestamp + 1)];
    let combined: ValueAndTimestamp<VA> | null = null;
    let rightRow: ValueAndTimestamp<VA> | null = null;
    let rightExists = false;
    let previous = -1;

    for (const [start, row] of windows) {
      if (start === 0) {
        combined = row;
        if (row.timestamp < timestamp) previous = row.timestamp;
      } else if (start <= timestamp) {
        rightRow = row;
        this.#update(record, start, row.value, row.timestamp);
      } else {
        rightExists = true;
      }
    }

    if (!rightExists) this.#createRight(record, rightRow ?? combined);
    if (previous !== -1 && !hasStart(windows, previous + 1)) this.#createPreviousRight(record, previous);
    if (combined === null) this.#update(record, 0, this.#options.initializer(), timestamp);
    else this.#update(record, 0, combined.value, combined.timestamp);
  }

  /** Latest first, down to and including the first window that ends before the timestamp. Read before anything is written. */
  #affectedWindows(key: K, timestamp: number): [number, ValueAndTimestamp<VA>][] {
    const windows: [number, ValueAndTimestamp<VA>][] = [];
    for (const entry of this.#store.backwardFetchRange(key, Math.max(0, timestamp - 2 * this.#differenceMs), timestamp + 1)) {
      windows.push(entry);
      if (entry[0] + this.#differenceMs < timestamp) break;
    }
    return windows;
  }

  /** The window that holds what is later than this record, if anything is. */
  #createRight(record: StreamRecord<K, V>, later: ValueAndTimestamp<VA> | null): void {
    if (later === null || later.timestamp <= record.timestamp) return;
    const start = record.timestamp + 1;
    this.#store.put(record.key, storedValue(later.value, later.timestamp), start);
    this.#forward(record, start, later.value, null, later.timestamp);
  }

  /** The right window of the record before this one, which holds this one alone. */
  #createPreviousRight(record: StreamRecord<K, V>, previous: number): void {
    this.#update(record, previous + 1, this.#options.initializer(), record.timestamp);
  }

  #update(record: StreamRecord<K, V>, start: number, oldValue: VA | null, oldTimestamp: number): void {
    if (start + this.#differenceMs < this.#closeTime) {
      this.#context.droppedRecord(LATE);
      return;
    }
    const newValue = this.#options.aggregator(record.key, record.value, oldValue as VA);
    const timestamp = oldValue == null ? record.timestamp : Math.max(record.timestamp, oldTimestamp);
    this.#store.put(record.key, newValue == null ? null : storedValue(newValue, timestamp), start);
    this.#forward(record, start, newValue, oldValue, timestamp);
  }

  #forward(record: StreamRecord<K, V>, start: number, newValue: VA, oldValue: VA | null, timestamp: number): void {
    if (this.#emitter !== null) return;
    this.#forwarder.forward(windowed(record.key, start, start + this.#differenceMs), newValue, oldValue, true, timestamp, record.headers);
  }

  #emitClosed(record: StreamRecord<K, V>, emitter: WindowCloseEmitter): void {
    // Ends are inclusive: a window that ends at the close time is still open.
    const to = this.#closeTime - this.#differenceMs - 1;
    if (to < 0) return;
    const from = Math.max(0, emitter.lastCloseTime - this.#differenceMs);
    emitWindows(this.#store, from, to, this.#differenceMs, this.#forwarder, record.headers);
    emitter.scanned(this.#closeTime);
  }
}

function hasStart(windows: readonly (readonly [number, unknown])[], start: number): boolean {
  for (const window of windows) if (window[0] === start) return true;
  return false;
}

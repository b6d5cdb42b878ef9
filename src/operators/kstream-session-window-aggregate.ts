import { type Headers, NO_HEADERS } from '../processor/headers.ts';
import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import type { SessionStore } from '../state/contract/stores.ts';
import type { ValueAndTimestamp, Windowed } from '../state/contract/values.ts';
import { AggregateSupplier } from './aggregate-supplier.ts';
import type { Change } from './change.ts';
import { ChangeForwarder } from './change-forwarder.ts';
import { freezeAggregates } from './freeze-aggregates.ts';
import type { Aggregator, Initializer, Merger } from './functions.ts';
import type { KStreamAggregateSupplier, KTableValueGetter, KTableValueGetterSupplier } from './ktable-supplier.ts';
import { storedValue } from './table-store.ts';
import { windowed } from './time-windows.ts';
import { WindowCloseEmitter } from './window-close-emitter.ts';
import type { EmitStrategySpec, SessionWindowSpec } from './windows.ts';

export interface KStreamSessionWindowAggregateOptions<K, V, VA> {
  readonly windows: SessionWindowSpec;
  readonly storeName: string;
  readonly emitStrategy: EmitStrategySpec;
  readonly initializer: Initializer<VA>;
  readonly aggregator: Aggregator<K, V, VA>;
  readonly merger: Merger<K, VA>;
}

/**
 * Aggregates the values of each key in sessions. A record merges all sessions within the gap of it: each of them is deleted (a tombstone at its end),
 * then the merged one is sent, its timestamp its end. Null keys are dropped; null values are not.
 * A record is too late when its merged session ends before `streamTime - grace - gap`. Updates carry no headers, as in Java.
 */
export function kstreamSessionWindowAggregate<K, V, VA>(
  options: KStreamSessionWindowAggregateOptions<K, V, VA>,
): KStreamAggregateSupplier<K, V, Windowed<K>, VA> {
  return new AggregateSupplier((sendOldValues) => new SessionAggregateProcessor(options, sendOldValues), sessionGetterSupplier(options.storeName));
}

class SessionAggregateProcessor<K, V, VA> implements Processor<K, V, Windowed<K>, Change<VA>> {
  #options: KStreamSessionWindowAggregateOptions<K, V, VA>;
  readonly #sendOldValues: boolean;
  readonly #gapMs: number;
  readonly #graceMs: number;
  #context!: InternalProcessorContext<Windowed<K>, Change<VA>>;
  #store!: SessionStore<K, VA>;
  #forwarder!: ChangeForwarder<Windowed<K>, VA>;
  #emitter: WindowCloseEmitter | null = null;
  #streamTime = -1;

  constructor(options: KStreamSessionWindowAggregateOptions<K, V, VA>, sendOldValues: boolean) {
    this.#options = options;
    this.#sendOldValues = sendOldValues;
    this.#gapMs = options.windows.gapMs;
    this.#graceMs = options.windows.graceMs;
  }

  init(context: ProcessorContext<Windowed<K>, Change<VA>>): void {
    this.#context = context as InternalProcessorContext<Windowed<K>, Change<VA>>;
    this.#options = freezeAggregates(this.#context, this.#options);
    this.#streamTime = this.#context.keepTime('stream time', () => this.#streamTime);
    this.#store = context.getStateStore(this.#options.storeName);
    const onClose = this.#options.emitStrategy === 'window-close';
    if (onClose) this.#emitter = new WindowCloseEmitter(this.#context, this.#options.storeName, this.#store, 0);
    this.#forwarder = new ChangeForwarder(this.#context, onClose ? null : this.#store, this.#sendOldValues, sessionEnd);
  }

  process(record: StreamRecord<K, V>): void {
    const { key, timestamp } = record;
    if (key == null) {
      this.#context.droppedRecord('null key');
      return;
    }
    if (timestamp > this.#streamTime) this.#streamTime = timestamp;
    const closeTime = this.#streamTime - this.#graceMs - this.#gapMs;

    let aggregate = this.#options.initializer();
    let start = timestamp;
    let end = timestamp;
    let merged: [Windowed<K>, VA][] | null = null;
    for (const session of this.#store.findSessions(key, timestamp - this.#gapMs, timestamp + this.#gapMs)) {
      if (merged === null) merged = [session];
      else merged.push(session);
      aggregate = this.#options.merger(key, aggregate, session[1]);
      const { window } = session[0];
      if (window.start < start) start = window.start;
      if (window.end > end) end = window.end;
    }

    if (end < closeTime) {
      this.#context.droppedRecord('late: its session has closed');
    } else {
      // A session of exactly [timestamp, timestamp] is overwritten; any other key than the record's own has to go.
      if (merged !== null && (start !== timestamp || end !== timestamp)) this.#removeMerged(merged);
      const session = windowed(key, start, end);
      const value = this.#options.aggregator(key, record.value, aggregate);
      this.#store.put(session, value ?? null);
      if (this.#emitter === null) this.#forwarder.forward(session, value, null, true, end, NO_HEADERS);
    }
    if (this.#emitter?.isDue(closeTime)) this.#emitClosed(closeTime, this.#emitter, record.headers);
  }

  #removeMerged(merged: readonly [Windowed<K>, VA][]): void {
    for (const [session, value] of merged) {
      this.#store.remove(session);
      if (this.#emitter === null) this.#forwarder.forward(session, null, value, true, session.window.end, NO_HEADERS);
    }
  }

  #emitClosed(closeTime: number, emitter: WindowCloseEmitter, headers: Headers): void {
    // Ends are inclusive: a session that ends at the close time is still open.
    const to = closeTime - 1;
    const from = Math.max(0, emitter.lastCloseTime);
    if (to < from) return;
    // In the store's order: the stores that the DSL makes for it are ordered by end, start, then serialised key.
    for (const [session, value] of this.#store.findSessionsByEnd(from, to)) this.#forwarder.forward(session, value, null, true, session.window.end, headers);
    emitter.scanned(closeTime);
  }
}

function sessionEnd(session: Windowed<unknown>): number {
  return session.window.end;
}

function sessionGetterSupplier<K, VA>(storeName: string): KTableValueGetterSupplier<Windowed<K>, VA> {
  return { get: () => new SessionGetter<K, VA>(storeName), storeNames: [storeName] };
}

class SessionGetter<K, VA> implements KTableValueGetter<Windowed<K>, VA> {
  readonly versioned = false;
  readonly #storeName: string;
  #store!: SessionStore<K, VA>;

  constructor(storeName: string) {
    this.#storeName = storeName;
  }

  init(context: InternalProcessorContext<never, never>): void {
    this.#store = context.getStateStore(this.#storeName);
  }

  get(session: Windowed<K>): ValueAndTimestamp<VA> | null {
    const { start, end } = session.window;
    const value = this.#store.fetchSession(session.key, start, end);
    return value === null ? null : storedValue(value, end);
  }

  getAsOf(): never {
    throw new Error('a session table is not versioned');
  }

  close(): void {}
}

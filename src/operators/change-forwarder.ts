import type { Headers } from '../processor/headers.ts';
import type { InternalProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { CachedStateStore, StateStore } from '../state/contract/stores.ts';
import { Change } from './change.ts';

/**
 * Sends a table operator's updates downstream. Where the store has a record cache nothing is sent at the update:
 * the cache sends the latest row of each key when it flushes.
 */
export class ChangeForwarder<K, V> {
  readonly #context: InternalProcessorContext<K, Change<V>>;
  readonly #sendOldValues: boolean;
  /** The cache forwards; whatever `forward` is given goes nowhere, so need not be made. */
  readonly cached: boolean;

  /** `timestampOf`: the time of a flushed row, where it is not the one that the cache gives. */
  constructor(context: InternalProcessorContext<K, Change<V>>, store: StateStore | null, sendOldValues: boolean, timestampOf?: (key: K) => number) {
    this.#context = context;
    this.#sendOldValues = sendOldValues;
    const cached = store as (StateStore & Partial<CachedStateStore<K, V>>) | null;
    this.cached =
      cached?.setFlushListener?.((key, newValue, oldValue, timestamp) => {
        const at = timestampOf === undefined ? timestamp : timestampOf(key);
        context.forward(new StreamRecord(key, new Change(newValue, sendOldValues ? oldValue : null), at, context.recordContext.headers));
      }, sendOldValues) ?? false;
  }

  forward(key: K, newValue: V | null, oldValue: V | null, isLatest: boolean, timestamp: number, headers: Headers): void {
    if (this.cached) return;
    this.#context.forward(new StreamRecord(key, new Change(newValue, this.#sendOldValues ? oldValue : null, isLatest), timestamp, headers));
  }
}

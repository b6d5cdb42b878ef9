import type { RecordContext } from '../../processor/record-context.ts';
import type { StateStoreContext } from '../contract/context.ts';
import type { FlushListener } from '../contract/stores.ts';
import type { Deadline } from '../task/managed-store.ts';
import { DirtyIndex } from './dirty-index.ts';
import { DirtyList, type Linked } from './dirty-list.ts';

/** Entries flushed between two looks at the clock. */
const STRETCH = 16;

/** The store that the cache belongs to. Methods, not callbacks: at a method's call V8 knows the three stores' ones, at a callback's it would know none. */
export interface CacheOwner<E> {
  flushCache(deadline: Deadline): boolean;
  /** Write an entry to the store below and tell the listener. It counts as clean already, and its record context is current. */
  flushEntry(entry: E): void;
}

/** The dirty side of a record cache: what was put and not yet flushed, in the order of the last puts, and how it is flushed. The same for all stores with a cache. */
export class WriteBack<E extends Linked<E> & { readonly context: RecordContext | null }, K, V> {
  readonly index: DirtyIndex<E>;
  listener: FlushListener<K, V> | null = null;
  sendOldValues = false;
  readonly #store: CacheOwner<E>;
  readonly #dirty = new DirtyList<E>();
  #flushing = false;
  /** Before an eviction: what was put longest ago is flushed first, as far as needed. Kafka Streams flushes all; with a full cache that would hold up the event loop for long. */
  readonly flushUntilClean = (target: { readonly dirty: boolean }): void => void this.#store.flushCache(() => !target.dirty);

  /** `idOf`: as DirtyIndex has it. */
  constructor(store: CacheOwner<E>, idOf: (entry: E) => string) {
    this.#store = store;
    this.index = new DirtyIndex(this.#dirty, idOf);
  }

  listen(listener: FlushListener<K, V>, sendOldValues: boolean): boolean {
    this.listener = listener;
    this.sendOldValues = sendOldValues;
    return true;
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** An entry was put: it is flushed after all others. */
  touch(entry: E): void {
    if (!entry.dirty) this.index.add(entry);
    this.#dirty.touch(entry);
  }

  /** An entry need not be flushed any more. */
  remove(entry: E): void {
    if (entry.dirty) this.index.reset();
    this.#dirty.remove(entry);
  }

  /** Until the deadline; true when all is clean. From within itself (a listener's puts may evict) it does nothing: the flush that is under way gets there. */
  flush(context: StateStoreContext, deadline: Deadline): boolean {
    if (this.#flushing) return true;
    this.#flushing = true;
    const current = context.recordContext;
    const store = this.#store;
    const dirty = this.#dirty;
    let stretch = STRETCH;
    try {
      for (let entry = dirty.first; entry !== null; entry = dirty.first) {
        dirty.remove(entry);
        context.recordContext = entry.context ?? current;
        store.flushEntry(entry);
        if (--stretch === 0) {
          if (deadline()) return dirty.first === null;
          stretch = STRETCH;
        }
      }
      return true;
    } finally {
      context.recordContext = current;
      this.index.reset();
      this.#flushing = false;
    }
  }

  /** Nothing of it is to be flushed any more. */
  clear(): void {
    this.#dirty.clear();
    this.index.reset();
  }
}

import type { RecordContext } from '../../processor/record-context.ts';
import type { CacheBudget } from './cache-budget.ts';

/** What an entry counts beside its bytes: about what Kafka Streams counts, so that a size means the same. JavaScript needs two to three times as much. */
const ENTRY_OVERHEAD = 80;

/** The value below the cache is not known. */
export const UNKNOWN: unique symbol = Symbol('unknown');

/** One cached key: values are kept decoded, and encoded only at a flush. */
export class CacheEntry<C, T> {
  /** What the cache's map is keyed by: the key itself where its serde is primitive, else its bytes as a string. */
  readonly cacheKey: unknown;
  /** The key as the user gave it (with its window, in windowed stores). */
  readonly key: C;
  /** The key's bytes in the store, once known. */
  keyBytes: Buffer | null = null;
  /** Null: deleted, or known to be missing. */
  value: T | null;
  /** What the store below holds, null for nothing; UNKNOWN when nobody has looked. */
  below: T | null | typeof UNKNOWN;
  dirty = false;
  /** Used since the eviction's hand last passed. */
  used = false;
  /** The record that put it last. */
  context: RecordContext | null = null;
  size = 0;
  next: CacheEntry<C, T> | null = null;
  previous: CacheEntry<C, T> | null = null;

  constructor(cacheKey: unknown, key: C, value: T | null, below: T | null | typeof UNKNOWN) {
    this.cacheKey = cacheKey;
    this.key = key;
    this.value = value;
    this.below = below;
  }
}

/** Average size of a store's values as they were last encoded; until then a guess. */
export class SizeEstimate {
  #average = 64;
  #samples = 0;

  get bytes(): number {
    return this.#average;
  }

  sample(bytes: number): void {
    if (this.#samples < 64) this.#samples++;
    this.#average += (bytes - this.#average) / this.#samples;
  }
}

/**
 * The entries of one store's cache, and who is to go when the budget is used up.
 * Eviction is CLOCK: a hand goes round the map in the order of insertion, spares what was used since it last passed, and takes the rest. Against a linked LRU list, a hit costs
 * one flag instead of six pointers. (F. J. Corbató, "A paging experiment with the Multics system", 1968.) A map's iterator serves as the hand: it survives inserts and deletions.
 */
export class RecordCache<C, T> {
  readonly #map = new Map<unknown, CacheEntry<C, T>>();
  readonly #budget: CacheBudget;
  readonly valueSize = new SizeEstimate();
  #hand: Iterator<CacheEntry<C, T>> | null = null;
  #bytes = 0;

  constructor(budget: CacheBudget) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#map.size;
  }

  get(cacheKey: unknown): CacheEntry<C, T> | undefined {
    const entry = this.#map.get(cacheKey);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  add(entry: CacheEntry<C, T>, keySize: number): void {
    entry.size = ENTRY_OVERHEAD + keySize + this.valueSize.bytes;
    this.#bytes += entry.size;
    this.#budget.used += entry.size;
    this.#map.set(entry.cacheKey, entry);
  }

  remove(entry: CacheEntry<C, T>): void {
    if (!this.#map.delete(entry.cacheKey)) return;
    this.#bytes -= entry.size;
    this.#budget.used -= entry.size;
  }

  /** While the budget is exceeded: evict, oldest unused first. `flush` is called before a dirty entry would go, and cleans it. `keep` stays: it is being used. */
  evict(flush: (entry: CacheEntry<C, T>) => void, keep: CacheEntry<C, T>, onEvict?: (entry: CacheEntry<C, T>) => void): void {
    let rounds = 0;
    while (this.#budget.exceeded && this.#map.size > 1) {
      this.#hand ??= this.#map.values();
      const next = this.#hand.next();
      if (next.done) {
        this.#hand = null;
        if (++rounds > 2) return;
        continue;
      }
      const entry = next.value;
      if (entry === keep) continue;
      if (entry.used) {
        entry.used = false;
        continue;
      }
      if (entry.dirty) {
        flush(entry);
        if (entry.dirty) continue;
      }
      onEvict?.(entry);
      this.remove(entry);
    }
  }

  clear(): void {
    this.#map.clear();
    this.#hand = null;
    this.#budget.used -= this.#bytes;
    this.#bytes = 0;
  }
}

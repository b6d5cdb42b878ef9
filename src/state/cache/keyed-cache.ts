import type { RecordContext } from '../../processor/record-context.ts';
import { LIVE, type Pastness } from '../buffer/segmented-table.ts';
import type { CacheBudget } from './cache-budget.ts';
import { SizeEstimate, type UNKNOWN } from './record-cache.ts';

/** What a group and an entry count beside their bytes: about what Kafka Streams counts for an entry, so that a size means the same. JavaScript needs two to three times as much. */
const GROUP_OVERHEAD = 80;
const ENTRY_OVERHEAD = 80;

/** One cached window or session of a key. */
export class TimedEntry<K, T> {
  readonly group: KeyGroup<K, T>;
  /** Decides segment and expiry: the window's start, or the session's end. */
  readonly time: number;
  readonly start: number;
  /** Null: deleted, or known to be missing. */
  value: T | null = null;
  /** What the store below holds, null for nothing; UNKNOWN when nobody has looked. */
  below: T | null | typeof UNKNOWN;
  dirty = false;
  /** How it stood to the retention when it was put last: decides what becomes of it at the flush, so that this does not depend on when that is. */
  past: Pastness = LIVE;
  used = true;
  context: RecordContext | null = null;
  next: TimedEntry<K, T> | null = null;
  previous: TimedEntry<K, T> | null = null;

  constructor(group: KeyGroup<K, T>, time: number, start: number, below: T | null | typeof UNKNOWN) {
    this.group = group;
    this.time = time;
    this.start = start;
    this.below = below;
  }
}

/** The cached windows or sessions of one key, in the order of (time, start). */
export class KeyGroup<K, T> {
  readonly cacheKey: unknown;
  readonly key: K;
  keyBytes: Buffer | null;
  readonly entries: TimedEntry<K, T>[] = [];
  /** The last of `entries`: nearly always what is looked for, and found here with fewer steps through memory. */
  last: TimedEntry<K, T> | undefined = undefined;
  /** All that the store holds of the key, expired entries apart, is here: no read below is needed. */
  complete: boolean;
  used = true;
  size = 0;

  constructor(cacheKey: unknown, key: K, keyBytes: Buffer | null, complete: boolean) {
    this.cacheKey = cacheKey;
    this.key = key;
    this.keyBytes = keyBytes;
    this.complete = complete;
  }

  get dirty(): boolean {
    return this.entries.some(isDirty);
  }

  find(time: number, start: number): TimedEntry<K, T> | undefined {
    const last = this.last;
    if (last === undefined || last.time < time) return undefined;
    if (last.time === time && last.start === start) return last;
    const entries = this.entries;
    const at = lowerBound(entries, time, start);
    const entry = entries[at];
    return entry !== undefined && entry.time === time && entry.start === start ? entry : undefined;
  }
}

/**
 * The record cache of window and session stores. Entries are kept by key, so that reads of one key (sliding windows, sessions) are served without the store below
 * once the key's entries are known to be complete. Keys are evicted whole, by the same CLOCK as in RecordCache.
 */
export class KeyedCache<K, T> {
  readonly valueSize = new SizeEstimate();
  readonly #groups = new Map<unknown, KeyGroup<K, T>>();
  readonly #budget: CacheBudget;
  /** The group that was asked for last: a read is mostly followed by a write of the same key. */
  #latest: KeyGroup<K, T> | undefined;
  #hand: Iterator<KeyGroup<K, T>> | null = null;
  #bytes = 0;
  /** No entry is older. */
  #oldest = Number.POSITIVE_INFINITY;
  /** Entries at times above this are below only if they were evicted: see `#evicted`. */
  #freshAbove: number | null = null;
  /** Times, above `#freshAbove`, of evicted entries. */
  readonly #evicted = new Set<number>();

  constructor(budget: CacheBudget) {
    this.#budget = budget;
  }

  get(cacheKey: unknown): KeyGroup<K, T> | undefined {
    const latest = this.#latest;
    if (latest !== undefined && latest.cacheKey === cacheKey) {
      latest.used = true;
      return latest;
    }
    const group = this.#groups.get(cacheKey);
    if (group === undefined) return undefined;
    group.used = true;
    this.#latest = group;
    return group;
  }

  /** `end`: the store below holds nothing at or past this time. Asked once, when the cache is empty. */
  create(cacheKey: unknown, key: K, keyBytes: Buffer | null, end: () => number): KeyGroup<K, T> {
    this.#freshAbove ??= end() - 1;
    const group = new KeyGroup<K, T>(cacheKey, key, keyBytes, this.#freshAbove === Number.NEGATIVE_INFINITY && this.#evicted.size === 0);
    this.#groups.set(cacheKey, group);
    this.#grow(group, GROUP_OVERHEAD + (typeof cacheKey === 'string' ? cacheKey.length : 8));
    return group;
  }

  /** True when what is not in the group is not below either. */
  isMissing(group: KeyGroup<K, T>, time: number): boolean {
    return group.complete || (time > (this.#freshAbove as number) && !this.#evicted.has(time));
  }

  insert(entry: TimedEntry<K, T>): void {
    if (entry.time < this.#oldest) this.#oldest = entry.time;
    const { group } = entry;
    const { entries, last } = group;
    if (last === undefined || last.time < entry.time || (last.time === entry.time && last.start < entry.start)) {
      entries.push(entry);
      group.last = entry;
    } else {
      entries.splice(lowerBound(entries, entry.time, entry.start), 0, entry);
    }
    this.#grow(group, ENTRY_OVERHEAD + this.valueSize.bytes);
  }

  /** Forget an entry that is not dirty. */
  remove(entry: TimedEntry<K, T>): void {
    const entries = entry.group.entries;
    const at = entries.indexOf(entry);
    if (at < 0) return;
    entries.splice(at, 1);
    entry.group.last = entries.at(-1);
    this.#grow(entry.group, -Math.min(ENTRY_OVERHEAD + this.valueSize.bytes, entry.group.size));
  }

  /** Clean entries from before a time, in no order. */
  cleanBefore(time: number): TimedEntry<K, T>[] {
    const found: TimedEntry<K, T>[] = [];
    if (this.#oldest >= time) return found;
    for (const group of this.#groups.values()) {
      for (const entry of group.entries) {
        if (entry.time >= time) break;
        if (!entry.dirty) found.push(entry);
      }
    }
    return found;
  }

  /** Forget what is past and clean. */
  prune(group: KeyGroup<K, T>, reach: number): void {
    for (let first = group.entries[0]; first !== undefined && first.time < reach && !first.dirty; first = group.entries[0]) this.remove(first);
  }

  get exceeded(): boolean {
    return this.#budget.exceeded;
  }

  /** While the budget is exceeded: evict keys, oldest unused first. `flush` is called before a key with dirty entries would go, and cleans it. `keep` stays. */
  evict(flush: (group: KeyGroup<K, T>) => void, keep: KeyGroup<K, T>): void {
    let rounds = 0;
    while (this.#budget.exceeded && this.#groups.size > 1) {
      this.#hand ??= this.#groups.values();
      const next = this.#hand.next();
      if (next.done) {
        this.#hand = null;
        if (++rounds > 2) return;
        continue;
      }
      const group = next.value;
      if (group === keep) continue;
      if (group.used) {
        group.used = false;
        this.#trim(group);
        continue;
      }
      if (group.dirty) {
        flush(group);
        if (group.dirty) continue;
      }
      for (const entry of group.entries) if (entry.value !== null) this.#noteEvicted(entry.time);
      this.#groups.delete(group.cacheKey);
      if (this.#latest === group) this.#latest = undefined;
      this.#grow(group, -group.size);
    }
  }

  clear(): void {
    this.#groups.clear();
    this.#latest = undefined;
    this.#hand = null;
    this.#budget.used -= this.#bytes;
    this.#bytes = 0;
    this.#freshAbove = null;
    this.#oldest = Number.POSITIVE_INFINITY;
    this.#evicted.clear();
  }

  /** A key in use keeps only what was used of it: a day of old windows is not to live on one new one. */
  #trim(group: KeyGroup<K, T>): void {
    const entries = group.entries;
    let kept = 0;
    for (const entry of entries) {
      if (entry.dirty || entry.used) {
        entry.used = false;
        entries[kept++] = entry;
      } else if (entry.value !== null) {
        this.#noteEvicted(entry.time);
        group.complete = false;
      }
    }
    if (kept === entries.length) return;
    this.#grow(group, -Math.min((entries.length - kept) * (ENTRY_OVERHEAD + this.valueSize.bytes), group.size));
    entries.length = kept;
    group.last = entries.at(-1);
  }

  #noteEvicted(time: number): void {
    if (time <= (this.#freshAbove as number)) return;
    this.#evicted.add(time);
    if (this.#evicted.size <= 4096) return;
    this.#freshAbove = Math.max(...this.#evicted);
    this.#evicted.clear();
  }

  #grow(group: KeyGroup<K, T>, bytes: number): void {
    group.size += bytes;
    this.#bytes += bytes;
    this.#budget.used += bytes;
  }
}

function isDirty(entry: { dirty: boolean }): boolean {
  return entry.dirty;
}

function lowerBound(entries: readonly { time: number; start: number }[], time: number, start: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle] as { time: number; start: number };
    if (entry.time < time || (entry.time === time && entry.start < start)) low = middle + 1;
    else high = middle;
  }
  return low;
}

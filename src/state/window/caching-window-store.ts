import type { Windowed } from '../../processor/windowed.ts';
import type { StoredRow } from '../buffer/buffered-table.ts';
import { DROPPED, LIVE } from '../buffer/segmented-table.ts';
import { keyId } from '../bytes.ts';
import { KeyedCache, type KeyGroup, TimedEntry } from '../cache/keyed-cache.ts';
import { UNKNOWN } from '../cache/record-cache.ts';
import { WriteBack } from '../cache/write-back.ts';
import type { CachedStateStore, FlushListener, StoreIterator } from '../contract/stores.ts';
import type { Engine } from '../engine/engine.ts';
import type { Deadline, StoreEnvironment } from '../task/managed-store.ts';
import { baseKeyWithin, WINDOW_SUFFIX, windowKey, windowStartOf } from './window-key.ts';
import { EngineWindowStore } from './window-store.ts';

const NONE: readonly never[] = [];
/** Windows of one key that a range read takes into the cache; a key with more is read from below each time. */
const MAX_LOADED = 1024;

/**
 * A window store with a record cache: see CachingKeyValueStore. A put also moves the clock of the retention.
 * What is past the retention is treated as in CachingSessionStore.
 */
export class CachingWindowStore<K, V, T> extends EngineWindowStore<K, V, T> implements CachedStateStore<Windowed<K>, V> {
  #cache!: KeyedCache<K, T>;
  readonly #writeBack = new WriteBack<TimedEntry<K, T>, Windowed<K>, V>(this, (entry) =>
    this.#order(entry.time, windowKey(this.#bytesOf(entry.group), entry.start, 0)),
  );
  readonly #end = (): number => this.table.end;

  setFlushListener(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean {
    return this.#writeBack.listen(listener, sendOldValues);
  }

  override put(key: K, value: T | null, windowStart: number): void {
    this.requireKey(key);
    const context = this.context.recordContext;
    const group = this.#group(key);
    let entry = group.find(windowStart, windowStart);
    if (entry === undefined) {
      entry = new TimedEntry<K, T>(group, windowStart, windowStart, this.#cache.isMissing(group, windowStart) ? null : UNKNOWN);
      this.#cache.insert(entry);
    }
    const table = this.table;
    entry.past = windowStart < table.minLive ? table.pastness(windowStart) : LIVE;
    if (value === null && entry.below === UNKNOWN) entry.below = this.read(this.#bytesOf(group), windowStart);
    // What those below are not told does not move their clock.
    if (value !== null || this.#writeBack.listener === null || (entry.below !== null && entry.past === LIVE)) table.observe(windowStart);
    entry.value = value;
    entry.context = context;
    entry.used = true;
    this.#writeBack.touch(entry);
    this.#evict(group);
  }

  override fetch(key: K, windowStart: number): T | null {
    this.requireKey(key);
    const group = this.#group(key);
    const found = group.find(windowStart, windowStart);
    if (found !== undefined) {
      found.used = true;
      return found.value;
    }
    if (windowStart < this.table.reach || this.#cache.isMissing(group, windowStart)) return null;
    const value = this.read(this.#bytesOf(group), windowStart);
    const entry = new TimedEntry<K, T>(group, windowStart, windowStart, value);
    entry.value = value;
    this.#cache.insert(entry);
    this.#evict(group);
    return value;
  }

  override fetchRange(key: K, from: number, to: number): StoreIterator<[number, T]> {
    return this.#rangeOfKey(key, from, to, false);
  }

  override backwardFetchRange(key: K, from: number, to: number): StoreIterator<[number, T]> {
    return this.#rangeOfKey(key, from, to, true);
  }

  override get cacheDirty(): boolean {
    return this.#writeBack.dirty;
  }

  override flushCache(deadline: Deadline): boolean {
    return this.#writeBack.flush(this.context, deadline);
  }

  flushEntry(entry: TimedEntry<K, T>): void {
    const { listener, sendOldValues } = this.#writeBack;
    const { group, start, value } = entry;
    const bytes = this.#bytesOf(group);
    if (listener === null) {
      this.#writeEntry(entry, bytes);
      return;
    }
    let before: T | null = null;
    // The retention is that of the put: see CachingSessionStore.
    if ((value === null || sendOldValues) && entry.past === LIVE) before = entry.below === UNKNOWN ? this.read(bytes, start) : entry.below;
    if (value === null && before === null) {
      if (entry.below !== null) this.#erase(entry);
      this.#cache.remove(entry);
      return;
    }
    this.#writeEntry(entry, bytes);
    const context = this.context.recordContext;
    listener(
      { key: group.key, window: { start, end: start + this.windowSize } },
      this.codec.plain(value),
      sendOldValues ? this.codec.plain(before) : null,
      this.codec.forwardTimestamp(value, context),
    );
  }

  protected override attached(engine: Engine, environment?: StoreEnvironment): void {
    super.attached(engine);
    // Closed windows are read when the record that closes them has been put: however far it moves stream time, none may be lost. As in Java, whose cache still has them.
    this.table.seesPast = this.windows.timeOrdered;
    this.#cache = new KeyedCache((environment as StoreEnvironment).cacheBudget);
  }

  protected override forget(): void {
    this.#cache.clear();
    this.#writeBack.clear();
  }

  protected override get slack(): number {
    return this.windows.slack;
  }

  protected override fetchMany(keyFrom: K | null, keyTo: K | null, from: number, to: number, reverse: boolean): StoreIterator<[Windowed<K>, T]> {
    const low = keyFrom === null ? null : this.keySerde.serialize(this.topic, keyFrom);
    const high = keyTo === null ? null : this.keySerde.serialize(this.topic, keyTo);
    if (to < from || (low !== null && high !== null && low.compare(high) > 0)) return [][Symbol.iterator]();
    return this.scanMany(low, high, from, to, reverse);
  }

  protected override scanMany(low: Buffer | null, high: Buffer | null, from: number, to: number, reverse: boolean): StoreIterator<[Windowed<K>, T]> {
    const { reach, seesPast } = this.table;
    const fromBelow = seesPast ? from : Math.max(from, reach);
    const past = from < reach ? this.#cache.cleanBefore(reach) : NONE;
    if (!this.#writeBack.dirty && past.length === 0) return super.scanMany(low, high, fromBelow, to, reverse);
    return this.#writeBack.index.merge<StoredRow, [Windowed<K>, T]>(
      this.rows(low, high, fromBelow, to, reverse),
      (row) => this.#order(windowStartOf(row.key), row.key),
      null,
      null,
      reverse,
      false,
      ({ group, start, value }) => {
        if (value === null || start < from || start > to || !baseKeyWithin(this.#bytesOf(group), 0, low, high)) return undefined;
        return [{ key: group.key, window: { start, end: start + this.windowSize } }, value];
      },
      (row) => [this.windowed(row), this.decode(row)],
      past,
    );
  }

  /** Deletes a window below that is past, without a word to the changelog. */
  #erase({ group, start }: TimedEntry<K, T>): void {
    const bytes = windowKey(this.#bytesOf(group), start, 0);
    this.table.put(start, keyId(bytes), bytes, null, 0, undefined);
  }

  #writeEntry(entry: TimedEntry<K, T>, bytes: Buffer): void {
    this.#cache.valueSize.sample(this.write(bytes, entry.value, entry.start, entry.past === DROPPED));
    entry.below = entry.value;
  }

  #rangeOfKey(key: K, from: number, to: number, reverse: boolean): StoreIterator<[number, T]> {
    this.requireKey(key);
    const first = Math.max(from, 0);
    if (to < first) return [][Symbol.iterator]();
    const group = this.#group(key);
    if (!group.complete && !this.#complete(group)) {
      // More windows than the cache should take: one key's part of what a read of many keys does.
      const bytes = this.#bytesOf(group);
      return startsOf(this.scanMany(bytes, bytes, first, to, reverse));
    }
    const found: [number, T][] = [];
    for (const entry of group.entries) {
      if (entry.start < first || entry.start > to) continue;
      entry.used = true;
      if (entry.value !== null) found.push([entry.start, entry.value]);
    }
    this.#evict(group);
    if (reverse) found.reverse();
    return found[Symbol.iterator]();
  }

  /** Reads all live windows of a key from below into the cache; false when there are too many. */
  #complete(group: KeyGroup<K, T>): boolean {
    const loaded: [number, T][] = [];
    for (const row of this.fetchBytes(this.#bytesOf(group), this.table.reach, Number.POSITIVE_INFINITY, false)) {
      if (loaded.length === MAX_LOADED) return false;
      loaded.push(row);
    }
    for (const [start, value] of loaded) {
      const known = group.find(start, start);
      if (known !== undefined) {
        if (known.below === UNKNOWN) known.below = value;
        continue;
      }
      const entry = new TimedEntry<K, T>(group, start, start, value);
      entry.value = value;
      this.#cache.insert(entry);
    }
    group.complete = true;
    return true;
  }

  #group(key: K): KeyGroup<K, T> {
    const bytes = this.keySerde.primitive === true ? null : this.keySerde.serialize(this.topic, key);
    const cacheKey = bytes === null ? key : keyId(bytes);
    return this.#cache.get(cacheKey) ?? this.#cache.create(cacheKey, key, bytes, this.#end);
  }

  #bytesOf(group: KeyGroup<K, T>): Buffer {
    group.keyBytes ??= this.keySerde.serialize(this.topic, group.key);
    return group.keyBytes;
  }

  /** A string in the order in which the store below reads many keys. */
  #order(time: number, bytes: Buffer): string {
    const id = keyId(bytes);
    if (this.windows.timeOrdered) return id.slice(id.length - WINDOW_SUFFIX) + id;
    return String(Math.floor(time / this.table.interval)).padStart(17, '0') + id;
  }

  #evict(keep: KeyGroup<K, T>): void {
    if (this.#cache.exceeded) {
      this.#cache.prune(keep, this.table.reach);
      this.#cache.evict(this.#writeBack.flushUntilClean, keep);
    }
  }
}

function* startsOf<K, T>(windows: Iterable<[Windowed<K>, T]>): IterableIterator<[number, T]> {
  for (const [windowed, value] of windows) yield [windowed.window.start, value];
}

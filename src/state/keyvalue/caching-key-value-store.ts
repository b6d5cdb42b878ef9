import type { StoredRow } from '../buffer/buffered-table.ts';
import { keyId } from '../bytes.ts';
import { DirtyIndex } from '../cache/dirty-index.ts';
import { CacheEntry, RecordCache, UNKNOWN } from '../cache/record-cache.ts';
import type { CachedStateStore, FlushListener, StoreIterator } from '../contract/stores.ts';
import type { Engine } from '../engine/engine.ts';
import type { Deadline, StoreEnvironment } from '../task/managed-store.ts';
import { EngineKeyValueStore } from './key-value-store.ts';

/** Entries flushed between two looks at the clock. */
const STRETCH = 16;

/**
 * A key-value store with a record cache: puts stay in it as objects, and only the latest of a key is encoded, logged and forwarded, at a commit or when the cache is full.
 * Flushes go in the order of the last puts, as in Kafka Streams.
 */
export class CachingKeyValueStore<K, V, T> extends EngineKeyValueStore<K, V, T> implements CachedStateStore<K, V> {
  #cache!: RecordCache<K, T>;
  #index!: DirtyIndex<CacheEntry<K, T>>;
  #listener: FlushListener<K, V> | null = null;
  #sendOldValues = false;
  #flushing = false;
  /** True: the cache holds all there is, so a miss needs no read. Null: not known yet. */
  #resident: boolean | null = null;
  /** Before an eviction: what was put longest ago is flushed first, as far as needed. Kafka Streams flushes all; with a full cache that would hold up the event loop for long. */
  readonly #flushUntilClean = (entry: CacheEntry<K, T>): void => void this.flushCache(() => !entry.dirty);
  readonly #evicted = (): void => {
    this.#resident = false;
  };

  setFlushListener(listener: FlushListener<K, V>, sendOldValues: boolean): boolean {
    this.#listener = listener;
    this.#sendOldValues = sendOldValues;
    return true;
  }

  override get(key: K): T | null {
    this.requireKey(key);
    const bytes = this.keySerde.primitive === true ? null : this.keySerde.serialize(this.topic, key);
    const cacheKey = bytes === null ? key : keyId(bytes);
    const found = this.#cache.get(cacheKey);
    return found !== undefined ? found.value : this.#load(cacheKey, key, bytes).value;
  }

  override put(key: K, value: T | null): void {
    this.requireKey(key);
    const bytes = this.keySerde.primitive === true ? null : this.keySerde.serialize(this.topic, key);
    const cacheKey = bytes === null ? key : keyId(bytes);
    const context = this.context.recordContext;
    const found = this.#cache.get(cacheKey);
    const entry = found ?? new CacheEntry<K, T>(cacheKey, key, value, this.#isResident() ? null : UNKNOWN);
    if (found === undefined) {
      entry.keyBytes = bytes;
      this.#cache.add(entry, sizeOfKey(cacheKey));
    }
    entry.value = value;
    entry.context = context;
    if (!entry.dirty) this.#index.add(entry);
    this.#cache.dirty.touch(entry);
    this.#evict(entry);
  }

  override get cacheDirty(): boolean {
    return this.#cache.dirty.size > 0;
  }

  override flushCache(deadline: Deadline): boolean {
    if (this.#flushing) return true;
    this.#flushing = true;
    const context = this.context;
    const current = context.recordContext;
    const dirty = this.#cache.dirty;
    let stretch = STRETCH;
    try {
      for (let entry = dirty.first; entry !== null; entry = dirty.first) {
        dirty.remove(entry);
        context.recordContext = entry.context ?? current;
        this.#flush(entry);
        if (--stretch === 0) {
          if (deadline()) return dirty.first === null;
          stretch = STRETCH;
        }
      }
      return true;
    } finally {
      context.recordContext = current;
      this.#index.reset();
      this.#flushing = false;
    }
  }

  protected override attached(engine: Engine, environment?: StoreEnvironment): void {
    super.attached(engine);
    this.#cache = new RecordCache((environment as StoreEnvironment).cacheBudget);
    this.#index = new DirtyIndex(this.#cache.dirty, (entry) => keyId(this.#bytesOf(entry)));
  }

  protected override forget(): void {
    this.#cache.clear();
    this.#index.reset();
    this.#resident = null;
  }

  protected override scan(from: Buffer | null, to: Buffer | null, reverse: boolean, toExclusive = false): StoreIterator<[K, T]> {
    if (from !== null && to !== null && from.compare(to) > 0) return [][Symbol.iterator]();
    if (this.#cache.dirty.size === 0) return super.scan(from, to, reverse, toExclusive);
    return this.#index.merge<StoredRow, [K, T]>(
      this.table.scan(from, to, reverse, toExclusive),
      (row) => row.id,
      from === null ? null : keyId(from),
      to === null ? null : keyId(to),
      reverse,
      toExclusive,
      (entry) => (entry.value === null ? undefined : [entry.key, entry.value]),
      (row) => [this.keySerde.deserialize(this.topic, row.key), this.decode(row)],
    );
  }

  #load(cacheKey: unknown, key: K, bytes: Buffer | null): CacheEntry<K, T> {
    let value: T | null = null;
    let keyBytes = bytes;
    if (!this.#isResident()) {
      keyBytes ??= this.keySerde.serialize(this.topic, key);
      value = this.read(keyId(keyBytes), keyBytes);
    }
    const entry = new CacheEntry<K, T>(cacheKey, key, value, value);
    entry.keyBytes = keyBytes;
    this.#cache.add(entry, sizeOfKey(cacheKey));
    this.#evict(entry);
    return entry;
  }

  #flush(entry: CacheEntry<K, T>): void {
    const value = entry.value;
    const bytes = this.#bytesOf(entry);
    const id = typeof entry.cacheKey === 'string' && this.keySerde.primitive !== true ? entry.cacheKey : keyId(bytes);
    if (this.#listener === null) {
      this.write(id, bytes, value);
      entry.below = value;
      return;
    }
    let before: T | null = null;
    if (value === null || this.#sendOldValues) before = entry.below === UNKNOWN ? this.read(id, bytes) : entry.below;
    // Came and went within the interval: nobody below has heard of it.
    if (value === null && before === null) {
      entry.below = null;
      return;
    }
    this.write(id, bytes, value);
    entry.below = value;
    const context = this.context.recordContext;
    this.#listener(entry.key, this.codec.plain(value), this.#sendOldValues ? this.codec.plain(before) : null, this.codec.forwardTimestamp(value, context));
  }

  protected override write(id: string, bytes: Buffer, value: T | null): number {
    const size = super.write(id, bytes, value);
    this.#cache.valueSize.sample(size);
    return size;
  }

  #bytesOf(entry: CacheEntry<K, T>): Buffer {
    entry.keyBytes ??= this.keySerde.serialize(this.topic, entry.key);
    return entry.keyBytes;
  }

  #evict(keep: CacheEntry<K, T>): void {
    if (this.environment.cacheBudget.exceeded) this.#cache.evict(this.#flushUntilClean, keep, this.#evicted);
  }

  #isResident(): boolean {
    this.#resident ??= this.table.empty;
    return this.#resident;
  }
}

function sizeOfKey(cacheKey: unknown): number {
  return typeof cacheKey === 'string' ? cacheKey.length : 8;
}

import type { StoredRow } from '../buffer/buffered-table.ts';
import { keyId } from '../bytes.ts';
import { CacheEntry, RecordCache, UNKNOWN } from '../cache/record-cache.ts';
import { WriteBack } from '../cache/write-back.ts';
import type { CachedStateStore, FlushListener, StoreIterator } from '../contract/stores.ts';
import type { Engine } from '../engine/engine.ts';
import type { Deadline, StoreEnvironment } from '../task/managed-store.ts';
import { EngineKeyValueStore } from './key-value-store.ts';

/**
 * A key-value store with a record cache: puts stay in it as objects, and only the latest of a key is encoded, logged and forwarded, at a commit or when the cache is full.
 * Flushes go in the order of the last puts, as in Kafka Streams.
 */
export class CachingKeyValueStore<K, V, T> extends EngineKeyValueStore<K, V, T> implements CachedStateStore<K, V> {
  #cache!: RecordCache<K, T>;
  readonly #writeBack = new WriteBack<CacheEntry<K, T>, K, V>(this, (entry) => keyId(this.#bytesOf(entry)));
  /** True: the cache holds all there is, so a miss needs no read. Null: not known yet. */
  #resident: boolean | null = null;
  readonly #evicted = (): void => {
    this.#resident = false;
  };

  setFlushListener(listener: FlushListener<K, V>, sendOldValues: boolean): boolean {
    return this.#writeBack.listen(listener, sendOldValues);
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
    this.#writeBack.touch(entry);
    this.#evict(entry);
  }

  override get cacheDirty(): boolean {
    return this.#writeBack.dirty;
  }

  override flushCache(deadline: Deadline): boolean {
    return this.#writeBack.flush(this.context, deadline);
  }

  flushEntry(entry: CacheEntry<K, T>): void {
    const { listener, sendOldValues } = this.#writeBack;
    const value = entry.value;
    const bytes = this.#bytesOf(entry);
    const id = typeof entry.cacheKey === 'string' && this.keySerde.primitive !== true ? entry.cacheKey : keyId(bytes);
    if (listener === null) {
      this.write(id, bytes, value);
      entry.below = value;
      return;
    }
    let before: T | null = null;
    if (value === null || sendOldValues) before = entry.below === UNKNOWN ? this.read(id, bytes) : entry.below;
    // Came and went within the interval: nobody below has heard of it.
    if (value === null && before === null) {
      entry.below = null;
      return;
    }
    this.write(id, bytes, value);
    entry.below = value;
    const context = this.context.recordContext;
    listener(entry.key, this.codec.plain(value), sendOldValues ? this.codec.plain(before) : null, this.codec.forwardTimestamp(value, context));
  }

  protected override attached(engine: Engine, environment?: StoreEnvironment): void {
    super.attached(engine);
    this.#cache = new RecordCache((environment as StoreEnvironment).cacheBudget);
  }

  protected override forget(): void {
    this.#cache.clear();
    this.#writeBack.clear();
    this.#resident = null;
  }

  protected override scan(from: Buffer | null, to: Buffer | null, reverse: boolean, toExclusive = false): StoreIterator<[K, T]> {
    if (from !== null && to !== null && from.compare(to) > 0) return [][Symbol.iterator]();
    if (!this.#writeBack.dirty) return super.scan(from, to, reverse, toExclusive);
    return this.#writeBack.index.merge<StoredRow, [K, T]>(
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
    if (this.environment.cacheBudget.exceeded) this.#cache.evict(this.#writeBack.flushUntilClean, keep, this.#evicted);
  }

  #isResident(): boolean {
    this.#resident ??= this.table.empty;
    return this.#resident;
  }
}

function sizeOfKey(cacheKey: unknown): number {
  return typeof cacheKey === 'string' ? cacheKey.length : 8;
}

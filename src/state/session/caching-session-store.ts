import { NO_HEADERS } from '../../processor/headers.ts';
import { RecordContext } from '../../processor/record-context.ts';
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
import { baseKeyWithin } from '../window/window-key.ts';
import { SESSION_SUFFIX, sessionEndOf, sessionKey, sessionStartOf } from './session-key.ts';
import { EngineSessionStore } from './session-store.ts';

const NONE: readonly never[] = [];

/**
 * A session store with a record cache. A key's sessions are read from below once and are then complete in the cache until the key is evicted, so finding the sessions that a
 * record touches is a look at a short array.
 *
 * As in Kafka Streams, what is cached is seen past the retention too, and the store below is held to the retention as of the put: a put past it is logged and sent on, but counted
 * as dropped; a removal past it is neither, and says nothing of the old value. To keep what is seen from depending on evictions, the store below holds sessions for `slack` longer.
 * (A session older than that too may be seen for as long as it happens to be cached.)
 */
export class CachingSessionStore<K, V> extends EngineSessionStore<K, V> implements CachedStateStore<Windowed<K>, V> {
  #cache!: KeyedCache<K, V>;
  readonly #writeBack = new WriteBack<TimedEntry<K, V>, Windowed<K>, V>(this, (entry) =>
    this.#order(entry.time, sessionKey(this.#bytesOf(entry.group), entry.start, entry.time)),
  );
  readonly #end = (): number => this.table.end;

  setFlushListener(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean {
    return this.#writeBack.listen(listener, sendOldValues);
  }

  override put(session: Windowed<K>, aggregate: V | null): void {
    this.requireKey(session.key);
    const context = this.context.recordContext;
    const { start, end } = session.window;
    const group = this.#group(session.key);
    let entry = group.find(end, start);
    if (entry === undefined) {
      entry = new TimedEntry<K, V>(group, end, start, this.#cache.isMissing(group, end) ? null : UNKNOWN);
      this.#cache.insert(entry);
    }
    const table = this.table;
    entry.past = end < table.minLive ? table.pastness(end) : LIVE;
    if (aggregate === null && entry.below === UNKNOWN) entry.below = this.read(this.#bytesOf(group), start, end);
    if (aggregate === null && this.#writeBack.listener !== null && (entry.below === null || entry.past !== LIVE)) {
      // Merged into another before anybody below heard of it, or when it was past for them.
      if (entry.below !== null) this.#erase(entry);
      entry.value = null;
      this.#writeBack.remove(entry);
      this.#cache.remove(entry);
      return;
    }
    table.observe(end);
    entry.value = aggregate;
    entry.context = context;
    entry.used = true;
    this.#writeBack.touch(entry);
    this.#evict(group);
  }

  override remove(session: Windowed<K>): void {
    this.put(session, null);
  }

  override fetchSession(key: K, sessionStart: number, sessionEnd: number): V | null {
    this.requireKey(key);
    const group = this.#group(key);
    const entry = group.find(sessionEnd, sessionStart);
    if (entry !== undefined) {
      entry.used = true;
      return entry.value;
    }
    return sessionEnd < this.table.reach || this.#cache.isMissing(group, sessionEnd) ? null : this.read(this.#bytesOf(group), sessionStart, sessionEnd);
  }

  override get cacheDirty(): boolean {
    return this.#writeBack.dirty;
  }

  override flushCache(deadline: Deadline): boolean {
    return this.#writeBack.flush(this.context, deadline);
  }

  flushEntry(entry: TimedEntry<K, V>): void {
    const { listener, sendOldValues } = this.#writeBack;
    const { group, start, time, value } = entry;
    const bytes = this.#bytesOf(group);
    let before: V | null = null;
    // The retention is that of the put, not of now: an interval may hold hours of history. (Java's is that of the flush, so that what a replay leaves behind depends on its commits.)
    if (listener !== null && (value === null || sendOldValues) && entry.past === LIVE)
      before = entry.below === UNKNOWN ? this.read(bytes, start, time) : entry.below;
    if (listener === null || value !== null || before !== null) {
      this.#cache.valueSize.sample(this.write(bytes, start, time, value, entry.past === DROPPED));
      entry.below = value;
      if (this.sessions.headerless && listener !== null) this.#dropHeaders();
      listener?.({ key: group.key, window: { start, end: time } }, value, sendOldValues ? before : null, time);
    }
    // The group stays complete: below there is nothing now.
    if (entry.value === null && !entry.dirty) this.#cache.remove(entry);
  }

  protected override attached(engine: Engine, environment?: StoreEnvironment): void {
    super.attached(engine);
    this.#cache = new KeyedCache((environment as StoreEnvironment).cacheBudget);
  }

  protected override forget(): void {
    this.#cache.clear();
    this.#writeBack.clear();
  }

  protected override get slack(): number {
    return this.sessions.slack;
  }

  protected override findMany(
    keyFrom: K | null,
    keyTo: K | null,
    earliestEnd: number,
    latestEnd: number,
    latestStart: number,
    reverse: boolean,
  ): StoreIterator<[Windowed<K>, V]> {
    const low = keyFrom === null ? null : this.keySerde.serialize(this.topic, keyFrom);
    const high = keyTo === null ? null : this.keySerde.serialize(this.topic, keyTo);
    if (latestEnd < earliestEnd || (low !== null && high !== null && low.compare(high) > 0)) return [][Symbol.iterator]();
    return this.scanMany(low, high, earliestEnd, latestEnd, latestStart, reverse);
  }

  protected override findOfKey(key: K, earliestEnd: number, latestStart: number, reverse: boolean): StoreIterator<[Windowed<K>, V]> {
    this.requireKey(key);
    const group = this.#group(key);
    if (!group.complete) this.#complete(group);
    const found: [Windowed<K>, V][] = [];
    const entries = group.entries;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as TimedEntry<K, V>;
      if (entry.time < earliestEnd || entry.start > latestStart) continue;
      entry.used = true;
      if (entry.value !== null) found.push([{ key: group.key, window: { start: entry.start, end: entry.time } }, entry.value]);
    }
    this.#evict(group);
    if (reverse) found.reverse();
    return found[Symbol.iterator]();
  }

  protected override scanMany(
    low: Buffer | null,
    high: Buffer | null,
    firstEnd: number,
    lastEnd: number,
    latestStart: number,
    reverse: boolean,
  ): StoreIterator<[Windowed<K>, V]> {
    const { reach } = this.table;
    const firstBelow = Math.max(firstEnd, reach);
    const past = firstEnd < reach ? this.#cache.cleanBefore(reach) : NONE;
    if (!this.#writeBack.dirty && past.length === 0) return super.scanMany(low, high, firstBelow, lastEnd, latestStart, reverse);
    return this.#writeBack.index.merge<StoredRow, [Windowed<K>, V]>(
      this.rows(low, high, firstBelow, lastEnd, latestStart, reverse),
      (row) => this.#order(sessionEndOf(row.key), row.key),
      null,
      null,
      reverse,
      false,
      ({ group, time, start, value }) => {
        if (value === null || time < firstEnd || time > lastEnd || start > latestStart || !baseKeyWithin(this.#bytesOf(group), 0, low, high)) return undefined;
        return [{ key: group.key, window: { start, end: time } }, value];
      },
      (row) => [this.windowed(row), this.decode(row)],
      past,
    );
  }

  /** Deletes a session below that is past, without a word to the changelog. */
  #erase({ group, start, time }: TimedEntry<K, V>): void {
    const bytes = sessionKey(this.#bytesOf(group), start, time);
    this.table.put(time, keyId(bytes), bytes, null, 0, undefined);
  }

  #dropHeaders(): void {
    const { topic, partition, offset, timestamp, headers, hasRecord } = this.context.recordContext;
    if (headers.length > 0) this.context.recordContext = new RecordContext(topic, partition, offset, timestamp, NO_HEADERS, hasRecord);
  }

  #complete(group: KeyGroup<K, V>): void {
    for (const row of this.rowsOfKey(this.#bytesOf(group), 0, Number.POSITIVE_INFINITY, false)) {
      const start = sessionStartOf(row.key);
      const end = sessionEndOf(row.key);
      const known = group.find(end, start);
      if (known !== undefined) {
        if (known.below === UNKNOWN) known.below = this.decode(row);
        continue;
      }
      const value = this.decode(row);
      const entry = new TimedEntry<K, V>(group, end, start, value);
      entry.value = value;
      this.#cache.insert(entry);
    }
    group.complete = true;
  }

  #group(key: K): KeyGroup<K, V> {
    const bytes = this.keySerde.primitive === true ? null : this.keySerde.serialize(this.topic, key);
    const cacheKey = bytes === null ? key : keyId(bytes);
    return this.#cache.get(cacheKey) ?? this.#cache.create(cacheKey, key, bytes, this.#end);
  }

  #bytesOf(group: KeyGroup<K, V>): Buffer {
    group.keyBytes ??= this.keySerde.serialize(this.topic, group.key);
    return group.keyBytes;
  }

  /** A string in the order in which the store below reads many keys. */
  #order(time: number, bytes: Buffer): string {
    const id = keyId(bytes);
    if (this.sessions.timeOrdered) return id.slice(id.length - SESSION_SUFFIX) + id;
    return String(Math.floor(time / this.table.interval)).padStart(17, '0') + id;
  }

  #evict(keep: KeyGroup<K, V>): void {
    if (this.#cache.exceeded) {
      this.#cache.prune(keep, this.table.reach);
      this.#cache.evict(this.#writeBack.flushUntilClean, keep);
    }
  }
}

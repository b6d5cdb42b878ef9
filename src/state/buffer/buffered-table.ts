import { keyId } from '../bytes.ts';
import type { EngineTable } from '../engine/engine.ts';
import { compareIds, SortedCursor } from '../engine/sorted-map.ts';
import { type BufferedWrite, WriteLayer } from './write-layer.ts';

/** What a read finds: a committed row, or a buffered write that is not a deletion. */
export interface StoredValue {
  readonly value: Buffer;
  readonly timestamp: number;
  object: unknown;
}

export interface StoredRow extends StoredValue {
  readonly id: string;
  readonly key: Buffer;
}

type LayerCursor = SortedCursor<BufferedWrite>;

/** Rows fetched from the engine at a time; small first, since many iterations end early. */
const FIRST_PAGE = 16;
const PAGE = 512;

/**
 * An engine's table under a write-back buffer. Writes go to the active layer; `freeze` sets it aside for the commit under way, and there may be several frozen ones.
 * Reads see the active layer, then the frozen ones from new to old, then the engine.
 */
export class BufferedTable {
  readonly engineTable: EngineTable;
  #active: WriteLayer | null = null;
  /** Oldest first. */
  readonly #frozen: WriteLayer[] = [];

  constructor(engineTable: EngineTable) {
    this.engineTable = engineTable;
  }

  get dirty(): boolean {
    return this.#active !== null;
  }

  /** Bytes in the active layer. */
  get activeBytes(): number {
    return this.#active === null ? 0 : this.#active.bytes;
  }

  /** True when it certainly holds nothing. */
  get empty(): boolean {
    return this.#active === null && this.#frozen.length === 0 && this.engineTable.empty;
  }

  get(id: string, key: Buffer): StoredValue | null {
    if (this.#active !== null) {
      const write = this.#active.get(id);
      if (write !== undefined) return write.value === null ? null : (write as StoredValue);
    }
    for (let i = this.#frozen.length - 1; i >= 0; i--) {
      const write = (this.#frozen[i] as WriteLayer).get(id);
      if (write !== undefined) return write.value === null ? null : (write as StoredValue);
    }
    return this.engineTable.empty ? null : this.engineTable.get(id, key);
  }

  put(id: string, key: Buffer, value: Buffer | null, timestamp: number, object: unknown): void {
    this.#active ??= new WriteLayer();
    this.#active.write(id, key, value, timestamp, object);
  }

  /** Null when nothing was written since the last one. */
  freeze(): WriteLayer | null {
    const layer = this.#active;
    if (layer === null) return null;
    this.#active = null;
    this.#frozen.push(layer);
    return layer;
  }

  /** The frozen layer is in the engine now, or (after an abort) is to be forgotten. */
  release(layer: WriteLayer): void {
    const at = this.#frozen.indexOf(layer);
    if (at >= 0) this.#frozen.splice(at, 1);
  }

  /** Forget what was written since the last freeze. */
  discardActive(): void {
    this.#active = null;
  }

  /**
   * Rows with keys within [from, to] (null: open; `toExclusive` leaves `to` out), in the order of their bytes. Keys added after this call are not seen, changes and deletions are.
   */
  scan(from: Buffer | null, to: Buffer | null, reverse: boolean, toExclusive = false): IterableIterator<StoredRow> {
    const low = from === null ? null : keyId(from);
    const high = to === null ? null : keyId(to);
    const layers: LayerCursor[] = [];
    if (this.#active !== null) layers.push(new SortedCursor(this.#active, low, high, reverse, toExclusive));
    for (let i = this.#frozen.length - 1; i >= 0; i--) layers.push(new SortedCursor(this.#frozen[i] as WriteLayer, low, high, reverse, toExclusive));
    return merge(layers, new EngineCursor(this.engineTable, from, to, reverse, toExclusive), reverse);
  }

  /** Adds to `into` the latest buffered writes of one base key whose ids lie within [low, high], deletions included. */
  bufferedOfBase(baseId: string, suffix: number, low: string, high: string, into: Map<string, BufferedWrite>): void {
    for (const layer of this.#frozen) for (const write of layer.ofBase(baseId, suffix)) if (write.id >= low && write.id <= high) into.set(write.id, write);
    if (this.#active !== null) for (const write of this.#active.ofBase(baseId, suffix)) if (write.id >= low && write.id <= high) into.set(write.id, write);
  }

  /** Whether there are writes that the engine does not have. */
  get buffering(): boolean {
    return this.#active !== null || this.#frozen.length > 0;
  }

  /** Rows whose key ends in bytes within [from, to], in the order of (those bytes, key). */
  scanBySuffix(from: Buffer, to: Buffer): IterableIterator<StoredRow> {
    const low = keyId(from);
    const high = keyId(to);
    const latest = new Map<string, BufferedWrite>();
    for (const layer of this.#active === null ? this.#frozen : [...this.#frozen, this.#active]) {
      for (const write of layer.values()) {
        const suffix = write.id.slice(write.id.length - from.length);
        if (suffix >= low && suffix <= high) latest.set(write.id, write);
      }
    }
    const order = (id: string): string => id.slice(id.length - from.length) + id;
    const buffered = [...latest.values()].sort((a, b) => compareIds(order(a.id), order(b.id)));
    return mergeBySuffix(buffered, this.engineTable, from, to, order);
  }

  /** Number of rows; asks the engine for each buffered key, so it is for people, not for the record path. */
  count(): number {
    let count = this.engineTable.count();
    const seen = new Set<string>();
    for (const layer of [...(this.#active === null ? [] : [this.#active]), ...[...this.#frozen].reverse()]) {
      for (const write of layer.values()) {
        if (seen.has(write.id)) continue;
        seen.add(write.id);
        const committed = this.engineTable.get(write.id, write.key) !== null;
        if (committed && write.value === null) count--;
        else if (!committed && write.value !== null) count++;
      }
    }
    return count;
  }
}

/** Walks the engine's table in pages: an open SQLite iterator would block all writes. */
class EngineCursor {
  readonly #table: EngineTable;
  readonly #reverse: boolean;
  #from: Buffer | null;
  #to: Buffer | null;
  #fromExclusive = false;
  #toExclusive: boolean;
  #page: StoredRow[] = [];
  #position = 0;
  #limit = FIRST_PAGE;
  #last = false;
  current: StoredRow | undefined;

  constructor(table: EngineTable, from: Buffer | null, to: Buffer | null, reverse: boolean, toExclusive: boolean) {
    this.#table = table;
    this.#from = from;
    this.#to = to;
    this.#reverse = reverse;
    this.#toExclusive = toExclusive;
    this.#last = table.empty;
    this.advance();
  }

  advance(): void {
    if (this.#position >= this.#page.length) {
      if (this.#last) {
        this.current = undefined;
        return;
      }
      this.#fetch();
    }
    this.current = this.#page[this.#position++];
  }

  #fetch(): void {
    const rows = this.#table.page({
      from: this.#from,
      fromExclusive: this.#fromExclusive,
      to: this.#to,
      toExclusive: this.#toExclusive,
      reverse: this.#reverse,
      limit: this.#limit,
    });
    this.#last = rows.length < this.#limit;
    this.#limit = PAGE;
    const end = rows[rows.length - 1];
    if (end !== undefined) {
      if (this.#reverse) {
        this.#to = end.key;
        this.#toExclusive = true;
      } else {
        this.#from = end.key;
        this.#fromExclusive = true;
      }
    }
    this.#page = rows.map((row) => ({ id: keyId(row.key), key: row.key, value: row.value, timestamp: row.timestamp, object: row.object }));
    this.#position = 0;
  }
}

function* merge(layers: LayerCursor[], engine: EngineCursor, reverse: boolean): IterableIterator<StoredRow> {
  for (;;) {
    let next: string | undefined;
    for (const layer of layers) {
      const id = layer.current?.id;
      if (id !== undefined && (next === undefined || (reverse ? id > next : id < next))) next = id;
    }
    const engineId = engine.current?.id;
    if (engineId !== undefined && (next === undefined || (reverse ? engineId > next : engineId < next))) next = engineId;
    if (next === undefined) return;
    // The newest layer that has the key decides; all that have it move on.
    let found: StoredRow | null | undefined;
    for (const layer of layers) {
      const write = layer.current;
      if (write?.id !== next) continue;
      if (found === undefined) found = write.value === null ? null : (write as StoredRow);
      layer.advance();
    }
    if (engineId === next) {
      if (found === undefined) found = engine.current as StoredRow;
      engine.advance();
    }
    if (found) yield found;
  }
}

function* mergeBySuffix(buffered: BufferedWrite[], table: EngineTable, from: Buffer, to: Buffer, order: (id: string) => string): IterableIterator<StoredRow> {
  let position = 0;
  let after: Buffer | null = null;
  let limit = FIRST_PAGE;
  for (;;) {
    const rows: readonly { key: Buffer; value: Buffer; timestamp: number; object: unknown }[] = table.empty ? [] : table.pageBySuffix(from, to, after, limit);
    for (const row of rows) {
      const id = keyId(row.key);
      const place = order(id);
      while (position < buffered.length && order((buffered[position] as BufferedWrite).id) < place) {
        const write = buffered[position++] as BufferedWrite;
        if (write.value !== null) yield write as StoredRow;
      }
      const write = buffered[position];
      if (write?.id === id) {
        position++;
        if (write.value !== null) yield write as StoredRow;
      } else {
        yield { id, key: row.key, value: row.value, timestamp: row.timestamp, object: row.object };
      }
      after = row.key;
    }
    if (rows.length < limit) break;
    limit = PAGE;
  }
  for (; position < buffered.length; position++) {
    const write = buffered[position] as BufferedWrite;
    if (write.value !== null) yield write as StoredRow;
  }
}

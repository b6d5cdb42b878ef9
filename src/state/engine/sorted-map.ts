/** What a {@link SortedMap} holds: `id` is the key's bytes as a string, `born` the map's clock when it was added. */
export interface SortedEntry {
  readonly id: string;
  born: number;
}

const CHUNK = 512;

/**
 * A map from key bytes (as strings of one unit a byte) to entries, which can also be walked in order.
 * The order costs nothing until somebody asks for it: it is built then, and kept up by later inserts.
 * The index is a list of sorted chunks of at most {@link CHUNK} ids, so an insert moves few elements and a search is two binary ones.
 */
export class SortedMap<E extends SortedEntry> {
  readonly #entries = new Map<string, E>();
  #chunks: string[][] | null = null;
  #clock = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Entries added from now on have a `born` above this. */
  get clock(): number {
    return this.#clock;
  }

  get(id: string): E | undefined {
    return this.#entries.get(id);
  }

  /** Adds, or replaces the entry of the same id (which then counts as old as the one it replaces). */
  set(entry: E): void {
    const entries = this.#entries;
    const before = entries.get(entry.id);
    if (before === undefined) {
      entry.born = ++this.#clock;
      if (this.#chunks !== null) this.#insert(this.#chunks, entry.id);
    } else {
      entry.born = before.born;
    }
    entries.set(entry.id, entry);
  }

  delete(id: string): boolean {
    if (!this.#entries.delete(id)) return false;
    if (this.#chunks !== null) this.#remove(this.#chunks, id);
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#chunks = null;
  }

  /** In no particular order. */
  values(): IterableIterator<E> {
    return this.#entries.values();
  }

  /** The entry with the lowest id above `id` (or equal, if `inclusive`). Null `id`: the first. */
  after(id: string | null, inclusive: boolean): E | undefined {
    const chunks = this.#index();
    if (id === null) return this.#at(chunks, 0, 0);
    const chunk = chunkOf(chunks, id);
    const list = chunks[chunk];
    if (list === undefined) return undefined;
    let position = lowerBound(list, id);
    if (!inclusive && list[position] === id) position++;
    return position < list.length ? this.#at(chunks, chunk, position) : this.#at(chunks, chunk + 1, 0);
  }

  /** The entry with the highest id below `id` (or equal, if `inclusive`). Null `id`: the last. */
  before(id: string | null, inclusive: boolean): E | undefined {
    const chunks = this.#index();
    if (id === null) {
      const last = chunks[chunks.length - 1];
      return last === undefined ? undefined : this.#at(chunks, chunks.length - 1, last.length - 1);
    }
    let chunk = chunkOf(chunks, id);
    const list = chunks[chunk];
    let position = list === undefined ? 0 : lowerBound(list, id);
    if (inclusive && list !== undefined && list[position] === id) return this.#at(chunks, chunk, position);
    if (position === 0) {
      chunk--;
      const previous = chunks[chunk];
      if (previous === undefined) return undefined;
      position = previous.length;
    }
    return this.#at(chunks, chunk, position - 1);
  }

  #at(chunks: string[][], chunk: number, position: number): E | undefined {
    const id = chunks[chunk]?.[position];
    return id === undefined ? undefined : this.#entries.get(id);
  }

  #index(): string[][] {
    if (this.#chunks !== null) return this.#chunks;
    const ids = [...this.#entries.keys()].sort(compareIds);
    const chunks: string[][] = [];
    // Half full, so that the first inserts do not split every chunk.
    for (let i = 0; i < ids.length; i += CHUNK / 2) chunks.push(ids.slice(i, i + CHUNK / 2));
    this.#chunks = chunks;
    return chunks;
  }

  #insert(chunks: string[][], id: string): void {
    if (chunks.length === 0) {
      chunks.push([id]);
      return;
    }
    const at = Math.min(chunkOf(chunks, id), chunks.length - 1);
    const list = chunks[at] as string[];
    list.splice(lowerBound(list, id), 0, id);
    if (list.length > CHUNK) chunks.splice(at + 1, 0, list.splice(CHUNK / 2));
  }

  #remove(chunks: string[][], id: string): void {
    const at = chunkOf(chunks, id);
    const list = chunks[at] as string[];
    list.splice(lowerBound(list, id), 1);
    if (list.length === 0) chunks.splice(at, 1);
  }
}

/** Walks a range of a map in order, from key to key, so that changes meanwhile do no harm. Entries added after its making are not seen: a loop that adds keys as it reads ends. */
export class SortedCursor<E extends SortedEntry> {
  readonly #map: SortedMap<E>;
  readonly #reverse: boolean;
  readonly #end: string | null;
  readonly #endExclusive: boolean;
  readonly #clock: number;
  current: E | undefined;

  /** From `low` to `high`, null for an open end; `highExclusive` leaves `high` out. */
  constructor(map: SortedMap<E>, low: string | null, high: string | null, reverse: boolean, highExclusive = false) {
    this.#map = map;
    this.#reverse = reverse;
    this.#clock = map.clock;
    this.#end = reverse ? low : high;
    this.#endExclusive = !reverse && highExclusive;
    this.current = this.#accept(reverse ? map.before(high, !highExclusive) : map.after(low, true));
  }

  advance(): void {
    const id = (this.current as E).id;
    this.current = this.#accept(this.#reverse ? this.#map.before(id, false) : this.#map.after(id, false));
  }

  #accept(candidate: E | undefined): E | undefined {
    let entry = candidate;
    while (entry !== undefined && entry.born > this.#clock) entry = this.#reverse ? this.#map.before(entry.id, false) : this.#map.after(entry.id, false);
    if (entry === undefined || this.#end === null) return entry;
    if (this.#reverse ? entry.id < this.#end : entry.id > this.#end || (this.#endExclusive && entry.id === this.#end)) return undefined;
    return entry;
  }
}

/** Order of the bytes: UTF-16 units up to 0xff. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Index of the first chunk whose last id is not below `id`; the number of chunks when there is none. */
function chunkOf(chunks: string[][], id: string): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const list = chunks[middle] as string[];
    if ((list[list.length - 1] as string) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBound(list: string[], id: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as string) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

import { SortedCursor, type SortedEntry, SortedMap } from '../engine/sorted-map.ts';
import type { DirtyList, Linked } from './dirty-list.ts';

class DirtyReference<E> implements SortedEntry {
  readonly id: string;
  readonly entry: E;
  born = 0;

  constructor(id: string, entry: E) {
    this.id = id;
    this.entry = entry;
  }
}

/**
 * The dirty entries of a cache in the order of the store below, for range reads: what is clean is equal below. Built at the first range read
 * after a flush, and kept up until the next; stores that are not read by range never pay for it.
 */
export class DirtyIndex<E extends Linked<E>> {
  readonly #list: DirtyList<E>;
  readonly #idOf: (entry: E) => string;
  #map: SortedMap<DirtyReference<E>> | null = null;

  /** `idOf`: a string in the order of the store below. */
  constructor(list: DirtyList<E>, idOf: (entry: E) => string) {
    this.#list = list;
    this.#idOf = idOf;
  }

  /** An entry has become dirty. */
  add(entry: E): void {
    if (this.#map !== null) this.#map.set(new DirtyReference(this.#idOf(entry), entry));
  }

  /** Entries were flushed. */
  reset(): void {
    this.#map = null;
  }

  /**
   * Rows of the store below with the dirty entries (and some `clean` ones, which it may lack) from `low` to `high` in their places: `take` makes a result of an entry (undefined: deleted, or not wanted), `below` of a row.
   */
  merge<R, X>(
    rows: Iterator<R>,
    idOfRow: (row: R) => string,
    low: string | null,
    high: string | null,
    reverse: boolean,
    highExclusive: boolean,
    take: (entry: E) => X | undefined,
    below: (row: R) => X,
    clean: readonly E[] = [],
  ): IterableIterator<X> {
    let map = clean.length === 0 ? this.#map : null;
    if (map === null) {
      map = new SortedMap<DirtyReference<E>>();
      for (let entry = this.#list.first; entry !== null; entry = entry.next) map.set(new DirtyReference(this.#idOf(entry), entry));
      if (clean.length === 0) this.#map = map;
      else for (const entry of clean) map.set(new DirtyReference(this.#idOf(entry), entry));
    }
    return merged(new SortedCursor(map, low, high, reverse, highExclusive), rows, idOfRow, reverse, take, below);
  }
}

function* merged<E, R, X>(
  dirty: SortedCursor<DirtyReference<E>>,
  rows: Iterator<R>,
  idOfRow: (row: R) => string,
  reverse: boolean,
  take: (entry: E) => X | undefined,
  below: (row: R) => X,
): IterableIterator<X> {
  let row = rows.next();
  for (;;) {
    const reference = dirty.current;
    const id = row.done ? undefined : idOfRow(row.value);
    if (reference !== undefined && (id === undefined || (reverse ? reference.id >= id : reference.id <= id))) {
      if (id === reference.id) row = rows.next();
      dirty.advance();
      const result = take(reference.entry);
      if (result !== undefined) yield result;
    } else if (!row.done) {
      const result = below(row.value);
      row = rows.next();
      yield result;
    } else {
      return;
    }
  }
}

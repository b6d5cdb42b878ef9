export type Linked<E> = { next: E | null; previous: E | null; dirty: boolean };

/** Dirty entries in the order of their last put: a doubly linked list through the entries, so that moving one to the end allocates nothing. */
export class DirtyList<E extends Linked<E>> {
  first: E | null = null;
  #last: E | null = null;
  size = 0;

  /** Adds it, or moves it to the end. */
  touch(entry: E): void {
    if (entry.dirty) {
      if (this.#last === entry) return;
      this.#unlink(entry);
    } else {
      entry.dirty = true;
      this.size++;
    }
    entry.previous = this.#last;
    if (this.#last === null) this.first = entry;
    else this.#last.next = entry;
    this.#last = entry;
  }

  remove(entry: E): void {
    if (!entry.dirty) return;
    this.#unlink(entry);
    entry.dirty = false;
    this.size--;
  }

  /** Its entries are dirty no more. */
  clear(): void {
    for (let entry = this.first; entry !== null; entry = this.first) this.remove(entry);
  }

  #unlink(entry: E): void {
    if (entry.previous === null) this.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.next = entry.previous = null;
  }
}

/** Slots of taken elements are given back when there are this many. */
const COMPACT_AT = 512;

/** First in, first out, in constant time however long it is. */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private first = 0;

  get length(): number {
    return this.items.length - this.first;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** Undefined when it is empty. */
  shift(): T | undefined {
    const item = this.items[this.first];
    if (this.first === this.items.length) return undefined;
    this.items[this.first++] = undefined;
    if (this.first === this.items.length) {
      this.clear();
    } else if (this.first >= COMPACT_AT && this.first * 2 >= this.items.length) {
      this.items.splice(0, this.first);
      this.first = 0;
    }
    return item;
  }

  clear(): void {
    this.items = [];
    this.first = 0;
  }
}

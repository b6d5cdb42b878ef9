/** An element of a {@link BinaryHeap}. Its key must not change while it is in a heap. */
export interface HeapElement {
  readonly heapKey: number;
}

/**
 * A binary min-heap by `heapKey`. Elements with equal keys leave in the order in which the sift operations of `java.util.PriorityQueue` leave
 * them: the order in which Kafka Streams takes records with equal timestamps from several partitions depends on it.
 */
export class BinaryHeap<T extends HeapElement> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    const items = this.items;
    let at = items.length;
    while (at > 0) {
      const parentAt = (at - 1) >>> 1;
      const parent = items[parentAt] as T;
      if (item.heapKey >= parent.heapKey) break;
      items[at] = parent;
      at = parentAt;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    const size = items.length;
    const half = size >>> 1;
    let at = 0;
    while (at < half) {
      let childAt = 2 * at + 1;
      const rightAt = childAt + 1;
      if (rightAt < size && (items[childAt] as T).heapKey > (items[rightAt] as T).heapKey) childAt = rightAt;
      const child = items[childAt] as T;
      if (last.heapKey <= child.heapKey) break;
      items[at] = child;
      at = childAt;
    }
    items[at] = last;
    return top;
  }

  clear(): void {
    this.items.length = 0;
  }
}

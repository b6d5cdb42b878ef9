/*
 * `describe()` of Kafka Streams prints sets in the iteration order of java.util.HashSet and java.util.TreeSet. Both orders are facts of
 * the Java platform (String.hashCode, HashMap's table and TreeMap's insertion), reproduced here so that the text is equal to the byte.
 */

function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash ^ (hash >>> 16);
}

function inTableOrder(items: readonly string[], capacity: number): string[] {
  const buckets = new Map<number, string[]>();
  for (const item of items) {
    const index = javaHash(item) & (capacity - 1);
    const bucket = buckets.get(index);
    if (bucket === undefined) buckets.set(index, [item]);
    else bucket.push(item);
  }
  return [...buckets.entries()].sort((a, b) => a[0] - b[0]).flatMap(([, bucket]) => bucket);
}

/** Iteration order of a HashSet or HashMap to which `items` (distinct) were added one by one. */
export function hashSetOrder(items: readonly string[]): string[] {
  let capacity = 16;
  while (items.length > capacity * 0.75) capacity *= 2;
  return inTableOrder(items, capacity);
}

/** Iteration order of `new HashSet<>(items)`, whose table is sized in advance. */
export function copiedHashSetOrder(items: readonly string[]): string[] {
  const wanted = Math.max(Math.trunc(items.length / 0.75) + 1, 16);
  let capacity = 16;
  while (capacity < wanted) capacity *= 2;
  return inTableOrder(items, capacity);
}

interface TreeNode<T> {
  readonly value: T;
  red: boolean;
  left: TreeNode<T> | undefined;
  right: TreeNode<T> | undefined;
  parent: TreeNode<T> | undefined;
}

/**
 * Insert-only red-black tree with the insertion of java.util.TreeMap (CLRS, "Introduction to Algorithms", chapter 13). The shape matters because
 * describe()'s comparator reads sizes that change between insertions: where an element ends depends on which elements it was compared with.
 */
export class JavaTreeSet<T> {
  readonly #compare: (a: T, b: T) => number;
  #root: TreeNode<T> | undefined;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  add(value: T): void {
    let parent: TreeNode<T> | undefined;
    let order = 0;
    for (let at = this.#root; at !== undefined; at = order < 0 ? at.left : at.right) {
      parent = at;
      order = this.#compare(value, at.value);
      if (order === 0) return;
    }
    const node: TreeNode<T> = { value, red: true, left: undefined, right: undefined, parent };
    if (parent === undefined) this.#root = node;
    else if (order < 0) parent.left = node;
    else parent.right = node;
    this.#rebalance(node);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    const path: TreeNode<T>[] = [];
    let at = this.#root;
    while (at !== undefined || path.length > 0) {
      while (at !== undefined) {
        path.push(at);
        at = at.left;
      }
      const node = path.pop() as TreeNode<T>;
      yield node.value;
      at = node.right;
    }
  }

  #rebalance(inserted: TreeNode<T>): void {
    let node = inserted;
    while (node.parent?.red === true) {
      const parent = node.parent;
      const grandparent = parent.parent as TreeNode<T>;
      const parentIsLeft = parent === grandparent.left;
      const uncle = parentIsLeft ? grandparent.right : grandparent.left;
      if (uncle?.red === true) {
        parent.red = false;
        uncle.red = false;
        grandparent.red = true;
        node = grandparent;
        continue;
      }
      const inner = parentIsLeft ? node === parent.right : node === parent.left;
      if (inner) {
        node = parent;
        this.#rotate(node, parentIsLeft);
      }
      (node.parent as TreeNode<T>).red = false;
      grandparent.red = true;
      this.#rotate(grandparent, !parentIsLeft);
    }
    (this.#root as TreeNode<T>).red = false;
  }

  #rotate(node: TreeNode<T>, toLeft: boolean): void {
    const child = (toLeft ? node.right : node.left) as TreeNode<T>;
    const moved = toLeft ? child.left : child.right;
    if (toLeft) node.right = moved;
    else node.left = moved;
    if (moved !== undefined) moved.parent = node;
    child.parent = node.parent;
    if (node.parent === undefined) this.#root = child;
    else if (node.parent.left === node) node.parent.left = child;
    else node.parent.right = child;
    if (toLeft) child.left = node;
    else child.right = node;
    node.parent = child;
  }
}

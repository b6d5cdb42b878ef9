import { type LogicalNode, plainNode } from './logical-node.ts';

/**
 * Edges between logical nodes, and the order in which nodes are lowered. Children and parents keep the order in which they were linked: it decides the order
 * in which records are forwarded.
 */
export class LogicalGraph {
  readonly root: LogicalNode;
  readonly #children = new Map<LogicalNode, Set<LogicalNode>>();
  readonly #parents = new Map<LogicalNode, Set<LogicalNode>>();
  readonly #priorities = new Map<LogicalNode, number>();

  constructor(root: LogicalNode = plainNode({ name: 'root', lower: () => {} })) {
    this.root = root;
  }

  children(node: LogicalNode): LogicalNode[] {
    return [...(this.#children.get(node) ?? [])];
  }

  parents(node: LogicalNode): LogicalNode[] {
    return [...(this.#parents.get(node) ?? [])];
  }

  link(parent: LogicalNode, child: LogicalNode): void {
    setOf(this.#children, parent).add(child);
    setOf(this.#parents, child).add(parent);
  }

  unlink(parent: LogicalNode, child: LogicalNode): void {
    this.#children.get(parent)?.delete(child);
    this.#parents.get(child)?.delete(parent);
  }

  priority(node: LogicalNode): number {
    return this.#priorities.get(node) ?? -1;
  }

  setPriority(node: LogicalNode, priority: number): void {
    this.#priorities.set(node, priority);
  }

  /** A copy that optimisations may change. The nodes are the same. */
  copy(): LogicalGraph {
    const copy = new LogicalGraph(this.root);
    for (const [node, children] of this.#children) copy.#children.set(node, new Set(children));
    for (const [node, parents] of this.#parents) copy.#parents.set(node, new Set(parents));
    for (const [node, priority] of this.#priorities) copy.#priorities.set(node, priority);
    return copy;
  }
}

function setOf(map: Map<LogicalNode, Set<LogicalNode>>, node: LogicalNode): Set<LogicalNode> {
  let set = map.get(node);
  if (set === undefined) {
    set = new Set();
    map.set(node, set);
  }
  return set;
}

/** Disjoint sets of node names (union-find with path halving): nodes that share an edge or a store are one sub-topology. */
export class NodeGroups {
  readonly #parents = new Map<string, string>();

  add(name: string): void {
    if (!this.#parents.has(name)) this.#parents.set(name, name);
  }

  unite(first: string, second: string): void {
    this.#parents.set(this.#root(second), this.#root(first));
  }

  /** Groups numbered in the order in which their first node was added; nodes in the order they were added. */
  groups(): string[][] {
    const byRoot = new Map<string, string[]>();
    for (const name of this.#parents.keys()) {
      const root = this.#root(name);
      const group = byRoot.get(root);
      if (group === undefined) byRoot.set(root, [name]);
      else group.push(name);
    }
    return [...byRoot.values()];
  }

  #root(name: string): string {
    let at = name;
    for (;;) {
      const parent = this.#parents.get(at) as string;
      if (parent === at) return at;
      this.#parents.set(at, this.#parents.get(parent) as string);
      at = parent;
    }
  }
}

import type { LogicalGraph } from '../logical-graph.ts';
import type { LogicalNode } from '../logical-node.ts';

/** Repartitions that may drop null keys: all but those upstream of a left or outer join, which sends such records on (KIP-962). */
export function findNullKeyFilters(graph: LogicalGraph): ReadonlySet<LogicalNode> {
  const keeps = new Map<LogicalNode, boolean>();
  const leadsToJoin = (node: LogicalNode): boolean => {
    const known = keeps.get(node);
    if (known !== undefined) return known;
    keeps.set(node, false);
    let result = false;
    for (const child of graph.children(node)) if (leadsToJoin(child) || child.nullKeysJoin === true) result = true;
    keeps.set(node, result);
    return result;
  };
  leadsToJoin(graph.root);
  return new Set([...keeps].filter(([node, keep]) => node.kind === 'repartition' && !keep).map(([node]) => node));
}

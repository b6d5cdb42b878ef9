import type { LogicalGraph } from '../logical-graph.ts';
import type { LogicalNode } from '../logical-node.ts';
import type { StreamJoinNode } from '../nodes/stream-join-node.ts';

/**
 * `single.store.self.join`: joins of a stream with itself keep one window store; the node that fills the other one goes.
 * Left and outer joins too: a record always finds itself as its partner.
 */
export function rewriteSelfJoins(graph: LogicalGraph): ReadonlySet<LogicalNode> {
  const selfJoins = new Set<LogicalNode>();
  const visited = new Set<LogicalNode>();
  const visit = (node: LogicalNode): void => {
    visited.add(node);
    if (node.kind === 'stream-join' && rewrite(graph, node)) selfJoins.add(node);
    for (const child of graph.children(node)) if (!visited.has(child)) visit(child);
  };
  visit(graph.root);
  return selfJoins;
}

function rewrite(graph: LogicalGraph, join: StreamJoinNode): boolean {
  const [parent, ...others] = graph.parents(join);
  if (parent === undefined || others.length > 0) return false;
  const other = graph.children(parent).find((child) => child.name === join.otherWindowed);
  if (other === undefined) return false;
  graph.unlink(parent, other);
  return true;
}

import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode } from './logical-node.ts';

/** The nearest node upstream (or the start itself) that matches; where a node has several parents, the first branch that has one. */
export function findUpstream(graph: LogicalGraph, start: LogicalNode, matches: (node: LogicalNode) => boolean): LogicalNode | undefined {
  if (matches(start)) return start;
  for (const parent of graph.parents(start)) {
    const found = findUpstream(graph, parent, matches);
    if (found !== undefined) return found;
  }
  return undefined;
}

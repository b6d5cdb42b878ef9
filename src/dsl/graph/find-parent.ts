import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode } from './logical-node.ts';

/**
 * The nearest node upstream (or the start itself) that matches. Where a node has several parents the last one's branch decides, unless a parent itself matches:
 * as in Kafka Streams, whose results depend on it.
 */
export function findUpstream(graph: LogicalGraph, start: LogicalNode, matches: (node: LogicalNode) => boolean): LogicalNode | undefined {
  if (matches(start)) return start;
  let found: LogicalNode | undefined;
  for (const parent of graph.parents(start)) {
    if (matches(parent)) return parent;
    found = findUpstream(graph, parent, matches);
  }
  return found;
}

import { PhysicalTopology } from '../../topology/physical-topology.ts';
import type { ResolvedTopologyConfig } from '../build-config.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode } from './logical-node.ts';

/** Writes a graph into a physical topology: always the node with the lowest priority of those whose parents are written. */
export function lowerGraph(
  graph: LogicalGraph,
  config: ResolvedTopologyConfig,
  facts: { selfJoins: ReadonlySet<LogicalNode>; nullKeyFilters: ReadonlySet<LogicalNode> },
): PhysicalTopology {
  const topology = new PhysicalTopology();
  const written = new Set<LogicalNode>();
  const ready = new Set<LogicalNode>([graph.root]);
  while (ready.size > 0) {
    const node = lowest(graph, ready);
    ready.delete(node);
    node.lower({
      topology,
      config,
      parents: graph.parents(node).map((parent) => parent.name),
      selfJoin: facts.selfJoins.has(node),
      dropNullKeys: facts.nullKeyFilters.has(node),
    });
    written.add(node);
    for (const child of graph.children(node)) if (graph.parents(child).every((parent) => written.has(parent))) ready.add(child);
  }
  return topology;
}

function lowest(graph: LogicalGraph, nodes: ReadonlySet<LogicalNode>): LogicalNode {
  let best: LogicalNode | undefined;
  for (const node of nodes) if (best === undefined || graph.priority(node) < graph.priority(best)) best = node;
  return best as LogicalNode;
}

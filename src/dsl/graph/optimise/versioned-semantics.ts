import { TopologyError } from '../../../errors.ts';
import type { LogicalGraph } from '../logical-graph.ts';
import type { LogicalNode } from '../logical-node.ts';

/** Tells operators whose input table is versioned, so that they leave out-of-order updates out (KIP-914). */
export function applyVersionedSemantics(graph: LogicalGraph, nodes: ReadonlySet<LogicalNode>): void {
  for (const node of nodes) {
    if (node.useVersionedSemantics !== undefined) {
      for (const parent of graph.parents(node)) if (isVersioned(graph, parent)) node.useVersionedSemantics(parent.name);
    }
    if (node.suppress === true && parentsAreVersioned(graph, node)) {
      throw new TopologyError(
        `suppress ${node.name} follows a versioned table: only tables that are not versioned can be suppressed; materialize it in another store before`,
        {
          operator: node.name,
        },
      );
    }
  }
}

function isVersioned(graph: LogicalGraph, node: LogicalNode): boolean {
  return node.outputVersioned ?? parentsAreVersioned(graph, node);
}

function parentsAreVersioned(graph: LogicalGraph, node: LogicalNode): boolean {
  return node !== graph.root && graph.parents(node).every((parent) => isVersioned(graph, parent));
}

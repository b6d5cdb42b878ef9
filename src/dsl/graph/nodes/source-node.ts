import type { SourceDefinition } from '../../../topology/definitions.ts';
import type { LogicalNodeBase, Lowering } from '../logical-node.ts';

/** A stream's source: topics or a pattern. Several on the same topics become one when the topology is built. */
export interface SourceNode extends LogicalNodeBase {
  readonly kind: 'source';
  readonly source: SourceDefinition;
}

export function sourceNode(source: SourceDefinition): SourceNode {
  return Object.freeze({ kind: 'source', name: source.name, source, lower: ({ topology }: Lowering) => topology.addSource(source) });
}

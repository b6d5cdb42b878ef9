import type { PhysicalTopology } from '../../topology/physical-topology.ts';
import type { ResolvedTopologyConfig } from '../build-config.ts';
import type { RepartitionNode } from './nodes/repartition-node.ts';
import type { SourceNode } from './nodes/source-node.ts';
import type { StreamJoinNode } from './nodes/stream-join-node.ts';
import type { TableSourceNode } from './nodes/table-source-node.ts';

/** What a node is given when the graph is lowered. */
export interface Lowering {
  readonly topology: PhysicalTopology;
  readonly config: ResolvedTopologyConfig;
  /** Names of the node's parents, as the optimised graph has them. */
  readonly parents: readonly string[];
  /** Facts that the optimisation found out about this node. */
  readonly selfJoin: boolean;
  readonly dropNullKeys: boolean;
}

/**
 * What every logical node has. Nodes are frozen; the edges between them, which optimisations change, are the graph's.
 * `name` is that of the physical node that children attach to.
 */
export interface LogicalNodeBase {
  readonly name: string;
  /** The key may change here: what depends on it downstream needs a repartition. */
  readonly keyChanging?: boolean;
  readonly valueChanging?: boolean;
  /** A merge of streams. */
  readonly merge?: boolean;
  /** True or false where it is known whether the table is versioned; otherwise it is what its parents are. */
  readonly outputVersioned?: boolean;
  /** A left or outer join, which sees records with null keys. */
  readonly nullKeysJoin?: boolean;
  /** Windowed aggregations: milliseconds of stream time after a window's end until its result is final. */
  readonly closesAfterMs?: number;
  /** A suppress: needs a table that is not versioned. */
  readonly suppress?: boolean;
  /** Tells the operator that the table of this parent is versioned. */
  readonly useVersionedSemantics?: (parent: string) => void;
  /** Writes the physical nodes and stores. */
  lower(lowering: Lowering): void;
}

/** Everything that the optimisations do not look into: processors, sinks, stores. */
export interface PlainNode extends LogicalNodeBase {
  readonly kind: 'plain';
}

export type LogicalNode = PlainNode | SourceNode | TableSourceNode | RepartitionNode | StreamJoinNode;

/** @throws never; freezes and types a node without special structure. */
export function plainNode(node: LogicalNodeBase): PlainNode {
  return Object.freeze({ kind: 'plain', ...node });
}

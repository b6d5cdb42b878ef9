import type { Serde } from '../serdes/serde.ts';
import type { LogicalNode } from './graph/logical-node.ts';
import type { StreamsGraph } from './streams-graph.ts';

/** What every stream, table and grouping of the DSL knows about the place it stands for. Frozen. */
export interface Stage {
  readonly graph: StreamsGraph;
  /** Name of the node that produces it. */
  readonly name: string;
  readonly node: LogicalNode;
  /** Undefined: not known here, the configuration's default. */
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  /** Source nodes whose partitioning this place has. */
  readonly sources: ReadonlySet<string>;
  /** The key may have changed since those sources. */
  readonly repartitionRequired: boolean;
}

/** The stage behind a new node; what is not given stays. */
export function nextStage(stage: Stage, node: LogicalNode, changes: Partial<Omit<Stage, 'graph' | 'node'>> = {}): Stage {
  return Object.freeze({ ...stage, name: node.name, node, ...changes });
}

/** Notes that topics of these stages need one partition count; returns the sources of them all. */
export function copartition(...stages: readonly Stage[]): ReadonlySet<string> {
  const sources = new Set(stages.flatMap((stage) => [...stage.sources]));
  (stages[0] as Stage).graph.copartition(sources);
  return sources;
}

import type { Serde } from '../serdes/serde.ts';
import type { RepartitionNode } from './graph/nodes/repartition-node.ts';
import { repartitionSource } from './repartition.ts';
import { nextStage, type Stage } from './stage.ts';

const LAST_REPARTITION = new WeakMap<Stage, RepartitionNode>();

/**
 * Repartitions a stream for a join, if its key may have changed. Joins of one stream without a name of their own share a repartition topic; the indices of its nodes
 * are taken for each of them all the same.
 */
export function joinRepartition(stage: Stage, name: string | undefined, keySerde: Serde<unknown> | undefined, valueSerde: Serde<unknown> | undefined): Stage {
  if (!stage.repartitionRequired) return stage;
  const prefix = name ?? stage.name;
  const created = repartitionSource(stage.graph.names, { prefix, named: name !== undefined, keySerde, valueSerde, mergeable: true });
  let node = LAST_REPARTITION.get(stage);
  if (node === undefined || prefix !== stage.name) {
    node = created;
    LAST_REPARTITION.set(stage, node);
    stage.graph.add(node, stage.node);
  }
  return nextStage(stage, node, { keySerde, valueSerde, sources: new Set([node.name]), repartitionRequired: false });
}

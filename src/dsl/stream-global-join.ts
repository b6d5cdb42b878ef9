import { kstreamGlobalKTableJoin } from '../operators/index.ts';
import type { AnyFunction, AnyGlobalTable } from './erased.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { STREAM } from './names.ts';
import type { Named } from './options.ts';
import { nextStage, type Stage } from './stage.ts';

/** Joins a stream with a global table. The key does not change, and no partitioning is needed. */
export function joinGlobalTable(
  stage: Stage,
  table: AnyGlobalTable,
  keySelector: AnyFunction,
  joiner: AnyFunction,
  leftJoin: boolean,
  named: Named | undefined,
): Stage {
  // Inner joins have the left join's prefix too, as in Kafka Streams.
  const name = stage.graph.names.orGenerate(named?.name, STREAM.leftJoin);
  const supplier = kstreamGlobalKTableJoin({ table: table.rows, keySelector, joiner, leftJoin });
  const node = processorNode(name, { supplier, nullKeysJoin: leftJoin });
  stage.graph.add(node, stage.node);
  return nextStage(stage, node, { valueSerde: undefined });
}

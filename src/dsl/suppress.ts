import { TopologyError } from '../errors.ts';
import { ktableSuppress, type TableParent } from '../operators/index.ts';
import type { Untyped } from './erased.ts';
import type { LogicalNode } from './graph/logical-node.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { TABLE, validName } from './names.ts';
import { nextStage, type Stage } from './stage.ts';
import { suppressStoreFactory } from './stores/special-store-factories.ts';
import type { StreamsGraph } from './streams-graph.ts';
import type { AnyTableSupplier } from './suppliers.ts';
import type { Suppressed } from './suppressed.ts';

/** Adds a suppress behind a table. */
export function suppressTable(stage: Stage, parent: TableParent<Untyped, Untyped>, suppressed: Suppressed): { stage: Stage; supplier: AnyTableSupplier } {
  const { graph } = stage;
  if (stage.node.outputVersioned === true) {
    throw new TopologyError(`suppress after ${stage.name}: only tables that are not versioned can be suppressed; materialize it in another store before`, {
      operator: stage.name,
    });
  }
  const given = suppressed.name === undefined ? undefined : validName(suppressed.name, 'Name of a suppress');
  const name = given ?? graph.names.processor(TABLE.suppress);
  const windowEnd = suppressed.until === 'window-close';
  const waitMs = windowEnd ? windowGrace(graph, stage.node) : suppressed.waitMs;
  const storeName = given === undefined ? graph.names.store(TABLE.suppress) : `${given}-store`;
  const { recordLimit, byteLimit, whenFull, logging } = suppressed.buffer;
  if (given === undefined && logging !== false) graph.names.generated.addChangelog(storeName);
  const supplier = ktableSuppress({
    parent,
    storeName,
    waitMs,
    windowEndTime: windowEnd,
    safeToDropTombstones: windowEnd,
    recordLimit,
    byteLimit,
    whenFull,
  }) as unknown as AnyTableSupplier;
  const store = suppressStoreFactory({ name: storeName, keySerde: stage.keySerde, valueSerde: stage.valueSerde, logging });
  const node = processorNode(name, { supplier: () => supplier.get(), store, outputVersioned: false, suppress: true });
  graph.add(node, stage.node);
  return { stage: nextStage(stage, node), supplier };
}

/** The longest time that a windowed aggregation upstream waits for late records. Every way up must lead to one. */
function windowGrace(graph: StreamsGraph, node: LogicalNode, chain: readonly string[] = []): number {
  if (node.closesAfterMs !== undefined) return node.closesAfterMs;
  const path = [node.name, ...chain];
  const parents = graph.parentsOf(node);
  if (parents.length === 0) {
    throw new TopologyError(
      `Window close time is only defined for windowed computations, and there is none before this suppress (${path.slice(1).join(' -> ')}): aggregate by windows, or use Suppressed.untilTimeLimit`,
    );
  }
  return Math.max(...parents.map((parent) => windowGrace(graph, parent, path)));
}

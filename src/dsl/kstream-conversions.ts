import { TopologyError } from '../errors.ts';
import { ktableSource } from '../operators/index.ts';
import type { Serde } from '../serdes/serde.ts';
import type { AnyRepartitioned, AnyTableOptions } from './erased.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { resolveMaterialized } from './materialized.ts';
import { STREAM, validName } from './names.ts';
import { repartitionSource } from './repartition.ts';
import { nextStage, type Stage } from './stage.ts';
import { keyValueStoreFactory } from './stores/key-value-store-factory.ts';
import type { AnyTableSupplier } from './suppliers.ts';

/** `repartition()`: a topic of its own, that no optimisation merges. */
export function repartitionStream(stage: Stage, options: AnyRepartitioned): Stage {
  const { graph } = stage;
  const prefix = options.name === undefined ? graph.names.processor(STREAM.repartition) : validName(options.name, 'Name of a repartition');
  if (options.partitions !== undefined && !(Number.isInteger(options.partitions) && options.partitions > 0)) {
    throw new TopologyError(`partitions of repartition ${prefix} is ${options.partitions}: it must be a positive integer`);
  }
  const keySerde: Serde<unknown> | undefined = options.key ?? stage.keySerde;
  const valueSerde: Serde<unknown> | undefined = options.value ?? stage.valueSerde;
  const node = repartitionSource(graph.names, {
    prefix,
    named: options.name !== undefined,
    keySerde,
    valueSerde,
    mergeable: false,
    partitioner: options.partitioner,
    partitions: options.partitions,
  });
  graph.add(node, stage.node);
  return nextStage(stage, node, { keySerde, valueSerde, sources: new Set([node.name]), repartitionRequired: false });
}

/** Repartitions a stage for an operator that needs it, when its key may have changed. */
function repartitionIfRequired(
  stage: Stage,
  prefix: string,
  named: boolean,
  keySerde: Serde<unknown> | undefined,
  valueSerde: Serde<unknown> | undefined,
): Stage {
  if (!stage.repartitionRequired) return stage;
  const node = repartitionSource(stage.graph.names, { prefix, named, keySerde, valueSerde, mergeable: true });
  stage.graph.add(node, stage.node);
  return nextStage(stage, node, { keySerde, valueSerde, sources: new Set([node.name]), repartitionRequired: false });
}

/** `toTable()`. */
export function streamToTable(stage: Stage, options: AnyTableOptions): { stage: Stage; supplier: AnyTableSupplier; queryableName: string | null } {
  const { graph } = stage;
  const name = graph.names.orGenerate(options.name, STREAM.toTable);
  const materialized = resolveMaterialized(options, stage, { names: graph.names, prefix: STREAM.toTable });
  const store = keyValueStoreFactory(materialized);
  const parent = repartitionIfRequired(stage, name, options.name !== undefined, materialized.keySerde, materialized.valueSerde);
  const supplier = ktableSource<never, never>({ storeName: store.name, queryableName: materialized.queryableName });
  const node = processorNode(name, { supplier: () => supplier.get(), store, storeNeeded: () => supplier.materialized, outputVersioned: store.versioned });
  graph.add(node, parent.node);
  return {
    stage: nextStage(parent, node, { keySerde: materialized.keySerde, valueSerde: materialized.valueSerde, repartitionRequired: false }),
    supplier,
    queryableName: materialized.queryableName,
  };
}

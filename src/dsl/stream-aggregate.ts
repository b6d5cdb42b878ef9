import type { KStreamAggregateSupplier } from '../operators/index.ts';
import type { Serde } from '../serdes/serde.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import type { RepartitionNode } from './graph/nodes/repartition-node.ts';
import type { ResolvedMaterialized } from './materialized.ts';
import { repartitionSource } from './repartition.ts';
import { nextStage, type Stage } from './stage.ts';
import type { StoreFactory } from './stores/store-factory.ts';
import type { AnyTableSupplier } from './suppliers.ts';

/** A grouped stream: the stage before the repartition, if there is one, and the grouping's own serdes and name. */
export interface GroupedStage {
  readonly stage: Stage;
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  /** The user's name for the repartition topic. With one, all aggregations of the grouping share the topic. */
  readonly name: string | undefined;
}

const SHARED_REPARTITIONS = new WeakMap<GroupedStage, RepartitionNode>();

/** The stage that an aggregation of the grouping reads. The store names the repartition topic where the user did not. */
function aggregationInput(grouped: GroupedStage, { storeName, queryableName }: ResolvedMaterialized): Stage {
  const { stage, name, keySerde, valueSerde } = grouped;
  if (!stage.repartitionRequired) return stage;
  const created = repartitionSource(stage.graph.names, {
    prefix: name ?? (storeName as string),
    named: name !== undefined || queryableName !== null,
    keySerde,
    valueSerde,
    mergeable: true,
  });
  const node = (name === undefined ? undefined : SHARED_REPARTITIONS.get(grouped)) ?? created;
  SHARED_REPARTITIONS.set(grouped, node);
  stage.graph.add(node, stage.node);
  return nextStage(stage, node, { keySerde, valueSerde, sources: new Set([node.name]), repartitionRequired: false });
}

export interface StreamAggregation {
  readonly name: string;
  readonly materialized: ResolvedMaterialized;
  readonly store: StoreFactory;
  readonly supplier: AnyTableSupplier;
  /** Serde of the result's key: windowed for windows. */
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  readonly closesAfterMs?: number | undefined;
}

/** Adds the aggregation of a grouped stream, behind a repartition if one is needed. */
export function addAggregation(grouped: GroupedStage, aggregation: StreamAggregation): Stage {
  const { name, materialized, store, supplier, keySerde, valueSerde, closesAfterMs } = aggregation;
  const input = aggregationInput(grouped, materialized);
  const node = processorNode(name, {
    supplier: () => supplier.get(),
    store,
    outputVersioned: store.versioned,
    ...(closesAfterMs !== undefined && { closesAfterMs }),
  });
  input.graph.add(node, input.node);
  return nextStage(input, node, { keySerde, valueSerde });
}

/** @internal Types of keys and values end here. */
export function untyped(supplier: KStreamAggregateSupplier<never, never, never, never>): AnyTableSupplier {
  return supplier as unknown as AnyTableSupplier;
}

import { ktablePassThrough } from '../operators/index.ts';
import type { Serde } from '../serdes/serde.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { KTable } from './ktable.ts';
import type { ResolvedMaterialized } from './materialized.ts';
import { COGROUP } from './names.ts';
import type { Named } from './options.ts';
import { repartitionSource } from './repartition.ts';
import { copartition, nextStage, type Stage } from './stage.ts';
import type { StoreFactory } from './stores/store-factory.ts';
import type { GroupedStage } from './stream-aggregate.ts';
import type { AnyTableSupplier } from './suppliers.ts';

/** A grouped stream and what adds its values to the common result. */
export interface CogroupMember {
  readonly grouped: GroupedStage;
  readonly aggregator: unknown;
}

export interface CogroupAggregation {
  readonly named: Named;
  readonly materialized: ResolvedMaterialized;
  readonly store: StoreFactory;
  /** The operator of one member. */
  readonly supplier: (member: CogroupMember) => AnyTableSupplier;
  readonly keySerde: Serde<unknown> | undefined;
  readonly closesAfterMs?: number;
}

/** One aggregation for each member, all on one store, and behind them the table. */
export function addCogroup<K, VA>(members: readonly CogroupMember[], aggregation: CogroupAggregation): KTable<K, VA> {
  const { named, materialized, store, closesAfterMs } = aggregation;
  const { graph } = (members[0] as CogroupMember).grouped.stage;
  const inputs = members.map((member) => inputOf(member.grouped, materialized));
  const sources = copartition(...inputs);
  const suppliers = members.map((member) => aggregation.supplier(member));
  const nodes = suppliers.map((supplier, index) => {
    const name = graph.names.suffixed(named.name, `-cogroup-agg-${index}`, COGROUP.aggregate);
    // The first adds the store, the others connect to it.
    const storeOptions = index === 0 ? { store } : { stores: [store.name] };
    const node = processorNode(name, {
      supplier: () => supplier.get(),
      ...storeOptions,
      outputVersioned: store.versioned,
      ...(closesAfterMs !== undefined && { closesAfterMs }),
    });
    graph.add(node, (inputs[index] as Stage).node);
    return node;
  });
  const name = graph.names.suffixed(named.name, '-cogroup-merge', COGROUP.merge);
  const passThrough = ktablePassThrough({ parents: suppliers as never }) as unknown as AnyTableSupplier;
  const node = processorNode(name, { supplier: () => passThrough.get() });
  graph.add(node, ...nodes);
  const stage = nextStage(inputs[0] as Stage, node, {
    keySerde: aggregation.keySerde,
    valueSerde: materialized.valueSerde,
    sources,
    repartitionRequired: false,
  });
  return new KTable(stage, passThrough, materialized.queryableName);
}

/** Members that need a repartition get one each; without a name of its own it has that of the store. */
function inputOf({ stage, name, keySerde, valueSerde }: GroupedStage, { storeName, queryableName }: ResolvedMaterialized): Stage {
  if (!stage.repartitionRequired) return stage;
  const node = repartitionSource(stage.graph.names, {
    prefix: name ?? (storeName as string),
    named: name !== undefined || queryableName !== null,
    keySerde,
    valueSerde,
    mergeable: true,
  });
  stage.graph.add(node, stage.node);
  return nextStage(stage, node, { keySerde, valueSerde, sources: new Set([node.name]), repartitionRequired: false });
}

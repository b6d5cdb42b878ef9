import { ktableInnerJoin, ktableJoinMerger, ktableLeftJoin, ktableOuterJoin, ktableRightJoin, reverseJoiner } from '../operators/index.ts';
import type { AnyFunction, AnyTable, AnyTableOptions } from './erased.ts';
import { tableJoinNode } from './graph/nodes/table-join-node.ts';
import { KTable } from './ktable.ts';
import { isMaterialized, resolveMaterialized } from './materialized.ts';
import { TABLE } from './names.ts';
import { copartition, nextStage } from './stage.ts';
import { keyValueStoreFactory } from './stores/key-value-store-factory.ts';
import type { AnyTableSupplier } from './suppliers.ts';

/** Joins two tables of the same key. */
export function joinTables(kind: 'inner' | 'left' | 'outer', left: AnyTable, right: AnyTable, joiner: AnyFunction, options: AnyTableOptions): AnyTable {
  const { graph } = left.stage;
  const { names } = graph;
  const given = isMaterialized(options);
  const materialized = resolveMaterialized(options, { keySerde: left.stage.keySerde }, given ? { names, prefix: TABLE.merge } : undefined);
  const store = given ? keyValueStoreFactory(materialized) : undefined;
  const mergeName = names.orGenerate(options.name, TABLE.merge);
  const sources = copartition(left.stage, right.stage);
  if (kind !== 'inner') left.enableSendingOldValues(true);
  if (kind === 'outer') right.enableSendingOldValues(true);
  const [joinThis, joinOther] = sides(kind, left, right, joiner);
  const thisName = names.suffixed(options.name, '-join-this', TABLE.joinThis);
  const otherName = names.suffixed(options.name, '-join-other', TABLE.joinOther);
  const merger = ktableJoinMerger({ parent1: joinThis, parent2: joinOther, queryableName: store?.name ?? null }) as unknown as AnyTableSupplier;
  const leftRows = left.valueGetterSupplier();
  const rightRows = right.valueGetterSupplier();
  const node = tableJoinNode({
    joinThis: {
      name: thisName,
      supplier: () => joinThis.get(),
      parent: left.stage.name,
      lookupStores: () => rightRows.storeNames,
      useVersionedSemantics: () => joinThis.setUseVersionedSemantics(true),
    },
    joinOther: {
      name: otherName,
      supplier: () => joinOther.get(),
      parent: right.stage.name,
      lookupStores: () => leftRows.storeNames,
      useVersionedSemantics: () => joinOther.setUseVersionedSemantics(true),
    },
    merge: { name: mergeName, supplier: () => merger.get() },
    store,
    outputVersioned: store?.versioned ?? false,
  });
  graph.add(node, left.stage.node, right.stage.node);
  const stage = nextStage(left.stage, node, { keySerde: materialized.keySerde, valueSerde: materialized.valueSerde, sources });
  return new KTable(stage, merger, store?.name ?? null, store?.historyRetentionMs);
}

function sides(kind: 'inner' | 'left' | 'outer', left: AnyTable, right: AnyTable, joiner: AnyFunction) {
  const reversed = reverseJoiner(joiner);
  const forwards = { table1: left, table2: right, joiner };
  const backwards = { table1: right, table2: left, joiner: reversed };
  if (kind === 'inner') return [ktableInnerJoin(forwards), ktableInnerJoin(backwards)] as const;
  if (kind === 'left') return [ktableLeftJoin(forwards), ktableRightJoin(backwards)] as const;
  return [ktableOuterJoin(forwards), ktableOuterJoin(backwards)] as const;
}

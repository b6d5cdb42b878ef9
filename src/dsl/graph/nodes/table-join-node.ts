import type { StoreFactory } from '../../stores/store-factory.ts';
import { addWrapped } from '../add-processor.ts';
import { type Lowering, type PlainNode, plainNode } from '../logical-node.ts';
import type { JoinProcessor } from './stream-join-node.ts';

export interface TableJoinSide extends JoinProcessor {
  /** Name of the table that this side reads from. */
  readonly parent: string;
  /** Stores of the other table, which this side looks up. */
  readonly lookupStores: () => readonly string[];
  readonly useVersionedSemantics: () => void;
}

export interface TableJoinNodeOptions {
  readonly joinThis: TableJoinSide;
  readonly joinOther: TableJoinSide;
  readonly merge: JoinProcessor;
  readonly store: StoreFactory | undefined;
  readonly outputVersioned: boolean;
}

/** A table-table join on the key. `name` is that of the merge. */
export function tableJoinNode({ joinThis, joinOther, merge, store, outputVersioned }: TableJoinNodeOptions): PlainNode {
  const sides = [joinThis, joinOther];
  return plainNode({
    name: merge.name,
    outputVersioned,
    useVersionedSemantics: (parent: string) => {
      for (const side of sides) if (side.parent === parent) side.useVersionedSemantics();
    },
    lower: (lowering: Lowering) => {
      for (const side of sides) addWrapped(lowering, side.name, side.supplier, [side.parent]);
      addWrapped(lowering, merge.name, merge.supplier, [joinThis.name, joinOther.name]);
      for (const side of sides) for (const name of side.lookupStores()) lowering.topology.connect(side.name, name);
      if (store !== undefined) lowering.topology.addStore(store.create(lowering.config), [merge.name]);
    },
  });
}

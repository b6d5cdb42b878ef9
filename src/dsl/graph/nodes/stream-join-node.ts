import type { StoreFactory } from '../../stores/store-factory.ts';
import { addWrapped } from '../add-processor.ts';
import type { LogicalNodeBase, Lowering } from '../logical-node.ts';

/** One processor of a join. */
export interface JoinProcessor {
  readonly name: string;
  readonly supplier: () => unknown;
}

/** A stream-stream join, behind the two nodes that fill its window stores. `name` is that of the merge. */
export interface StreamJoinNode extends LogicalNodeBase {
  readonly kind: 'stream-join';
  readonly thisWindowed: string;
  readonly otherWindowed: string;
}

export interface StreamJoinNodeOptions {
  readonly thisWindowed: string;
  readonly otherWindowed: string;
  readonly joinThis: JoinProcessor;
  readonly joinOther: JoinProcessor;
  readonly merge: JoinProcessor;
  /** Runs in place of all of these when the stream is joined with itself and that optimisation is on. */
  readonly selfJoin: JoinProcessor;
  readonly thisStore: StoreFactory;
  readonly otherStore: StoreFactory;
  /** Unmatched records of left and outer joins. */
  readonly outerStore: StoreFactory | undefined;
}

export function streamJoinNode(options: StreamJoinNodeOptions): StreamJoinNode {
  const { thisWindowed, otherWindowed, joinThis, joinOther, merge, selfJoin, thisStore, otherStore, outerStore } = options;
  return Object.freeze({
    kind: 'stream-join',
    name: merge.name,
    nullKeysJoin: outerStore !== undefined,
    thisWindowed,
    otherWindowed,
    lower: (lowering: Lowering) => {
      const { topology, config } = lowering;
      if (lowering.selfJoin) {
        addWrapped(lowering, selfJoin.name, selfJoin.supplier, [thisWindowed]);
        topology.addStore(thisStore.create(config), [thisWindowed, selfJoin.name]);
        return;
      }
      addWrapped(lowering, joinThis.name, joinThis.supplier, [thisWindowed]);
      addWrapped(lowering, joinOther.name, joinOther.supplier, [otherWindowed]);
      addWrapped(lowering, merge.name, merge.supplier, [joinThis.name, joinOther.name]);
      topology.addStore(thisStore.create(config), [thisWindowed, joinOther.name]);
      topology.addStore(otherStore.create(config), [otherWindowed, joinThis.name]);
      if (outerStore !== undefined) topology.addStore(outerStore.create(config), [joinThis.name, joinOther.name]);
    },
  });
}

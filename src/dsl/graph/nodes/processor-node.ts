import type { StoreBuilder } from '../../../state/contract/builder.ts';
import type { StoreFactory } from '../../stores/store-factory.ts';
import { addWrapped } from '../add-processor.ts';
import { type LogicalNodeBase, type Lowering, type PlainNode, plainNode } from '../logical-node.ts';

export interface ProcessorNodeOptions extends Omit<LogicalNodeBase, 'name' | 'lower'> {
  /** Makes the running processor, once for each task. */
  readonly supplier: () => unknown;
  /** Stores that others add, by name. A function is called when the topology is built: some tables decide only then which stores they have. */
  readonly stores?: readonly string[] | (() => readonly string[]);
  /** Stores that the user's supplier brought. */
  readonly suppliedStores?: readonly StoreBuilder[];
  /** The operator's own store. */
  readonly store?: StoreFactory;
  /** Asked when the topology is built; without it the store is always added. */
  readonly storeNeeded?: () => boolean;
  /** Asynchronous operators: longest time that one record can take, milliseconds. */
  readonly asyncLimitMs?: number;
}

/** An operator that is one processor. */
export function processorNode(name: string, options: ProcessorNodeOptions): PlainNode {
  const { supplier, stores, suppliedStores, store, storeNeeded, asyncLimitMs, ...facts } = options;
  return plainNode({
    ...facts,
    name,
    lower: (lowering: Lowering) => {
      const { topology, config, parents } = lowering;
      addWrapped(lowering, name, supplier, parents, asyncLimitMs);
      for (const builder of suppliedStores ?? []) topology.addStore(builder, [name]);
      if (store !== undefined && storeNeeded?.() !== false) topology.addStore(store.create(config), [name]);
      for (const connected of typeof stores === 'function' ? stores() : (stores ?? [])) topology.connect(name, connected);
    },
  });
}

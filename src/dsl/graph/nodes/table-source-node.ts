import type { SourceDefinition } from '../../../topology/definitions.ts';
import type { StoreFactory } from '../../stores/store-factory.ts';
import type { AnyTableSource } from '../../suppliers.ts';
import { addWrapped } from '../add-processor.ts';
import type { LogicalNodeBase, Lowering } from '../logical-node.ts';

/** A table's source: reads one topic into a store, if anything needs the store. */
export interface TableSourceNode extends LogicalNodeBase {
  readonly kind: 'table-source';
}

export function tableSourceNode(name: string, source: SourceDefinition, supplier: AnyTableSource, store: StoreFactory): TableSourceNode {
  return Object.freeze({
    kind: 'table-source',
    name,
    outputVersioned: store.versioned,
    lower: (lowering: Lowering) => {
      const { topology, config } = lowering;
      topology.addSource(source);
      addWrapped(lowering, name, () => supplier.get(), [source.name]);
      if (!supplier.materialized) return;
      if (!config.reuseSourceTopics) {
        topology.addStore(store.create(config), [name]);
        return;
      }
      topology.addStore(store.create(config, { logging: false }), [name]);
      topology.useSourceAsChangelog(store.name, source.topics[0] as string);
    },
  });
}

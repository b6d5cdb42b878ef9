import type { StoreBuilder } from '../../../state/contract/builder.ts';
import type { SourceDefinition } from '../../../topology/definitions.ts';
import type { ResolvedTopologyConfig } from '../../build-config.ts';
import { type Lowering, type PlainNode, plainNode } from '../logical-node.ts';

/** A store that the user added, for processors to connect to. */
export function storeNode(builder: StoreBuilder | ((config: ResolvedTopologyConfig) => StoreBuilder), name: string): PlainNode {
  return plainNode({ name, lower: ({ topology, config }: Lowering) => topology.addStore(typeof builder === 'function' ? builder(config) : builder, []) });
}

/** A global store and the processor that fills it. */
export function globalStoreNode(
  processor: string,
  source: SourceDefinition,
  supplier: () => unknown,
  builder: (config: ResolvedTopologyConfig) => StoreBuilder,
): PlainNode {
  return plainNode({
    name: processor,
    lower: (lowering: Lowering) =>
      lowering.topology.addGlobalStore(builder(lowering.config), source, {
        kind: 'processor',
        name: processor,
        parents: [source.name],
        supplier: supplier as never,
      }),
  });
}

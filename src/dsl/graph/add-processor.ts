import type { AnyProcessorSupplier } from '../../topology/definitions.ts';
import { resolveSupplier } from '../../topology/processor-supplier.ts';
import type { Lowering } from './logical-node.ts';

/** Adds a processor, through the configuration's `processorWrapper` if there is one. Stores that come with the wrapped supplier are added and connected. */
export function addWrapped(
  { topology, config }: Pick<Lowering, 'topology' | 'config'>,
  name: string,
  supplier: () => unknown,
  parents: readonly string[],
  asyncLimitMs?: number,
): void {
  const wrapped = config.processorWrapper === undefined ? undefined : resolveSupplier(config.processorWrapper(name, supplier), name);
  topology.addProcessor({
    kind: 'processor',
    name,
    parents,
    supplier: wrapped?.supplier ?? (supplier as AnyProcessorSupplier),
    ...(asyncLimitMs !== undefined && { asyncLimitMs }),
  });
  for (const store of wrapped?.stores ?? []) topology.addStore(store, [name]);
}

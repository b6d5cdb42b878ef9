import type { KTableProcessorSupplier, KTableValueGetterSupplier, ktableSource } from '../operators/index.ts';

/*
 * Inside the DSL the types of keys and values have done their work; suppliers and serdes are passed on without them.
 */

/** What a table's node supplies, whatever its types: processors, getters of its rows, and old values on demand. */
export interface AnyTableSupplier {
  get(): unknown;
  view(): KTableValueGetterSupplier<never, never>;
  enableSendingOldValues(forceMaterialization: boolean): boolean;
}

export type AnyTableSource = ReturnType<typeof ktableSource<never, never>>;

export function isTableSource(supplier: AnyTableSupplier): supplier is AnyTableSource {
  return typeof (supplier as Partial<AnyTableSource>).materialize === 'function';
}

export type { KTableProcessorSupplier };

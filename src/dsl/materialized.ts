import type { Serde } from '../serdes/serde.ts';
import type { StoreSupplier } from '../state/stores.ts';
import { toMillis } from '../time.ts';
import type { AnyMaterialized } from './erased.ts';
import { type NameCounter, validName } from './names.ts';

/** How a result is kept, with all that was left out filled in. */
export interface ResolvedMaterialized {
  /** Undefined: no store is named, and none is generated (operators that then have no store). */
  readonly storeName: string | undefined;
  /** The store's name when the user gave it. */
  readonly queryableName: string | null;
  readonly supplier: StoreSupplier | undefined;
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  readonly caching: boolean;
  readonly logging: boolean;
  readonly logConfig: { readonly [config: string]: string };
  readonly retentionMs: number | undefined;
  readonly engine: 'sqlite' | 'memory' | undefined;
}

const FIELDS = ['store', 'key', 'value', 'caching', 'logging', 'retention', 'engine'] as const;

/** Whether any option about a store was given: operators such as `filter` have a store only then. */
export function isMaterialized(options: AnyMaterialized | undefined): boolean {
  return options !== undefined && FIELDS.some((field) => options[field] !== undefined);
}

/** @param generate gives the name of the store when the user gave none. */
export function resolveMaterialized(
  options: AnyMaterialized = {},
  defaults: { keySerde?: Serde<unknown> | undefined; valueSerde?: Serde<unknown> | undefined } = {},
  generate?: { names: NameCounter; prefix: string },
): ResolvedMaterialized {
  const { store, logging = true } = options;
  const given = typeof store === 'string' ? validName(store, 'Name of a store') : store?.name;
  const storeName = given ?? generate?.names.store(generate.prefix);
  if (given === undefined && storeName !== undefined) generate?.names.generated.addStore(storeName, logging !== false);
  return Object.freeze({
    storeName,
    queryableName: given ?? null,
    supplier: typeof store === 'string' ? undefined : store,
    keySerde: (options.key as Serde<unknown> | undefined) ?? defaults.keySerde,
    valueSerde: (options.value as Serde<unknown> | undefined) ?? defaults.valueSerde,
    caching: options.caching ?? true,
    logging: logging !== false,
    logConfig: typeof logging === 'object' ? logging : {},
    retentionMs: options.retention === undefined ? undefined : toMillis(options.retention, `retention of store ${given ?? 'without a name'}`),
    engine: options.engine,
  });
}

import type { KTableValueGetterSupplier } from '../operators/index.ts';

/**
 * A table that every instance holds in full, filled from all partitions of its topic before anything else is processed. Streams join it by any key. It is not synchronised
 * with the streams: a join sees whatever has been read.
 */
export class GlobalKTable<K, V> {
  /** @internal */
  readonly rows: KTableValueGetterSupplier<never, never>;
  /** Name of its store when it was given one; null: it cannot be queried. */
  readonly queryableStoreName: string | null;
  /** Only in the types. */
  declare protected readonly types: [K, V];

  /** @internal */
  constructor(rows: KTableValueGetterSupplier<never, never>, queryableStoreName: string | null) {
    this.rows = rows;
    this.queryableStoreName = queryableStoreName;
    Object.freeze(this);
  }
}

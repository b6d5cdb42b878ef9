/*
 * What holds the committed bytes of a task's stores: SQLite or memory. Engines see ordered tables of rows; buffers, caches, changelogs and types are above them.
 */

/** One entry: key and value in bytes, and the timestamp that timestamped stores keep beside the value (0 in the others). */
export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly timestamp: number;
  /** The decoded value, when somebody has decoded it already. Never changed in place: aggregates are copy-on-write. */
  object: unknown;
}

/** A bound of a range read. Null: open. */
export interface PageRequest {
  readonly from: Buffer | null;
  readonly fromExclusive: boolean;
  readonly to: Buffer | null;
  readonly toExclusive: boolean;
  readonly reverse: boolean;
  readonly limit: number;
}

/** An ordered table. It comes to be at its first write. `id` is always `keyId(key)`. */
export interface EngineTable {
  /** True when it certainly holds no row: reads are then skipped. */
  readonly empty: boolean;
  /** False when it certainly holds no row of this key; `baseId`: the id without the key's times. */
  mayHold(baseId: string): boolean;
  get(id: string, key: Buffer): Row | null;
  /** At most `limit` rows in the order of their keys' bytes. */
  page(request: PageRequest): Row[];
  /**
   * At most `limit` rows whose key's last bytes (`keySuffix` of them) lie within [from, to], in the order of (those bytes, key), after the given key. Only tables opened as time-ordered.
   */
  pageBySuffix(from: Buffer, to: Buffer, after: Buffer | null, limit: number): Row[];
  /** Inside a transaction of the engine only, as all that follow. */
  put(id: string, key: Buffer, value: Buffer, timestamp: number, object: unknown): void;
  delete(id: string, key: Buffer): void;
  count(): number;
}

/** What makes a store's tables what they are. When it differs from the file's, the store is rebuilt. */
export interface StoreShape {
  readonly kind: string;
  /** Milliseconds a segment; 0 for stores without segments. */
  readonly segmentInterval: number;
  /** Bytes at the end of a key that are its times; 0: none. */
  readonly keySuffix: number;
  /** Rows are also read in the order of those bytes. */
  readonly timeOrdered: boolean;
}

/** One task's engine. Writes happen between `begin` and `commit`; reads any time. */
export interface Engine {
  readonly persistent: boolean;
  readonly inTransaction: boolean;
  begin(): void;
  commit(): void;
  rollback(): void;
  /** Makes a store known. Contents of another shape are dropped; returns true then. */
  openStore(store: string, shape: StoreShape): boolean;
  /** `segment` null for a store without segments. */
  table(store: string, segment: number | null): EngineTable;
  /** Numbers of the segments that exist, ascending. */
  segments(store: string): number[];
  /** Rows with keys within [from, to] of the given segments, at most `limit` of them, in no particular order. One call where a page of each would be many. */
  rowsOf(store: string, segments: readonly number[], from: Buffer, to: Buffer, limit: number): Row[];
  dropSegment(store: string, segment: number): void;
  /** Drop all contents of a store, and its facts. */
  clearStore(store: string): void;
  /** Small facts of a store (`store` '' for the task's own). */
  getFact(store: string, key: string): string | undefined;
  setFact(store: string, key: string, value: string): void;
  close(): void;
}

import type { InternalProcessorContext, Processor } from '../processor/processor.ts';
import type { ValueAndTimestamp } from '../state/contract/values.ts';
import type { Change } from './change.ts';

/** Reads the current rows of a table: from its store, or computed from the rows of the table before it. */
export interface KTableValueGetter<K, V> {
  init(context: InternalProcessorContext<never, never>): void;
  get(key: K): ValueAndTimestamp<V> | null;
  /** The row as of a time; only where `versioned`. */
  getAsOf(key: K, asOf: number): ValueAndTimestamp<V> | null;
  /** Known after `init`. */
  readonly versioned: boolean;
  close(): void;
}

export interface KTableValueGetterSupplier<K, V> {
  get(): KTableValueGetter<K, V>;
  /** Stores that the processor which reads must be connected to. Read it when the topology is complete. */
  readonly storeNames: readonly string[];
}

/** What a table looks like to the operators after it; the DSL's table implements it. */
export interface TableParent<K, V> {
  valueGetterSupplier(): KTableValueGetterSupplier<K, V>;
  /** Ask for old values in the changes. With `forceMaterialization` a source without a store gets one; otherwise false is returned when there is none. */
  enableSendingOldValues(forceMaterialization: boolean): boolean;
}

/** Makes the processors of a table operator and the getters of its result. Flags may be set until the first `get()`. */
export interface KTableProcessorSupplier<KIn, VIn, KOut, VOut> {
  get(): Processor<KIn, Change<VIn>, KOut, Change<VOut>>;
  view(): KTableValueGetterSupplier<KOut, VOut>;
  enableSendingOldValues(forceMaterialization: boolean): boolean;
}

/** As {@link KTableProcessorSupplier}, where the input is a stream. */
export interface KStreamAggregateSupplier<KIn, VIn, KOut, VOut> {
  get(): Processor<KIn, VIn, KOut, Change<VOut>>;
  view(): KTableValueGetterSupplier<KOut, VOut>;
  enableSendingOldValues(forceMaterialization?: boolean): boolean;
}

/** Set by the DSL when the input table is versioned: out-of-order updates are then left out of joins and aggregates (KIP-914). */
export interface VersionedSemantics {
  setUseVersionedSemantics(use: boolean): void;
}

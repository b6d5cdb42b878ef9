import type { InternalProcessorContext } from '../processor/processor.ts';
import type { ValueAndTimestamp } from '../state/contract/values.ts';
import type { KTableValueGetter } from './ktable-supplier.ts';

/** Rows computed on the fly from the rows of the table before: a table operator without a store of its own. */
export class DerivedGetter<K, VIn, VOut> implements KTableValueGetter<K, VOut> {
  readonly #parent: KTableValueGetter<K, VIn>;
  readonly #derive: (key: K, row: ValueAndTimestamp<VIn> | null) => ValueAndTimestamp<VOut> | null;

  constructor(parent: KTableValueGetter<K, VIn>, derive: (key: K, row: ValueAndTimestamp<VIn> | null) => ValueAndTimestamp<VOut> | null) {
    this.#parent = parent;
    this.#derive = derive;
  }

  init(context: InternalProcessorContext<never, never>): void {
    this.#parent.init(context);
  }

  get versioned(): boolean {
    return this.#parent.versioned;
  }

  get(key: K): ValueAndTimestamp<VOut> | null {
    return this.#derive(key, this.#parent.get(key));
  }

  getAsOf(key: K, asOf: number): ValueAndTimestamp<VOut> | null {
    return this.#derive(key, this.#parent.getAsOf(key, asOf));
  }

  close(): void {
    this.#parent.close();
  }
}

import type { Processor } from '../processor/processor.ts';
import type { Change } from './change.ts';
import type { KStreamAggregateSupplier, KTableValueGetterSupplier } from './ktable-supplier.ts';

/** Supplies an operator whose result is always in a store: it can send old values whenever it is asked to. */
export class AggregateSupplier<KIn, VIn, KOut, VOut> implements KStreamAggregateSupplier<KIn, VIn, KOut, VOut> {
  readonly #processor: (sendOldValues: boolean) => Processor<KIn, VIn, KOut, Change<VOut>>;
  readonly #view: KTableValueGetterSupplier<KOut, VOut>;
  #sendOldValues = false;

  constructor(processor: (sendOldValues: boolean) => Processor<KIn, VIn, KOut, Change<VOut>>, view: KTableValueGetterSupplier<KOut, VOut>) {
    this.#processor = processor;
    this.#view = view;
  }

  get(): Processor<KIn, VIn, KOut, Change<VOut>> {
    return this.#processor(this.#sendOldValues);
  }

  view(): KTableValueGetterSupplier<KOut, VOut> {
    return this.#view;
  }

  enableSendingOldValues(): boolean {
    this.#sendOldValues = true;
    return true;
  }
}

import type { Windowed } from '../processor/windowed.ts';
import { addCogroup, type CogroupMember } from './cogroup-aggregate.ts';
import type { KTable } from './ktable.ts';
import { resolveMaterialized } from './materialized.ts';
import { COGROUP } from './names.ts';
import type { Materialized, Named } from './options.ts';
import { windowStoreFactory } from './stores/window-store-factory.ts';
import { timeWindowAggregate } from './time-windowed-kstream.ts';
import { EmitStrategy } from './windows/emit-strategy.ts';
import type { SlidingWindows } from './windows/sliding-windows.ts';
import type { TimeWindows } from './windows/time-windows.ts';
import type { UnlimitedWindows } from './windows/unlimited-windows.ts';
import { closesAfter, keySerdeOf, windowFacts } from './windows/window-facts.ts';

/** Cogrouped streams in windows of fixed, sliding or unlimited size. */
export class TimeWindowedCogroupedKStream<K, VA> {
  readonly #members: readonly CogroupMember[];
  readonly #windows: TimeWindows | UnlimitedWindows | SlidingWindows;

  /** @internal */
  constructor(members: readonly CogroupMember[], windows: TimeWindows | UnlimitedWindows | SlidingWindows) {
    this.#members = members;
    this.#windows = windows;
  }

  /** The table of all of them, by window. */
  aggregate(functions: { initializer: () => VA }, options: Named & Materialized<K, VA> = {}): KTable<Windowed<K>, NonNullable<VA>> {
    const { names } = (this.#members[0] as CogroupMember).grouped.stage.graph;
    const emit = EmitStrategy.onWindowUpdate();
    const materialized = resolveMaterialized(options, {}, { names, prefix: COGROUP.aggregate });
    return addCogroup(this.#members, {
      named: options,
      materialized,
      store: windowStoreFactory(materialized, windowFacts(this.#windows), emit),
      supplier: ({ aggregator }) => timeWindowAggregate(this.#windows, materialized, emit, functions.initializer, aggregator),
      keySerde: keySerdeOf(materialized.keySerde, this.#windows),
      closesAfterMs: closesAfter(this.#windows),
    });
  }
}

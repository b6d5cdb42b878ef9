import type { Windowed } from '../processor/windowed.ts';
import { addCogroup, type CogroupMember } from './cogroup-aggregate.ts';
import type { KTable } from './ktable.ts';
import { resolveMaterialized } from './materialized.ts';
import { COGROUP } from './names.ts';
import type { Materialized, Named } from './options.ts';
import { sessionAggregate } from './session-windowed-kstream.ts';
import { sessionStoreFactory } from './stores/session-store-factory.ts';
import { EmitStrategy } from './windows/emit-strategy.ts';
import type { SessionWindows } from './windows/session-windows.ts';
import { closesAfter, keySerdeOf } from './windows/window-facts.ts';

/** Cogrouped streams in sessions. */
export class SessionWindowedCogroupedKStream<K, VA> {
  readonly #members: readonly CogroupMember[];
  readonly #windows: SessionWindows;

  /** @internal */
  constructor(members: readonly CogroupMember[], windows: SessionWindows) {
    this.#members = members;
    this.#windows = windows;
  }

  /** The table of all of them, by session; `merger` joins the results of sessions that become one. */
  aggregate(
    functions: { initializer: () => VA; merger: (key: K, left: VA, right: VA) => VA },
    options: Named & Materialized<K, VA> = {},
  ): KTable<Windowed<K>, NonNullable<VA>> {
    const { names } = (this.#members[0] as CogroupMember).grouped.stage.graph;
    const emit = EmitStrategy.onWindowUpdate();
    const materialized = resolveMaterialized(options, {}, { names, prefix: COGROUP.aggregate });
    return addCogroup(this.#members, {
      named: options,
      materialized,
      store: sessionStoreFactory(materialized, this.#windows, emit),
      supplier: ({ aggregator }) => sessionAggregate(this.#windows, materialized, emit, { ...functions, aggregator }),
      keySerde: keySerdeOf(materialized.keySerde, this.#windows),
      closesAfterMs: closesAfter(this.#windows),
    });
  }
}

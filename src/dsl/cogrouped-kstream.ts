import { kstreamAggregate } from '../operators/index.ts';
import { addCogroup, type CogroupMember } from './cogroup-aggregate.ts';
import type { KGroupedStream } from './kgrouped-stream.ts';
import type { KTable } from './ktable.ts';
import { resolveMaterialized } from './materialized.ts';
import { COGROUP } from './names.ts';
import type { Materialized, Named } from './options.ts';
import { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts';
import { keyValueStoreFactory } from './stores/key-value-store-factory.ts';
import { untyped } from './stream-aggregate.ts';
import { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts';
import { SessionWindows } from './windows/session-windows.ts';
import type { SlidingWindows } from './windows/sliding-windows.ts';
import type { TimeWindows } from './windows/time-windows.ts';
import type { UnlimitedWindows } from './windows/unlimited-windows.ts';

/**
 * Several grouped streams, each with its own aggregator, that make one table together: one store, and no joins. All must be partitioned alike.
 *
 * @example
 * clicks.groupByKey()
 *   .cogroup((user, click, profile: Profile) => ({ ...profile, clicks: profile.clicks + 1 }))
 *   .cogroup(orders.groupByKey(), (user, order, profile) => ({ ...profile, spent: profile.spent + order.total }))
 *   .aggregate({ initializer: () => ({ clicks: 0, spent: 0 }) }, { store: 'profiles', value: serdes.json<Profile>() })
 */
export class CogroupedKStream<K, VA> {
  readonly #members: readonly CogroupMember[];

  /** @internal */
  constructor(members: readonly CogroupMember[]) {
    this.#members = members;
  }

  /** Adds another grouped stream. */
  cogroup<V>(grouped: KGroupedStream<K, V>, aggregator: (key: K, value: NonNullable<V>, aggregate: VA) => VA | null): CogroupedKStream<K, VA> {
    const others = this.#members.filter((member) => member.grouped !== grouped.grouped);
    return new CogroupedKStream<K, VA>([...others, { grouped: grouped.grouped, aggregator }]);
  }

  /** The table of all of them. */
  aggregate(functions: { initializer: () => VA }, options: Named & Materialized<K, VA> = {}): KTable<K, NonNullable<VA>> {
    const { names } = (this.#members[0] as CogroupMember).grouped.stage.graph;
    const materialized = resolveMaterialized(options, {}, { names, prefix: COGROUP.aggregate });
    const supplier = (member: CogroupMember) =>
      untyped(
        kstreamAggregate({
          storeName: materialized.storeName as string,
          initializer: functions.initializer as () => never,
          aggregator: member.aggregator as () => never,
        }) as never,
      );
    return addCogroup(this.#members, { named: options, materialized, store: keyValueStoreFactory(materialized), supplier, keySerde: materialized.keySerde });
  }

  /** Aggregates by windows: of a fixed size, sliding, without end, or sessions. */
  windowedBy(windows: TimeWindows | UnlimitedWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, VA>;
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, VA>;
  windowedBy(
    windows: TimeWindows | UnlimitedWindows | SlidingWindows | SessionWindows,
  ): TimeWindowedCogroupedKStream<K, VA> | SessionWindowedCogroupedKStream<K, VA> {
    return windows instanceof SessionWindows
      ? new SessionWindowedCogroupedKStream(this.#members, windows)
      : new TimeWindowedCogroupedKStream(this.#members, windows);
  }
}

import { SessionWindows, StreamsBuilder, serdes, TimeWindows, type Topology } from 'millrace';
import { type ChaosTopics, type Event, GAP_MS, SESSION_GRACE_MS, STORES, type Tally, WINDOW_GRACE_MS, WINDOW_MS, type Workload } from './shapes.ts';

/*
 * What runs under chaos. Its aggregates add up the ids of their records, so that a record lost or counted twice shows in them;
 * one leg passes every record on under its id; one leg has no cache, so that every single update is in its output.
 */

const NOTHING: Tally = { count: 0, sum: 0 };

export function chaosTopology(topics: ChaosTopics, workload: Workload): Topology {
  const builder = new StreamsBuilder();
  const events = builder.stream(topics.input, { key: serdes.string, value: serdes.json<Event>(), timestamp: (record) => record.value.at });
  const add = (_key: string, event: Event, tally: Tally): Tally => ({ count: tally.count + 1, sum: tally.sum + event.id });

  if (workload !== 'windows') {
    const merger = (_user: string, a: Tally, b: Tally): Tally => ({ count: a.count + b.count, sum: a.sum + b.sum });
    events
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(GAP_MS, SESSION_GRACE_MS))
      .aggregate({ initializer: () => NOTHING, aggregator: add, merger }, { store: STORES.sessions, value: serdes.json<Tally>() })
      .toStream()
      .to(topics.sessions, { key: serdes.sessionWindowed(serdes.string), value: serdes.json<Tally>() });
  }
  if (workload !== 'sessions') {
    const byPage = events.selectKey((_user, event) => event.page).repartition({ name: 'by-page', key: serdes.string, value: serdes.json<Event>() });
    byPage.to(topics.through, { key: serdes.string, value: serdes.json<Event>() });
    byPage
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW_MS, WINDOW_GRACE_MS))
      .aggregate({ initializer: () => NOTHING, aggregator: add }, { store: STORES.windows, value: serdes.json<Tally>(), caching: false })
      .toStream()
      .to(topics.windows, { key: serdes.timeWindowed(serdes.string, WINDOW_MS), value: serdes.json<Tally>() });
  }
  return builder.build();
}

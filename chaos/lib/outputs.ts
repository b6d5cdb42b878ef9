import { type Cluster, partitionsOf } from '../../bench/lib/cluster.ts';
import { partitionKey } from '../../src/kafka/contract.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { type ChaosTopics, type Event, type Tally, WINDOW_MS } from '../service/shapes.ts';
import { type Table, windowedKey } from './oracle.ts';

/** Everything committed in the output topics. */
export interface Outputs {
  /** How often each id is in the pass-through topic. */
  readonly through: Uint16Array;
  readonly sessions: Table;
  readonly windows: Table;
  /** Of each window, the counts of all its updates in their order. */
  readonly updates: ReadonlyMap<string, number[]>;
}

export async function readOutputs(cluster: Cluster, topics: ChaosTopics, partitions: number, events: number): Promise<Outputs> {
  const sessionKey = serdes.sessionWindowed(serdes.string);
  const timeKey = serdes.timeWindowed(serdes.string, WINDOW_MS);
  let through = new Uint16Array(events);
  const sessions: Table = new Map();
  const windows: Table = new Map();
  const updates = new Map<string, number[]>();
  const all = [topics.sessions, topics.windows, topics.through].flatMap((topic) => partitionsOf(topic, partitions));
  await cluster.readToEnd(all, ({ topic, key, value }) => {
    if (topic === topics.through) {
      const { id } = JSON.parse((value as Buffer).toString()) as Event;
      if (id >= through.length) {
        const longer = new Uint16Array(id + 1);
        longer.set(through);
        through = longer;
      }
      through[id] = (through[id] as number) + 1;
      return;
    }
    const serde = topic === topics.sessions ? sessionKey : timeKey;
    const { key: inner, window } = serde.deserialize(topic, key as Buffer);
    const id = windowedKey(inner, window.start, window.end);
    const table = topic === topics.sessions ? sessions : windows;
    if (value === null) {
      table.delete(id);
      return;
    }
    const tally = JSON.parse(value.toString()) as Tally;
    table.set(id, tally);
    if (topic === topics.windows) {
      const ofWindow = updates.get(id);
      if (ofWindow === undefined) updates.set(id, [tally.count]);
      else ofWindow.push(tally.count);
    }
  });
  return { through, sessions, windows, updates };
}

/** Watches for how long nothing is committed to the output, while there is input. */
export async function watchGaps(cluster: Cluster, topics: readonly string[], partitions: number, stop: AbortSignal): Promise<number> {
  const fetcher = cluster.clients.fetcher({ isolation: 'read_committed', maxPrefetchBytes: 8 * 1024 * 1024 });
  await fetcher.connect(30_000);
  const places = topics.flatMap((topic) => partitionsOf(topic, partitions));
  const ends = await cluster.ends(places);
  let longest = 0;
  let last = Date.now();
  try {
    await fetcher.assign(places.map((place) => ({ ...place, offset: ends.get(partitionKey(place)) ?? 0 })));
    while (!stop.aborted) {
      const messages = await fetcher.consume(10_000, 100);
      fetcher.takeEndOfPartitions();
      longest = Math.max(longest, Date.now() - last);
      if (messages.length > 0) last = Date.now();
    }
  } finally {
    await fetcher.close();
  }
  return longest;
}

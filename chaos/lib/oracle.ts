import { partitionOfKey } from '../../src/util/murmur2.ts';
import { type Event, GAP_MS, type Tally, WINDOW_MS } from '../service/shapes.ts';

/** A final table: windowed keys as `key|start|end`. */
export type Table = Map<string, Tally>;

/** What must come out of a run, computed from what was put in and from nothing else. */
export interface Expected {
  readonly events: number;
  readonly sessions: Table;
  /** Windowed tallies; each window has as many updates as its count. */
  readonly windows: Table;
  /** Highest event time in the input partition of each user: what its store's stream time is. */
  readonly streamTimeOfUser: (user: string) => number;
}

export function windowedKey(key: string, start: number, end: number): string {
  return `${key}|${start}|${end}`;
}

export function expectedOf(events: readonly Event[], partitions: number): Expected {
  const windows: Table = new Map();
  const byUser = new Map<string, Event[]>();
  const streamTimes = new Array<number>(partitions).fill(Number.NEGATIVE_INFINITY);
  for (const event of events) {
    const start = Math.floor(event.at / WINDOW_MS) * WINDOW_MS;
    add(windows, windowedKey(event.page, start, start + WINDOW_MS), event);
    const ofUser = byUser.get(event.user);
    if (ofUser === undefined) byUser.set(event.user, [event]);
    else ofUser.push(event);
    const partition = userPartition(event.user, partitions);
    streamTimes[partition] = Math.max(streamTimes[partition] as number, event.at);
  }
  return {
    events: events.length,
    sessions: sessionsOf(byUser),
    windows,
    streamTimeOfUser: (user) => streamTimes[userPartition(user, partitions)] as number,
  };
}

/** Events no more than the gap apart belong to one session, from its first to its last event. */
function sessionsOf(byUser: ReadonlyMap<string, Event[]>): Table {
  const sessions: Table = new Map();
  for (const [user, ofUser] of byUser) {
    const inOrder = [...ofUser].sort((a, b) => a.at - b.at);
    let session: Event[] = [];
    const close = (): void => {
      const [first, last] = [session[0], session.at(-1)];
      if (first === undefined || last === undefined) return;
      const key = windowedKey(user, first.at, last.at);
      for (const event of session) add(sessions, key, event);
    };
    for (const event of inOrder) {
      if (session.length > 0 && event.at - (session.at(-1) as Event).at > GAP_MS) {
        close();
        session = [];
      }
      session.push(event);
    }
    close();
  }
  return sessions;
}

function add(table: Table, key: string, event: Event): void {
  const tally = table.get(key) ?? { count: 0, sum: 0 };
  table.set(key, { count: tally.count + 1, sum: tally.sum + event.id });
}

export function userPartition(user: string, partitions: number): number {
  return partitionOfKey(Buffer.from(user), partitions);
}

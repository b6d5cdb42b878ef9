import { BufferConfig, type KStream, SessionWindows, type StreamsBuilder, Suppressed, serdes, TimeWindows } from 'millrace';
import type { Define } from '../workloads.ts';

export interface PageView {
  user: string;
  url: string;
  at: number;
}

interface Session {
  pages: number;
  entry: string | null;
  exit: string | null;
  first: number;
  last: number;
}

const WINDOW = '5m';
const GAP = '30m';
const GRACE = '1m';

const NO_SESSION: Session = { pages: 0, entry: null, exit: null, first: Number.MAX_SAFE_INTEGER, last: Number.MIN_SAFE_INTEGER };

function views(builder: StreamsBuilder, input: string): KStream<string, PageView> {
  return builder.stream(input, { key: serdes.string, value: serdes.json<PageView>(), timestamp: (record) => record.value.at });
}

export const stateless: Define = (builder, input, output) => {
  views(builder, input)
    .filter((user) => !user.startsWith('bot-'))
    .mapValues((view) => ({ user: view.user, url: view.url, at: view.at, section: section(view.url) }))
    .to(output, { key: serdes.string, value: serdes.json() });
};

export const count: Define = (builder, input, output) => {
  views(builder, input).groupByKey().count({ store: 'views-by-user', value: serdes.long }).toStream().to(output, { key: serdes.string, value: serdes.long });
};

export const windows: Define = (builder, input, output) => {
  views(builder, input)
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
    .count({ store: 'views-by-user-and-window', value: serdes.long })
    .toStream()
    .to(output, { key: serdes.timeWindowed(serdes.string, WINDOW), value: serdes.long });
};

export const suppress: Define = (builder, input, output) => {
  views(builder, input)
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
    .count({ store: 'views-by-user-and-window', value: serdes.long })
    .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
    .toStream()
    .to(output, { key: serdes.timeWindowed(serdes.string, WINDOW), value: serdes.long });
};

export const sessions: Define = (builder, input, output) => {
  views(builder, input)
    .groupByKey()
    .windowedBy(SessionWindows.ofInactivityGapAndGrace(GAP, GRACE))
    .aggregate({ initializer: () => NO_SESSION, aggregator: addView, merger: mergeSessions }, { store: 'sessions', value: serdes.json<Session>() })
    .toStream()
    .to(output, { key: serdes.sessionWindowed(serdes.string), value: serdes.json<Session>() });
};

export const repartition: Define = (builder, input, output) => {
  views(builder, input)
    .groupBy((_user, view) => view.url, { name: 'by-url', key: serdes.string, value: serdes.json<PageView>() })
    .count({ store: 'views-by-url', value: serdes.long })
    .toStream()
    .to(output, { key: serdes.string, value: serdes.long });
};

function section(url: string): string {
  const slash = url.indexOf('/', 1);
  return slash < 0 ? url.substring(1) : url.substring(1, slash);
}

function addView(_user: string, view: PageView, session: Session): Session {
  const earliest = view.at < session.first;
  const latest = view.at >= session.last;
  return {
    pages: session.pages + 1,
    entry: earliest ? view.url : session.entry,
    exit: latest ? view.url : session.exit,
    first: earliest ? view.at : session.first,
    last: latest ? view.at : session.last,
  };
}

function mergeSessions(_user: string, left: Session, right: Session): Session {
  if (left.pages === 0) return right;
  if (right.pages === 0) return left;
  const earliest = right.first < left.first;
  const latest = right.last >= left.last;
  return {
    pages: left.pages + right.pages,
    entry: earliest ? right.entry : left.entry,
    exit: latest ? right.exit : left.exit,
    first: earliest ? right.first : left.first,
    last: latest ? right.last : left.last,
  };
}

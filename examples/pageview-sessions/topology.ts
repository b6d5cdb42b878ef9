import type { Duration, FixedKeyProcessor, FixedKeyProcessorContext, StreamRecord, Topology, Windowed } from 'millrace';
import { SessionWindows, StreamsBuilder, serdes, TimeWindows } from 'millrace';
import type { LateView, PageCount, PageView, Session } from './types.ts';

/** Names of the topics; the same prefix for all lets two services share a broker. */
export interface Topics {
  readonly pageviews: string;
  readonly sessions: string;
  readonly counts: string;
  readonly top: string;
  readonly late: string;
  readonly malformed: string;
}

export function topicNames(prefix = ''): Topics {
  return {
    pageviews: `${prefix}pageviews`,
    sessions: `${prefix}pageview-sessions`,
    counts: `${prefix}pageview-counts`,
    top: `${prefix}pageview-top`,
    late: `${prefix}pageviews-late`,
    malformed: `${prefix}pageviews-malformed`,
  };
}

export interface ServiceOptions {
  readonly topics: Topics;
  /** A session ends after so long without a page view. @default '30m' */
  readonly gap?: Duration;
  /** Size of the windows in which page views are counted. @default '5m' */
  readonly window?: Duration;
  /** How long after its end a window still takes page views. @default '1m' */
  readonly grace?: Duration;
  /**
   * How far apart, in event time, the partitions of `pageviews` may be processed without losing a count: while an instance is down its
   * partitions wait and the others go on, and a replay runs through hours of event time in a second. The README says why.
   * @default '1d'
   */
  readonly drift?: Duration;
}

/** Names that appear in the names of internal topics, so that nothing changes when a step is added above them. */
export const VIEWS_BY_URL = 'views-by-url';
export const COUNTS_BY_WINDOW = 'counts-by-window';
export const STORES = { sessions: 'sessions', counts: 'counts', top: 'top-pages' } as const;

const TOP = 10;

/** Page views in; sessions of each user, counts of each page in windows, and the top pages of each window out. */
export function buildTopology({ topics, gap = '30m', window = '5m', grace = '1m', drift = '1d' }: ServiceOptions): Topology {
  const builder = new StreamsBuilder();
  const views = builder.stream(topics.pageviews, {
    key: serdes.string,
    value: serdes.json<PageView>(),
    timestamp: (record) => record.value.at,
  });

  views
    .groupByKey()
    .windowedBy(SessionWindows.ofInactivityGapAndGrace(gap, grace))
    .aggregate({ initializer: () => NO_SESSION, aggregator: addView, merger: mergeSessions }, { store: STORES.sessions, value: serdes.json<Session>() })
    .toStream()
    .to(topics.sessions, { key: serdes.sessionWindowed(serdes.string), value: serdes.json<Session>() });

  // Lateness is decided here, before the repartitioning: a partition of `pageviews` has one order, so the answer is the same however often, and by
  // whichever instance, it is processed.
  const checked = views.processValues(() => new LatenessCheck(TimeWindows.ofSizeAndGrace(window, grace)), { name: 'lateness' });
  checked.filter((_user, view) => isLate(view)).to(topics.late, { key: serdes.string, value: serdes.json() });

  const windows = TimeWindows.ofSizeAndGrace(window, drift);
  const counts = checked
    .filterNot((_user, view) => isLate(view))
    .groupBy((_user, view) => view.url, { name: VIEWS_BY_URL, key: serdes.string, value: serdes.json<PageView>() })
    .windowedBy(windows)
    .count({ store: STORES.counts, value: serdes.long })
    .toStream();
  counts.to(topics.counts, { key: serdes.timeWindowed(serdes.string, window), value: serdes.long });

  // Counts only grow, so the ten highest that were ever seen in a window are its top pages.
  counts
    .map<string, PageCount>((page, views) => [windowName(page), { url: page.key, views: views ?? 0 }])
    .groupByKey({ name: COUNTS_BY_WINDOW, key: serdes.string, value: serdes.json<PageCount>() })
    .windowedBy(windows)
    .aggregate({ initializer: (): PageCount[] => [], aggregator: rank }, { store: STORES.top, value: serdes.json<PageCount[]>() })
    .toStream()
    .to(topics.top, { key: serdes.timeWindowed(serdes.string, window), value: serdes.json<PageCount[]>() });

  return builder.build();
}

const NO_SESSION: Session = { pages: 0, entryPage: '', exitPage: '', startedAt: 0, endedAt: 0, durationSeconds: 0 };

function addView(_user: string, view: PageView, session: Session): Session {
  return mergeSessions('', session, { pages: 1, entryPage: view.url, exitPage: view.url, startedAt: view.at, endedAt: view.at, durationSeconds: 0 });
}

/** Page views arrive out of order: the entry page is the earliest, the exit page the latest, whatever came first. */
function mergeSessions(_user: string, a: Session, b: Session): Session {
  if (a.pages === 0) return b;
  if (b.pages === 0) return a;
  const first = a.startedAt <= b.startedAt ? a : b;
  const last = a.endedAt > b.endedAt ? a : b;
  return {
    pages: a.pages + b.pages,
    entryPage: first.entryPage,
    exitPage: last.exitPage,
    startedAt: first.startedAt,
    endedAt: last.endedAt,
    durationSeconds: Math.round((last.endedAt - first.startedAt) / 1000),
  };
}

function rank(_window: string, page: PageCount, top: PageCount[]): PageCount[] {
  return [...top.filter((other) => other.url !== page.url), page].sort((a, b) => b.views - a.views || (a.url < b.url ? -1 : 1)).slice(0, TOP);
}

function windowName(page: Windowed<string>): string {
  return new Date(page.window.start).toISOString();
}

function isLate(view: PageView | LateView): view is LateView {
  return 'lateBy' in view;
}

/** Marks the page views whose window had closed when they came: the rule by which windowed counts drop records, `end <= stream time - grace`. */
class LatenessCheck implements FixedKeyProcessor<string, PageView, PageView | LateView> {
  readonly #windows: TimeWindows;
  #context!: FixedKeyProcessorContext<string, PageView | LateView>;

  constructor(windows: TimeWindows) {
    this.#windows = windows;
  }

  init(context: FixedKeyProcessorContext<string, PageView | LateView>): void {
    this.#context = context;
  }

  process(record: StreamRecord<string, PageView>): void {
    const { sizeMs, graceMs } = this.#windows;
    const closesAt = (Math.floor(record.timestamp / sizeMs) + 1) * sizeMs + graceMs;
    const lateBy = this.#context.currentStreamTimeMs() - closesAt;
    this.#context.forward(lateBy < 0 ? record : record.withValue({ ...record.value, lateBy }));
  }
}

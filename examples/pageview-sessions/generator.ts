import { seededRandom } from './random.ts';
import type { PageView } from './types.ts';

export interface TrafficOptions {
  /** The same seed and options make the same traffic. @default 1 */
  seed?: number;
  /** Event time of the first page view, epoch milliseconds. */
  startAt: number;
  /** Average page views for each second of event time. @default 20 */
  viewsPerSecond?: number;
  /** People who may visit; some come back. @default 5000 */
  users?: number;
  /** Pages of the site; few of them are viewed most. @default 400 */
  pages?: number;
  /** Crawlers, each walking the site at a steady pace. @default 3 */
  bots?: number;
  /** Share of views that arrive up to 20 seconds late. @default 0.05 */
  outOfOrder?: number;
  /** Share of views that arrive 10 to 40 minutes late, after their window has closed. @default 0.001 */
  late?: number;
}

interface Visitor {
  user: string;
  /** Page views until the visitor leaves. */
  left: number;
}

const BURST_EVERY_MS = 20 * 60_000;
const BURST_LENGTH_MS = 90_000;
const MINUTE = 60_000;

/**
 * Believable traffic of a web site, without end: visitors who walk from page to page and leave, crawlers, bursts on one page that is suddenly popular, and
 * page views that arrive out of order or long after their time. Deterministic for its options.
 */
export function* pageViews(options: TrafficOptions): Generator<PageView, never, undefined> {
  const { seed = 1, startAt, viewsPerSecond = 20, users = 5000, pages = 400, bots = 3, outOfOrder = 0.05, late = 0.001 } = options;
  const random = seededRandom(seed);
  const sites = Array.from({ length: pages }, (_, index) => pageName(index));
  const crawlers = Array.from({ length: bots }, (_, index) => ({ user: `bot-${index + 1}`, next: Math.floor(random() * pages) }));
  // About as many people are on the site at a time as make the wanted rate with one view in half a minute.
  const visitors: Visitor[] = Array.from({ length: Math.max(1, Math.min(users, Math.round(viewsPerSecond * 30))) }, () => arrive(random, users));
  const meanGapMs = 1000 / viewsPerSecond;
  let now = startAt;
  let popular = 0;
  let burstNumber = -1;

  for (;;) {
    const sinceStart = now - startAt;
    const inBurst = sinceStart % BURST_EVERY_MS < BURST_LENGTH_MS && sinceStart >= BURST_EVERY_MS;
    if (inBurst && Math.floor(sinceStart / BURST_EVERY_MS) !== burstNumber) {
      burstNumber = Math.floor(sinceStart / BURST_EVERY_MS);
      popular = Math.floor(random() * pages);
    }
    now += -Math.log(1 - random()) * (inBurst ? meanGapMs / 4 : meanGapMs);

    let user: string;
    let url: string;
    const crawler = random() < 0.04 ? crawlers[Math.floor(random() * bots)] : undefined;
    if (crawler !== undefined) {
      user = crawler.user;
      url = sites[crawler.next] as string;
      crawler.next = (crawler.next + 1) % pages;
    } else {
      const visitor = visitors[Math.floor(random() * visitors.length)] as Visitor;
      user = visitor.user;
      // The cube of a uniform number: the first pages are viewed much more often than the last.
      url = sites[inBurst && random() < 0.7 ? popular : Math.floor(random() ** 3 * pages)] as string;
      visitor.left -= 1;
      if (visitor.left === 0) Object.assign(visitor, arrive(random, users));
    }
    yield { user, url, at: Math.floor(now - delay(random, outOfOrder, late)) };
  }
}

function arrive(random: () => number, users: number): Visitor {
  return { user: `u-${Math.floor(random() ** 1.5 * users) + 1}`, left: 1 + Math.floor(-Math.log(1 - random()) * 5) };
}

function delay(random: () => number, outOfOrder: number, late: number): number {
  const dice = random();
  if (dice < late) return 10 * MINUTE + random() * 30 * MINUTE;
  return dice < late + outOfOrder ? random() * 20_000 : 0;
}

function pageName(index: number): string {
  if (index === 0) return '/';
  if (index % 3 === 0) return `/blog/${index}`;
  return index % 3 === 1 ? `/products/${index}` : `/docs/${index}`;
}

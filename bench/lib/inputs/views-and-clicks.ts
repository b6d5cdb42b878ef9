import { pageViews } from '../../../examples/pageview-sessions/generator.ts';
import { seededRandom } from '../../../examples/pageview-sessions/random.ts';
import { RECORDS_PER_SECOND, startOf, type Traffic } from './traffic.ts';

/** Views that may still be clicked on: those of the last minute. */
const RECENT = 3000;

/**
 * Page views, and in `<topic>-clicks` clicks on the pages that were viewed, each in the minute after its view: one click for each view. No crawlers: a
 * few keys would make most of a join's results. No record is late: a view is up to 20 seconds out of order, the join's grace is minutes.
 */
export const viewsAndClicks: Traffic = function* ({ topic, records, users, seed }) {
  const random = seededRandom(seed + 1);
  const recent: { user: string; url: string }[] = [];
  let now = 0;
  let index = 0;
  for (const view of pageViews({ seed, startAt: startOf(records), viewsPerSecond: RECORDS_PER_SECOND / 2, users, bots: 0, late: 0 })) {
    now = Math.max(now, view.at);
    recent[index % RECENT] = view;
    yield { topic, key: view.user, value: view, at: view.at };
    const { user, url } = recent[Math.floor(random() * recent.length)] as { user: string; url: string };
    yield { topic: `${topic}-clicks`, key: user, value: { user, button: `${url}#${index % 10}`, at: now }, at: now };
    index += 1;
  }
};

import { pageViews as traffic } from '../../../examples/pageview-sessions/generator.ts';
import { RECORDS_PER_SECOND, startOf, type Traffic } from './traffic.ts';

/** Page views keyed by user, JSON of about 60 bytes. `late`: the share that comes 10 to 40 minutes late. */
export function pageViews(late: number): Traffic {
  return function* ({ topic, records, users, seed }) {
    for (const view of traffic({ seed, startAt: startOf(records), viewsPerSecond: RECORDS_PER_SECOND, users, late })) {
      yield { topic, key: view.user, value: view, at: view.at };
    }
  };
}

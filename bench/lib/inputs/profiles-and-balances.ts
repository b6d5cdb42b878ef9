import { seededRandom } from '../../../examples/pageview-sessions/random.ts';
import { eventTime, startOf, type Traffic } from './traffic.ts';

/**
 * Two tables by user, updated in turn at random; one update in fifty of the second, `<topic>-balances`, deletes. The first never does: when both sides of a row are deleted
 * within one commit interval neither flush finds a partner, so whether the result's tombstone is sent depends on the caches, in Kafka Streams too.
 */
export const profilesAndBalances: Traffic = function* ({ topic, records, users, seed }) {
  const random = seededRandom(seed);
  const start = startOf(records);
  for (let index = 0; ; index += 1) {
    const at = eventTime(start, index, random);
    const key = `u-${Math.floor(random() * users)}`;
    if (random() < 0.5) yield { topic, key, value: { name: `Name of ${key}`, city: `City ${Math.floor(random() * 500)}`, at }, at };
    else yield { topic: `${topic}-balances`, key, value: random() < 0.02 ? null : { cents: Math.floor(random() * 1e6), at }, at };
  }
};

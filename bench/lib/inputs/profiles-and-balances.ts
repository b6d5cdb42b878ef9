import { seededRandom } from '../../../examples/pageview-sessions/random.ts';
import { eventTime, startOf, type Traffic } from './traffic.ts';

/** Two tables by user, updated in turn at random; one update in fifty deletes. The second is `<topic>-balances`. */
export const profilesAndBalances: Traffic = function* ({ topic, records, users, seed }) {
  const random = seededRandom(seed);
  const start = startOf(records);
  for (let index = 0; ; index += 1) {
    const at = eventTime(start, index, random);
    const key = `u-${Math.floor(random() * users)}`;
    const deleted = random() < 0.02;
    if (random() < 0.5) yield { topic, key, value: deleted ? null : { name: `Name of ${key}`, city: `City ${Math.floor(random() * 500)}`, at }, at };
    else yield { topic: `${topic}-balances`, key, value: deleted ? null : { cents: Math.floor(random() * 1e6), at }, at };
  }
};

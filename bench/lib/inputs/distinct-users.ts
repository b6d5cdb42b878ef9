import { startOf, type Traffic } from './traffic.ts';

/** Spreads indices over the keys: a prime, so that no key comes twice as long as their number is not a multiple of it. */
const STRIDE = 7_368_787;

/** One page view each of `records` users, in an order that has nothing to do with their names. */
export const distinctUsers: Traffic = function* ({ topic, records }) {
  const at = startOf(records);
  for (let index = 0; ; index += 1) {
    const user = `user-${String((index * STRIDE) % records).padStart(10, '0')}`;
    yield { topic, key: user, value: { user, url: '/', at: at + Math.floor(index / 100) }, at: at + Math.floor(index / 100) };
  }
};

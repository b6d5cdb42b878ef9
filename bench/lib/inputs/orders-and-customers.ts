import { seededRandom } from '../../../examples/pageview-sessions/random.ts';
import { eventTime, startOf, type Traffic } from './traffic.ts';

const ORDERS_OF_A_CUSTOMER = 5;

/**
 * Orders, and in `<topic>-customers` their customers, five orders each. Nine updates in ten are of an order; one in ten of those moves it to another customer, one in fifty
 * deletes it. No two versions of an order are equal, or an answer to the first could pass for one to the second.
 */
export const ordersAndCustomers: Traffic = function* ({ topic, records, users, seed }) {
  const random = seededRandom(seed);
  const start = startOf(records);
  for (let index = 0; ; index += 1) {
    const at = eventTime(start, index, random);
    if (random() < 0.1) {
      const customer = Math.floor(random() * users);
      yield { topic: `${topic}-customers`, key: `c-${customer}`, value: { name: `Customer ${customer}`, tier: Math.floor(random() * 4), at }, at };
      continue;
    }
    const order = Math.floor(random() * users * ORDERS_OF_A_CUSTOMER);
    const customer = random() < 0.1 ? Math.floor(random() * users) : Math.floor(order / ORDERS_OF_A_CUSTOMER);
    const value = random() < 0.02 ? null : { customer: `c-${customer}`, cents: Math.floor(random() * 1e6), version: index };
    yield { topic, key: `o-${order}`, value, at };
  }
};

import { JoinWindows, serdes } from 'millrace';
import type { Define } from '../workloads.ts';
import type { PageView } from './page-views.ts';

interface Click {
  user: string;
  button: string;
  at: number;
}

interface Profile {
  name: string;
  city: string;
  at: number;
}

interface Balance {
  cents: number;
  at: number;
}

interface Order {
  customer: string;
  cents: number;
  version: number;
}

interface Customer {
  name: string;
  tier: number;
  at: number;
}

const WITHIN = '30s';
const GRACE = '5m';

/** Clicks with the views of the same user in the half minute before and after. */
export const streamJoin: Define = (builder, input, output) => {
  const views = builder.stream(input, { key: serdes.string, value: serdes.json<PageView>() });
  const clicks = builder.stream(`${input}-clicks`, { key: serdes.string, value: serdes.json<Click>() });
  views
    .join(
      clicks,
      (view, click) => ({ url: view.url, button: click.button, viewed: view.at, clicked: click.at }),
      JoinWindows.ofTimeDifferenceAndGrace(WITHIN, GRACE),
      {
        key: serdes.string,
        value: serdes.json<PageView>(),
        otherValue: serdes.json<Click>(),
        store: 'views-and-clicks',
      },
    )
    .to(output, { key: serdes.string, value: serdes.json() });
};

export const tableJoin: Define = (builder, input, output) => {
  const profiles = builder.table(input, { key: serdes.string, value: serdes.json<Profile>(), store: 'profiles' });
  const balances = builder.table(`${input}-balances`, { key: serdes.string, value: serdes.json<Balance>(), store: 'balances' });
  profiles
    .join(balances, (profile, balance) => ({ name: profile.name, city: profile.city, cents: balance.cents, moved: profile.at, booked: balance.at }))
    .toStream()
    .to(output, { key: serdes.string, value: serdes.json() });
};

export const fkJoin: Define = (builder, input, output) => {
  const orders = builder.table(input, { key: serdes.string, value: serdes.json<Order>(), store: 'orders' });
  const customers = builder.table(`${input}-customers`, { key: serdes.string, value: serdes.json<Customer>(), store: 'customers' });
  orders
    .join(
      customers,
      (order) => order.customer,
      (order, customer) => ({ customer: order.customer, name: customer.name, tier: customer.tier, cents: order.cents, version: order.version }),
    )
    .toStream()
    .to(output, { key: serdes.string, value: serdes.json() });
};

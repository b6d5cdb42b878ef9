import { serdes } from 'millrace';
import type { Example, Order } from '../example.ts';

export const count: Example = {
  topology(builder) {
    builder.stream<string, string>('views').groupByKey().count({ store: 'views-by-user' }).toStream().to('counts');
  },
  trace: `
    views  ann  "/"  @1
      → counts  ann  1  @1
    views  bob  "/"  @2
      → counts  bob  1  @2
    views  ann  "/cart"  @1
      → counts  ann  2  @1
  `,
};

export const groupBy: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .groupBy((_user, page) => page, { name: 'by-page' })
      .count({ store: 'views-by-page' })
      .toStream()
      .to('counts');
  },
  trace: `
    views  ann  "/"  @1
      → counts  /  1  @1
    views  bob  "/"  @2
      → counts  /  2  @2
  `,
};

export const reduce: Example = {
  topology(builder) {
    builder
      .stream<string, number>('bids')
      .groupByKey()
      .reduce((highest, bid) => Math.max(highest, bid), { store: 'highest-bid' })
      .toStream()
      .to('highest');
  },
  trace: `
    bids  vase  10  @1
      → highest  vase  10  @1
    bids  vase  7  @2
      → highest  vase  10  @2
  `,
};

export const aggregate: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .groupBy((_id, order) => order.customer)
      .aggregate(
        {
          initializer: () => ({ orders: 0, spent: 0 }),
          aggregator: (_customer, order, { orders, spent }) => ({ orders: orders + 1, spent: spent + order.total }),
        },
        { store: 'customers', value: serdes.json<{ orders: number; spent: number }>() },
      )
      .toStream()
      .to('customers');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → customers  ann  {"orders":1,"spent":5}  @1
    orders  o2  {"customer":"ann","total":6}  @2
      → customers  ann  {"orders":2,"spent":11}  @2
  `,
};

export const cogroup: Example = {
  topology(builder) {
    const views = builder.stream<string, string>('views').groupByKey();
    const orders = builder.stream<string, number>('totals').groupByKey();
    views
      .cogroup<{ views: number; spent: number }>((_user, _page, seen) => ({ ...seen, views: seen.views + 1 }))
      .cogroup(orders, (_user, total, seen) => ({ ...seen, spent: seen.spent + total }))
      .aggregate({ initializer: () => ({ views: 0, spent: 0 }) }, { store: 'users', value: serdes.json<{ views: number; spent: number }>() })
      .toStream()
      .to('users');
  },
  trace: `
    views  ann  "/"  @1
      → users  ann  {"views":1,"spent":0}  @1
    totals  ann  5  @2
      → users  ann  {"views":1,"spent":5}  @2
  `,
};

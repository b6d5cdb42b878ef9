import { JoinWindows, Stores, serdes } from 'millrace';
import type { Customer, Example, Order } from '../example.ts';

export const streamStream: Example = {
  topology(builder) {
    const orders = builder.stream<string, number>('orders');
    const payments = builder.stream<string, number>('payments');
    orders.join(payments, (due, paid) => due - paid, JoinWindows.ofTimeDifferenceAndGrace('1h', '5m')).to('open');
  },
  trace: `
    orders  o1  100  @0
    payments  o1  60  @60000
      → open  o1  40  @60000
    payments  o1  40  @7200000
  `,
};

export const streamStreamLeft: Example = {
  topology(builder) {
    const orders = builder.stream<string, number>('orders');
    const payments = builder.stream<string, number>('payments');
    orders.leftJoin(payments, (due, paid) => (paid === null ? 'unpaid' : due - paid), JoinWindows.ofTimeDifferenceWithNoGrace('1h').before(0)).to('result');
  },
  trace: `
    orders  o1  100  @0
    orders  o2  50  @1000
    payments  o2  50  @2000
      → result  o2  0  @2000
    payments  o3  1  @3600001
      → result  o1  "unpaid"  @0
  `,
};

export const streamStreamOuter: Example = {
  topology(builder) {
    const orders = builder.stream<string, number>('orders');
    const payments = builder.stream<string, number>('payments');
    orders.outerJoin(payments, (due, paid) => ({ due, paid }), JoinWindows.ofTimeDifferenceWithNoGrace('1h')).to('result');
  },
  trace: `
    payments  o1  60  @0
    orders  o2  50  @3600001
      → result  o1  {"due":null,"paid":60}  @0
    payments  o2  50  @3600002
      → result  o2  {"due":50,"paid":50}  @3600002
  `,
};

export const streamTable: Example = {
  topology(builder) {
    const customers = builder.table<string, Customer>('customers');
    builder
      .stream<string, Order>('orders')
      .selectKey((_id, order) => order.customer)
      .join(customers, (order, customer) => ({ total: order.total, country: customer.country }), { name: 'enrich' })
      .to('enriched');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
    customers  ann  {"name":"Ann","country":"NO"}  @2
    orders  o2  {"customer":"ann","total":6}  @3
      → enriched  ann  {"total":6,"country":"NO"}  @3
  `,
};

export const streamVersionedTable: Example = {
  topology(builder) {
    const prices = builder.table<string, number>('prices', { store: Stores.persistentVersionedKeyValueStore('prices', '1d') });
    builder
      .stream<string, number>('sales')
      .leftJoin(prices, (amount, price) => (price === null ? 'no price' : amount * price))
      .to('receipts');
  },
  trace: `
    prices  tea  3  @1000
    prices  tea  4  @2000
    sales  tea  10  @1500
      → receipts  tea  30  @1500
    sales  tea  10  @2500
      → receipts  tea  40  @2500
    sales  tea  10  @500
      → receipts  tea  "no price"  @500
  `,
};

export const streamTableGrace: Example = {
  topology(builder) {
    const prices = builder.table<string, number>('prices', { store: Stores.persistentVersionedKeyValueStore('prices', '1d') });
    builder
      .stream<string, number>('sales')
      .join(prices, (amount, price) => amount * price, { key: serdes.string, value: serdes.json<number>(), grace: '10s' })
      .to('receipts');
  },
  trace: `
    sales  tea  10  @1500
    prices  tea  3  @1000
    sales  salt  1  @11500
      → receipts  tea  30  @1500
  `,
};

export const streamGlobalTable: Example = {
  topology(builder) {
    const countries = builder.globalTable<string, string>('countries', { store: 'countries' });
    builder
      .stream<string, Customer>('signups')
      .join(
        countries,
        (_id, customer) => customer.country,
        (customer, country) => `${customer.name} of ${country}`,
      )
      .to('greetings');
  },
  trace: `
    countries  NO  "Norway"  @0
    signups  c1  {"name":"Ann","country":"NO"}  @1
      → greetings  c1  "Ann of Norway"  @1
    signups  c2  {"name":"Bob","country":"XX"}  @2
  `,
};

export const tableTable: Example = {
  topology(builder) {
    const prices = builder.table<string, number>('prices');
    const stock = builder.table<string, number>('stock');
    prices
      .outerJoin(stock, (price, amount) => (price ?? 0) * (amount ?? 0), { store: 'worth' })
      .toStream()
      .to('worth');
  },
  trace: `
    prices  tea  3  @1
      → worth  tea  0  @1
    stock  tea  10  @2
      → worth  tea  30  @2
    prices  tea  4  @3
      → worth  tea  40  @3
  `,
};

export const foreignKey: Example = {
  topology(builder) {
    const orders = builder.table<string, Order>('orders');
    const customers = builder.table<string, Customer>('customers');
    orders
      .join(
        customers,
        (order) => order.customer,
        (order, customer) => `${order.total} to ${customer.country}`,
        { name: 'order-customer' },
      )
      .toStream()
      .to('shipments');
  },
  trace: `
    customers  ann  {"name":"Ann","country":"NO"}  @1
    orders  o1  {"customer":"ann","total":5}  @2
      → shipments  o1  "5 to NO"  @2
    customers  ann  {"name":"Ann","country":"SE"}  @3
      → shipments  o1  "5 to SE"  @3
  `,
};

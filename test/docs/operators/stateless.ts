import { serdes } from 'millrace';
import type { Example, Order } from '../example.ts';

const log = { debug: (_line: string): void => {} };

export const stream: Example = {
  topology(builder) {
    builder
      .stream('orders', { key: serdes.string, value: serdes.json<Order & { at: number }>(), timestamp: (record) => record.value.at })
      .mapValues((order) => order.total)
      .to('totals', { key: serdes.string, value: serdes.long });
  },
  trace: `
    orders  o1  {"customer":"ann","total":5,"at":1000}  @7
      → totals  o1  5  @1000
  `,
};

export const filter: Example = {
  topology(builder) {
    const orders = builder.stream<string, Order>('orders');
    orders.filter((_id, order) => order.total >= 100).to('large');
    orders.filterNot((_id, order) => order.total >= 100).to('small');
  },
  trace: `
    orders  o1  {"customer":"ann","total":100}  @1
      → large  o1  {"customer":"ann","total":100}  @1
    orders  o2  {"customer":"bob","total":7}  @2
      → small  o2  {"customer":"bob","total":7}  @2
  `,
};

export const map: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .map((_id, order) => [order.customer, order.total])
      .to('totals-by-customer');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → totals-by-customer  ann  5  @1
  `,
};

export const mapValues: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .mapValues((order, id) => `${id}: ${order.total}`)
      .to('lines');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → lines  o1  "o1: 5"  @1
  `,
};

export const flatMap: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .flatMap((id, order) => [
        [order.customer, id],
        [`total-${order.total}`, id],
      ])
      .to('index');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → index  ann  "o1"  @1
      → index  total-5  "o1"  @1
  `,
};

export const flatMapValues: Example = {
  topology(builder) {
    builder
      .stream<string, string>('lines')
      .flatMapValues((line) => line.split(' '))
      .to('words');
  },
  trace: `
    lines  l1  "to be"  @1
      → words  l1  "to"  @1
      → words  l1  "be"  @1
  `,
};

export const selectKey: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .selectKey((_id, order) => order.customer)
      .to('orders-by-customer');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → orders-by-customer  ann  {"customer":"ann","total":5}  @1
  `,
};

export const peek: Example = {
  topology(builder) {
    const orders = builder.stream<string, Order>('orders');
    orders.peek((id) => log.debug(id)).to('copy');
    orders.foreach((id, order) => log.debug(`${id} ${order.total}`));
    orders.print({ label: 'orders', write: (line) => log.debug(line) });
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → copy  o1  {"customer":"ann","total":5}  @1
  `,
};

export const merge: Example = {
  topology(builder) {
    const web = builder.stream<string, Order>('web-orders');
    const shop = builder.stream<string, Order>('shop-orders');
    web.merge(shop).to('orders');
  },
  trace: `
    shop-orders  o1  {"customer":"ann","total":5}  @2
      → orders  o1  {"customer":"ann","total":5}  @2
    web-orders  o2  {"customer":"bob","total":6}  @1
      → orders  o2  {"customer":"bob","total":6}  @1
  `,
};

export const split: Example = {
  topology(builder) {
    const branches = builder
      .stream<string, Order>('orders')
      .split({ name: 'orders-' })
      .branch((_id, order) => order.total >= 100, { name: 'large' })
      .branch((_id, order) => order.total >= 10, { name: 'medium' })
      .defaultBranch({ consumer: (small) => small.to('small') });
    branches.get('orders-large')?.to('large');
    branches.get('orders-medium')?.to('medium');
  },
  trace: `
    orders  o1  {"customer":"ann","total":100}  @1
      → large  o1  {"customer":"ann","total":100}  @1
    orders  o2  {"customer":"ann","total":5}  @2
      → small  o2  {"customer":"ann","total":5}  @2
    orders  o3  {"customer":"ann","total":50}  @3
      → medium  o3  {"customer":"ann","total":50}  @3
  `,
};

export const repartition: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .selectKey((_id, order) => order.customer)
      .repartition({ name: 'orders-by-customer', partitions: 12 })
      .mapValues((order) => order.total)
      .to('totals');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → totals  ann  5  @1
  `,
};

export const to: Example = {
  topology(builder) {
    builder.stream<string, Order>('orders').to((_id, order) => (order.total >= 100 ? 'large' : 'small'));
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → small  o1  {"customer":"ann","total":5}  @1
  `,
};

export const toTable: Example = {
  topology(builder) {
    const latest = builder
      .stream<string, Order>('orders')
      .selectKey((_id, order) => order.customer)
      .toTable({ store: 'latest-order' });
    latest.toStream().to('latest');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → latest  ann  {"customer":"ann","total":5}  @1
    orders  o2  {"customer":"ann","total":6}  @2
      → latest  ann  {"customer":"ann","total":6}  @2
  `,
};

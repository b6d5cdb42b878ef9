import type { Customer, Example, Order } from '../example.ts';

/** Stands for another service. */
const crm = {
  customer: async (id: string, _options?: { signal: AbortSignal }): Promise<Customer | undefined> =>
    id === 'ann' ? { name: 'Ann', country: 'NO' } : undefined,
};
const mail = { send: async (_to: string, _text: string, _options?: { signal: AbortSignal }): Promise<void> => {} };

export const mapAsync: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .mapAsync(async (_id, order, { signal }) => [order.customer, (await crm.customer(order.customer, { signal }))?.country ?? 'unknown'], {
        concurrency: 32,
        timeout: '2s',
        retries: 3,
      })
      .to('countries');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → countries  ann  "NO"  @1
    orders  o2  {"customer":"bob","total":5}  @2
      → countries  bob  "unknown"  @2
  `,
};

export const mapValuesAsync: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .mapValuesAsync(async (order) => ({ ...order, name: (await crm.customer(order.customer))?.name }))
      .to('named-orders');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → named-orders  o1  {"customer":"ann","total":5,"name":"Ann"}  @1
  `,
};

export const flatMapAsync: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .flatMapAsync(async (id, order) => {
        const customer = await crm.customer(order.customer);
        return customer === undefined ? [] : [[customer.country, id]];
      })
      .to('orders-by-country');
  },
  trace: `
    orders  o1  {"customer":"ann","total":5}  @1
      → orders-by-country  NO  "o1"  @1
    orders  o2  {"customer":"bob","total":5}  @2
  `,
};

export const filterAsync: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .filterAsync(async (_id, order) => (await crm.customer(order.customer)) !== undefined)
      .to('known');
  },
  trace: `
    orders  o1  {"customer":"bob","total":5}  @1
    orders  o2  {"customer":"ann","total":5}  @2
      → known  o2  {"customer":"ann","total":5}  @2
  `,
};

export const forEachAsync: Example = {
  topology(builder) {
    builder
      .stream<string, Order>('orders')
      .filter((_id, order) => order.total >= 100)
      .forEachAsync((id, order, { signal }) => mail.send(order.customer, id, { signal }), { concurrency: 4, retries: 5, order: 'none' });
  },
  trace: `
    orders  o1  {"customer":"ann","total":100}  @1
  `,
};

import { expectTypeOf } from 'expect-type';
import { BufferConfig, type KGroupedTable, type KStream, type KTable, Stores, StreamsBuilder, Suppressed, serdes } from 'millrace';

/* Compiled, never run: `tsc --noEmit` is the test. */

interface Order {
  customer: number;
  total: number;
}

const builder = new StreamsBuilder();
const orders = builder.table('orders', { key: serdes.string, value: serdes.json<Order>(), store: 'orders' });
const customers = builder.table('customers', { key: serdes.integer, value: serdes.string });
const notes = builder.table('notes', { key: serdes.string, value: serdes.string, store: Stores.inMemoryKeyValueStore('notes') });

expectTypeOf(orders.filter((id, order) => id !== '' && order.total > 0, { store: 'large' })).toEqualTypeOf<KTable<string, Order>>();
expectTypeOf(orders.mapValues((order) => order.total, { store: 'totals', value: serdes.double })).toEqualTypeOf<KTable<string, number>>();
expectTypeOf(orders.mapValues((order) => (order.total > 0 ? order : null))).toEqualTypeOf<KTable<string, Order>>();
expectTypeOf(orders.transformValues(() => ({ transform: (id, order) => `${id} ${order?.total}` }), { stores: ['seen'] })).toEqualTypeOf<
  KTable<string, string>
>();
expectTypeOf(orders.toStream()).toEqualTypeOf<KStream<string, Order | null>>();
expectTypeOf(orders.toStream((id, order) => order?.customer ?? id.length)).toEqualTypeOf<KStream<number, Order | null>>();
expectTypeOf(orders.suppress(Suppressed.untilTimeLimit('1m', BufferConfig.maxRecords(10).emitEarlyWhenFull()))).toEqualTypeOf<KTable<string, Order>>();
expectTypeOf(orders.queryableStoreName).toEqualTypeOf<string | null>();
// @ts-expect-error: the result's serde is of another type
orders.mapValues((order) => order.total, { value: serdes.string });
// @ts-expect-error: an Order has no such field
orders.filter((_id, order) => order.price > 0);
// @ts-expect-error: a buffer that emits early gives no final results
orders.suppress(Suppressed.untilWindowCloses(BufferConfig.maxRecords(10)));

// Grouping.
const byCustomer = orders.groupBy((_id, order) => [order.customer, order.total], { key: serdes.integer, value: serdes.double });
expectTypeOf(byCustomer).toEqualTypeOf<KGroupedTable<number, number>>();
expectTypeOf(byCustomer.count()).toEqualTypeOf<KTable<number, number>>();
expectTypeOf(byCustomer.reduce({ adder: (sum, total) => sum + total, subtractor: (sum, total) => sum - total })).toEqualTypeOf<KTable<number, number>>();
expectTypeOf(
  byCustomer.aggregate(
    { initializer: () => '', adder: (_key, total, text) => `${text}+${total}`, subtractor: (_key, total, text) => `${text}-${total}` },
    { value: serdes.string },
  ),
).toEqualTypeOf<KTable<number, string>>();
// @ts-expect-error: the new key is a number
orders.groupBy((_id, order) => [order.customer, order.total], { key: serdes.string });
// @ts-expect-error: a table's aggregation takes rows out again
byCustomer.aggregate({ initializer: () => 0, adder: (_key: number, total: number, sum: number) => sum + total });
// @ts-expect-error: the subtractor returns something else
byCustomer.reduce({ adder: (sum, total) => sum + total, subtractor: (sum, total) => `${sum}${total}` });

// Joins.
expectTypeOf(orders.join(notes, (order, note) => `${order.total} ${note}`, { store: 'noted', value: serdes.string })).toEqualTypeOf<KTable<string, string>>();
orders.leftJoin(notes, (order, note) => {
  expectTypeOf(note).toEqualTypeOf<string | null>();
  return order;
});
orders.outerJoin(notes, (order, note) => {
  expectTypeOf(order).toEqualTypeOf<Order | null>();
  expectTypeOf(note).toEqualTypeOf<string | null>();
  return order?.total ?? note?.length ?? 0;
});
expectTypeOf(
  orders.join(
    customers,
    (order) => order.customer,
    (order, customer) => `${order.total} ${customer}`,
  ),
).toEqualTypeOf<KTable<string, string>>();
orders.leftJoin(
  customers,
  (order, id) => (id === '' ? null : order.customer),
  (order, customer) => {
    expectTypeOf(customer).toEqualTypeOf<string | null>();
    return order;
  },
  { name: 'order-customer', otherPartitioner: (_topic, customer, _value, partitions) => customer % partitions },
);
// @ts-expect-error: the tables have different keys, a foreign key is missing
orders.join(customers, (order: Order, customer: string) => `${order.total} ${customer}`);
// @ts-expect-error: the foreign key is a number
orders.join(
  customers,
  (order) => String(order.customer),
  (order: Order, customer: string) => `${order.total} ${customer}`,
);
// @ts-expect-error: the result's serde is of another type
orders.join(notes, (order, note) => `${order.total} ${note}`, { value: serdes.long });

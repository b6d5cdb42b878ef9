import { expectTypeOf } from 'expect-type';
import { type AsyncCallContext, type KStream, StreamsBuilder, serdes } from 'millrace';

/* Compiled, never run: `tsc --noEmit` is the test. */

interface Order {
  item: string;
  count: number;
}

const orders = new StreamsBuilder().stream('orders', { key: serdes.string, value: serdes.json<Order>() });
declare function price(item: string, signal: AbortSignal): Promise<number>;

// Types of results are inferred from what the promise holds.
expectTypeOf(orders.mapAsync(async (_id, order, { signal }) => [order.item, await price(order.item, signal)])).toEqualTypeOf<KStream<string, number>>();
expectTypeOf(orders.mapValuesAsync((order, _id, { signal }) => price(order.item, signal))).toEqualTypeOf<KStream<string, number>>();
expectTypeOf(orders.mapValuesAsync(async (order) => order.count)).toEqualTypeOf<KStream<string, number>>();
expectTypeOf(orders.flatMapAsync(async (id, order) => [[order.count, id]] as [number, string][])).toEqualTypeOf<KStream<number, string>>();
expectTypeOf(orders.filterAsync(async (_id, order) => order.count > 1)).toEqualTypeOf<KStream<string, Order>>();
expectTypeOf(orders.forEachAsync(async () => 'ignored')).toEqualTypeOf<void>();

// The functions get the stream's types, and the call.
orders.mapValuesAsync(async (order, id, call) => {
  expectTypeOf(order).toEqualTypeOf<Order>();
  expectTypeOf(id).toEqualTypeOf<string>();
  expectTypeOf(call).toEqualTypeOf<AsyncCallContext>();
});

// Everything can be set.
orders.forEachAsync(async () => {}, {
  name: 'send',
  concurrency: 4,
  order: 'none',
  timeout: '2s',
  retries: 3,
  backoff: { initial: 50, max: '1s', factor: 2, jitter: 0.2 },
  retryOn: (error) => error instanceof TypeError,
});
// @ts-expect-error: there is no such order
orders.forEachAsync(async () => {}, { order: 'all' });
// @ts-expect-error: a duration has a unit
orders.forEachAsync(async () => {}, { timeout: '2' });
// @ts-expect-error: the function must return a promise: without waiting, map is the operator
orders.mapValuesAsync((order) => order.count);
// @ts-expect-error: a pair is needed
orders.mapAsync(async (_id, order) => order.count);

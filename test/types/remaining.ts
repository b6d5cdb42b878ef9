import { expectTypeOf } from 'expect-type';
import { EmitStrategy, type KStream, type KTable, Stores, StreamsBuilder, serdes, TimeWindows, type Windowed } from 'millrace';

/* Operators that the other files of this folder do not name. Compiled, never run: `tsc --noEmit` is the test. */

interface View {
  url: string;
  at: number;
}

const builder = new StreamsBuilder();
const views = builder.stream('views', { key: serdes.string, value: serdes.json<View>() });

expectTypeOf(views.filterNot((user, view) => user === view.url)).toEqualTypeOf<KStream<string, View>>();
// @ts-expect-error: a view has no such field
views.filterNot((_user, view) => view.missing);

expectTypeOf(views.peek((user, view) => void (user + view.url))).toEqualTypeOf<KStream<string, View>>();
// @ts-expect-error: the key is a string
views.peek((user: number) => void user);

views.print({ mapper: (user, view) => `${user.length} ${view.at}` });
// @ts-expect-error: a line is a string
views.print({ mapper: (_user, view) => view.at });

expectTypeOf(views.repartition({ key: serdes.string, value: serdes.json<View>(), partitions: 3 })).toEqualTypeOf<KStream<string, View>>();
// @ts-expect-error: the key is a string
views.repartition({ key: serdes.long });

expectTypeOf(views.toTable({ store: 'views', value: serdes.json<View>() })).toEqualTypeOf<KTable<string, View>>();
// @ts-expect-error: the value is a view
views.toTable({ value: serdes.string });

const counts = views.groupByKey().windowedBy(TimeWindows.ofSizeAndGrace('5m', '1m')).emitStrategy(EmitStrategy.onWindowClose()).count();
expectTypeOf(counts).toEqualTypeOf<KTable<Windowed<string>, number>>();
// @ts-expect-error: a strategy, not its name
views.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace('5m')).emitStrategy('window-close');

const rates = Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore('rates'), serdes.string, serdes.double);
builder.addGlobalStore(rates, 'rates', { key: serdes.string, value: serdes.double }, () => ({ process: (record) => void record.value.toFixed(2) }));
// @ts-expect-error: the value is a number
builder.addGlobalStore(rates, 'rates', { key: serdes.string, value: serdes.double }, () => ({ process: (record) => void record.value.trim() }));

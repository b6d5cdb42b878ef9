import { expectTypeOf } from 'expect-type';
import {
  type GlobalKTable,
  JoinWindows,
  type KGroupedStream,
  type KStream,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  serdes,
  TimeWindows,
  type Windowed,
} from 'millrace';

/* Compiled, never run: `tsc --noEmit` is the test. */

interface View {
  url: string;
  at: number;
}
interface User {
  name: string;
  country: string | null;
}

const builder = new StreamsBuilder();
const views = builder.stream('views', { key: serdes.string, value: serdes.json<View>(), timestamp: (record) => record.value.at });
const users = builder.table('users', { key: serdes.string, value: serdes.json<User>() });
const countries = builder.globalTable('countries', { key: serdes.integer, value: serdes.string });

// Sources take their types from the serdes.
expectTypeOf(views).toEqualTypeOf<KStream<string, View>>();
expectTypeOf(users).toEqualTypeOf<KTable<string, User>>();
expectTypeOf(countries).toEqualTypeOf<GlobalKTable<number, string>>();
expectTypeOf(builder.stream('untyped')).toEqualTypeOf<KStream<unknown, unknown>>();
expectTypeOf(builder.stream<string, number>(/views-.*/)).toEqualTypeOf<KStream<string, number>>();
// @ts-expect-error: the serde is of another type than the one given
builder.stream<string, number>('views', { value: serdes.string });
// @ts-expect-error: the extractor reads a field that the value does not have
builder.stream('views', { value: serdes.json<View>(), timestamp: (record) => record.value.time });

// Stateless operators.
expectTypeOf(views.filter((user, view) => user !== '' && view.at > 0)).toEqualTypeOf<KStream<string, View>>();
expectTypeOf(views.mapValues((view) => view.url.length)).toEqualTypeOf<KStream<string, number>>();
expectTypeOf(views.mapValues((view, user) => [user, view.url] as const)).toEqualTypeOf<KStream<string, readonly [string, string]>>();
expectTypeOf(views.map((user, view) => [view.at, user])).toEqualTypeOf<KStream<number, string>>();
expectTypeOf(views.flatMap((user, view) => [[view.url, user] as const])).toEqualTypeOf<KStream<string, string>>();
expectTypeOf(views.flatMapValues((view) => view.url.split('/'))).toEqualTypeOf<KStream<string, string>>();
expectTypeOf(views.selectKey((_user, view) => view.at)).toEqualTypeOf<KStream<number, View>>();
expectTypeOf(views.merge(views)).toEqualTypeOf<KStream<string, View>>();
expectTypeOf(
  views
    .split()
    .branch((_user, view) => view.at > 0)
    .defaultBranch(),
).toEqualTypeOf<Map<string, KStream<string, View>>>();
expectTypeOf(views.foreach(() => {})).toEqualTypeOf<void>();
const maybe = views.mapValues((view): View | null => (view.at > 0 ? view : null));
expectTypeOf(maybe.filter((_user, view): view is View => view !== null)).toEqualTypeOf<KStream<string, View>>();
// @ts-expect-error: a View has no such field
views.filter((_user, view) => view.time > 0);
// @ts-expect-error: map returns [key, value]
views.map((user) => user);
// @ts-expect-error: only streams of the same types merge
views.merge(views.mapValues((view) => view.at));

// Sinks: the serdes must be able to write the stream's types.
views.to('out', { key: serdes.string, value: serdes.json<View>() });
views.to('out', { value: serdes.json<{ url: string }>() });
views.mapValues((view) => view.url).to((user, url, context) => `${user}-${url}-${context.topic}`);
users.toStream().to('out', { key: serdes.string, value: serdes.json<User>() });
// @ts-expect-error: the value is no string
views.to('out', { value: serdes.string });
// @ts-expect-error: the key is no number
views.to('out', { key: serdes.long });
// @ts-expect-error: the partitioner is for another key
views.to('out', { partitioner: (_topic, key: number) => key });
// @ts-expect-error: a windowed key needs a windowed serde
views.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace('5m')).count().toStream().to('out', { key: serdes.string });

// Grouping and aggregation.
expectTypeOf(views.groupByKey()).toEqualTypeOf<KGroupedStream<string, View>>();
expectTypeOf(views.groupBy((_user, view) => view.at)).toEqualTypeOf<KGroupedStream<number, View>>();
expectTypeOf(views.groupBy((_user, view) => (view.at > 0 ? view.url : null), { key: serdes.string })).toEqualTypeOf<KGroupedStream<string, View>>();
expectTypeOf(views.groupByKey().count({ store: 'counts', value: serdes.long })).toEqualTypeOf<KTable<string, number>>();
expectTypeOf(views.groupByKey().reduce((first, second) => (first.at > second.at ? first : second))).toEqualTypeOf<KTable<string, View>>();
const sums = views.groupByKey().aggregate({ initializer: () => 0, aggregator: (_user, view, sum) => sum + view.at }, { store: 'sums', value: serdes.double });
expectTypeOf(sums).toEqualTypeOf<KTable<string, number>>();
expectTypeOf(sums.toStream()).toEqualTypeOf<KStream<string, number | null>>();
// @ts-expect-error: a count is a number
views.groupByKey().count({ value: serdes.string });
// @ts-expect-error: the store's key is the stream's
views.groupByKey().count({ key: serdes.long });
// @ts-expect-error: the grouping's serde is of another type
views.groupBy((_user, view) => view.at, { key: serdes.string });
// @ts-expect-error: the aggregator returns something else than the initializer
views.groupByKey().aggregate({ initializer: () => 0, aggregator: (_user, view) => view.url });
// @ts-expect-error: the store's serde is of another type than the aggregate
views.groupByKey().aggregate({ initializer: () => 0, aggregator: (_user, view, sum) => sum + view.at }, { value: serdes.string });
// @ts-expect-error: a reducer returns a value of the stream
views.groupByKey().reduce((first) => first.url);

// Windows.
const windowed = views.groupByKey().windowedBy(TimeWindows.ofSizeAndGrace('5m', '1m').advanceBy('1m'));
expectTypeOf(windowed.count()).toEqualTypeOf<KTable<Windowed<string>, number>>();
expectTypeOf(windowed.count().toStream((key) => key.key)).toEqualTypeOf<KStream<string, number | null>>();
expectTypeOf(
  views
    .groupByKey()
    .windowedBy(SlidingWindows.ofTimeDifferenceWithNoGrace(10))
    .reduce((first) => first),
).toEqualTypeOf<KTable<Windowed<string>, View>>();
const sessions = views.groupByKey().windowedBy(SessionWindows.ofInactivityGapWithNoGrace('30m'));
expectTypeOf(
  sessions.aggregate(
    { initializer: () => 0, aggregator: (_user, _view, pages) => pages + 1, merger: (_user, left, right) => left + right },
    { value: serdes.long },
  ),
).toEqualTypeOf<KTable<Windowed<string>, number>>();
windowed
  .count()
  .toStream()
  .to('out', { key: serdes.timeWindowed(serdes.string, '5m'), value: serdes.long });
// @ts-expect-error: sessions need a merger
sessions.aggregate({ initializer: () => 0, aggregator: (_user: string, _view: View, pages: number) => pages + 1 });
// @ts-expect-error: durations have a unit
TimeWindows.ofSizeWithNoGrace('5 minutes');
windowed
  .count()
  .toStream()
  // @ts-expect-error: the inner key is a string
  .to('out', { key: serdes.timeWindowed(serdes.long, '5m') });

// Cogroup.
const cogrouped = views
  .groupByKey()
  .cogroup((_user, view, total: number) => total + view.at)
  .cogroup(sums.toStream().groupByKey(), (_user, sum, total) => total + sum);
expectTypeOf(cogrouped.aggregate({ initializer: () => 0 }, { value: serdes.double })).toEqualTypeOf<KTable<string, number>>();
expectTypeOf(cogrouped.windowedBy(TimeWindows.ofSizeWithNoGrace('1m')).aggregate({ initializer: () => 0 })).toEqualTypeOf<KTable<Windowed<string>, number>>();
// @ts-expect-error: the initializer is of another type than the aggregate
cogrouped.aggregate({ initializer: () => '' });
cogrouped.cogroup(
  // @ts-expect-error: the other stream has another key
  views.groupBy((_user, view) => view.at),
  (_user, view: View, total) => total + view.at,
);

// Joins of streams.
const windows = JoinWindows.ofTimeDifferenceAndGrace('5m', '1m').before(0);
const clicks = builder.stream('clicks', { key: serdes.string, value: serdes.integer });
expectTypeOf(views.join(clicks, (view, click, user) => `${user} ${view.url} ${click + 1}`, windows)).toEqualTypeOf<KStream<string, string>>();
views.leftJoin(
  clicks,
  (view, click) => {
    expectTypeOf(view).toEqualTypeOf<View>();
    expectTypeOf(click).toEqualTypeOf<number | null>();
    return view;
  },
  windows,
);
views.outerJoin(
  clicks,
  (view, click) => {
    expectTypeOf(view).toEqualTypeOf<View | null>();
    expectTypeOf(click).toEqualTypeOf<number | null>();
    return click;
  },
  windows,
  { value: serdes.json<View>(), otherValue: serdes.integer },
);
// A key that may be null joins too.
views.selectKey((user): string | null => user).leftJoin(clicks, (view) => view, windows);
clicks.leftJoin(
  views.selectKey((user): string | null => user),
  (click) => click,
  windows,
);
expectTypeOf(views.join(users, (view, user) => `${view.url} ${user.name}`)).toEqualTypeOf<KStream<string, string>>();
views.leftJoin(
  users,
  (view, user) => {
    expectTypeOf(user).toEqualTypeOf<User | null>();
    return view;
  },
  { otherValue: serdes.json<User>(), grace: '10s' },
);
expectTypeOf(
  views.join(
    countries,
    (_user, view) => view.at,
    (view, country) => view.url + country,
  ),
).toEqualTypeOf<KStream<string, string>>();
// @ts-expect-error: streams join with windows
views.join(clicks, (view: View) => view);
views.join(
  // @ts-expect-error: the other stream has another key
  clicks.selectKey((_user, click) => click),
  (view: View) => view,
  windows,
);
views
  .mapValues((view) => view)
  .selectKey((_user, view) => view.at)
  // @ts-expect-error: the table has another key
  .join(users, (view: View) => view);
// @ts-expect-error: the global table has another key
views.join(
  countries,
  (user) => user,
  (view: View) => view,
);
// @ts-expect-error: the serde of the other side is of another type
views.join(clicks, (view, click) => view.at + click, windows, { otherValue: serdes.string });

import { SessionWindows, SlidingWindows, TimeWindows } from 'millrace';
import { capped, type GoldenCases, kv, L, letter, letterOrNull, S, ses, sessionWindowed, timeWindowed, win } from './helpers.ts';

export const aggregations: GoldenCases = {
  'count-groupbykey': (b) => {
    b.stream<string, string>('in').groupByKey().count().toStream().to('out', { key: S, value: L });
  },
  'count-groupbykey-named': (b) => {
    b.stream<string, string>('in')
      .groupByKey({ name: 'grp', key: S, value: S })
      .count({ name: 'counter', ...kv('counts', S, L) })
      .toStream({ name: 'to-stream' })
      .to('out', { key: S, value: L });
  },
  'count-logging-disabled': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .count({ ...kv('nolog', S, L), logging: false, engine: 'memory' })
      .toStream()
      .to('out', { key: S, value: L });
  },
  'reduce-groupbykey': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .reduce((x, y) => (x.length > 20 ? y : `${x},${y}`), { store: 'red' })
      .toStream()
      .to('out');
  },
  'reduce-to-null': (b) => {
    b.stream<string, string | null>('in')
      .groupByKey()
      .reduce((x, y) => (y === 'del' ? null : `${x}${y}`), { name: 'red', ...kv('red-store', S, S) })
      .toStream()
      .to('out');
  },
  'aggregate-groupbykey': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .aggregate({ initializer: () => 100, aggregator: (_k, v, aggregate) => aggregate + v.length }, kv('agg', S, L))
      .toStream()
      .to('out', { key: S, value: L });
  },
  'aggregate-to-null': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .aggregate<number | null>(
        { initializer: () => 0, aggregator: (_k, v, aggregate) => ((aggregate ?? 0) + v.length > 10 ? null : (aggregate ?? 0) + v.length) },
        { name: 'agg', ...kv('agg-store', S, L) },
      )
      .toStream()
      .to('out', { key: S, value: L });
  },
  'groupby-count': (b) => {
    b.stream<string, string>('in')
      .groupBy((_k, v) => letterOrNull(v))
      .count({ store: 'by-letter' })
      .toStream()
      .to('out', { key: S, value: L });
  },
  'groupby-reduce-named': (b) => {
    b.stream<string, string>('in')
      .filter((_k, v) => v !== null)
      .groupBy((_k, v) => letter(v), { name: 'letters', key: S, value: S })
      .reduce((_x, y) => y)
      .toStream()
      .to('out');
  },
  'groupby-two-aggs': (b) => {
    const s = b.stream<string, string>('in').selectKey((_k, v) => letterOrNull(v));
    s.groupByKey().count({ store: 'c1' }).toStream().to('cnt', { key: S, value: L });
    s.groupByKey()
      .reduce((_x, y) => y, { store: 'r1' })
      .toStream()
      .to('red');
  },
  'groupedstream-reused': (b) => {
    const grouped = b.stream<string, string>('in').groupBy((_k, v) => letterOrNull(v), { name: 'shared' });
    grouped.count({ store: 'c1' }).toStream().to('cnt', { key: S, value: L });
    grouped
      .reduce((_x, y) => y, { store: 'r1' })
      .toStream()
      .to('red');
  },
  'ktable-groupby-count': (b) => {
    b.table<string, string>('t')
      .groupBy((_k, v) => [letter(v), v])
      .count()
      .toStream()
      .to('out', { key: S, value: L });
  },
  'ktable-groupby-reduce': (b) => {
    b.table('t', kv('src', S, S))
      .groupBy((_k, v) => [letter(v), v], { name: 'g', key: S, value: S })
      .reduce({ adder: (x, y) => `${x}+${y}`, subtractor: (x, y) => (x.length > 24 ? '' : `${x}-${y}`) }, { name: 'red', ...kv('red-store', S, S) })
      .toStream()
      .to('out');
  },
  'ktable-groupby-aggregate': (b) => {
    b.table<string, string>('t')
      .groupBy((k, v) => [letter(v), `${k}${v}`])
      .aggregate(
        {
          initializer: () => '',
          adder: (_k, v, aggregate) => `${capped(aggregate, 30)}+${v}`,
          subtractor: (_k, v, aggregate) => `${capped(aggregate, 30)}-${v}`,
        },
        kv('agg', S, S),
      )
      .toStream()
      .to('out');
  },
  'ktable-groupby-sum': (b) => {
    b.table('t', { key: S, value: L })
      .groupBy((_k, v) => [v % 2 === 0 ? 'even' : 'odd', v], { key: S, value: L })
      .reduce({ adder: (x, y) => x + y, subtractor: (x, y) => x - y }, kv('sums', S, L))
      .toStream()
      .to('out', { key: S, value: L });
  },
  'ktable-groupby-null-key': (b) => {
    b.table<string, string>('t')
      .groupBy((_k, v) => [v.startsWith('c') ? null : letter(v), v.endsWith('3') ? null : v])
      .aggregate<string>({
        initializer: () => '',
        adder: (_k, v, aggregate) => `${capped(aggregate, 20)}+${v}`,
        subtractor: (_k, v, aggregate) => `${capped(aggregate, 20)}-${v}`,
      })
      .toStream()
      .to('out');
  },
  cogroup: (b) => {
    const g1 = b.stream<string, string>('in1').groupByKey();
    const g2 = b.stream('in2', { key: S, value: L }).groupByKey();
    g1.cogroup<string>((_k, v, aggregate) => capped(aggregate, 20) + v)
      .cogroup(g2, (_k, v, aggregate) => `${capped(aggregate, 20)}#${v}`)
      .aggregate({ initializer: () => '_' }, kv('cog', S, S))
      .toStream()
      .to('out');
  },
  'cogroup-repartition': (b) => {
    const g1 = b.stream<string, string>('in1').groupBy((_k, v) => letterOrNull(v));
    const g2 = b.stream<string, string>('in2').groupByKey();
    const g3 = b.stream<string, string>('in3').groupBy((k) => `${k}z`, { name: 'third' });
    g1.cogroup<number>((_k, _v, aggregate) => aggregate + 1)
      .cogroup(g2, (_k, _v, aggregate) => aggregate + 10)
      .cogroup(g3, (_k, _v, aggregate) => aggregate + 100)
      .aggregate({ initializer: () => 0 }, { key: S, value: L })
      .toStream()
      .to('out', { key: S, value: L });
  },
  'cogroup-tumbling': (b) => {
    const g1 = b.stream<string, string>('in1').groupByKey();
    const g2 = b.stream<string, string>('in2').groupByKey();
    g1.cogroup<string>((_k, v, aggregate) => `${aggregate}l${v}`)
      .cogroup(g2, (_k, v, aggregate) => `${aggregate}r${v}`)
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .aggregate({ initializer: () => '' }, win('cog-win', S, S))
      .toStream()
      .to('out', { key: timeWindowed(10), value: S });
  },
  'cogroup-sliding': (b) => {
    const g1 = b.stream<string, string>('in1').groupByKey();
    const g2 = b.stream<string, string>('in2').groupByKey();
    g1.cogroup<string>((_k, v, aggregate) => `${capped(aggregate, 20)}l${v}`)
      .cogroup(g2, (_k, v, aggregate) => `${capped(aggregate, 20)}r${v}`)
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 15))
      .aggregate({ initializer: () => '' }, win('cog-sl', S, S))
      .toStream()
      .to('out', { key: timeWindowed(10), value: S });
  },
  'cogroup-session': (b) => {
    const g1 = b.stream<string, string>('in1').groupByKey();
    const g2 = b.stream<string, string>('in2').groupByKey();
    g1.cogroup<string>((_k, v, aggregate) => `${aggregate}l${v}`)
      .cogroup(g2, (_k, v, aggregate) => `${aggregate}r${v}`)
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 20))
      .aggregate({ initializer: () => '', merger: (_k, x, y) => `${x}|${y}` }, ses('cog-se', S, S))
      .toStream()
      .to('out', { key: sessionWindowed(), value: S });
  },
};

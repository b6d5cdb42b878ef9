import { EmitStrategy, JoinWindows, SessionWindows, SlidingWindows, TimeWindows } from 'millrace';
import { capped, type GoldenCases, kv, L, letter, S, ses, sessionWindowed, timeWindowed, win } from './helpers.ts';

/** Cases about where stores keep their data and what is cached. */
export const caching: GoldenCases = {
  'inmemory-dsl-stores': (b) => {
    const stream = b.stream<string, string>('in');
    const grouped = stream.groupByKey();
    grouped
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .emitStrategy(EmitStrategy.onWindowClose())
      .count(win('wc', S, L))
      .toStream()
      .to('w', { key: timeWindowed(10), value: L });
    grouped
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 10))
      .count(ses('sc', S, L))
      .toStream()
      .to('s', { key: sessionWindowed(), value: L });
    grouped
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(5, 10))
      .count(win('slc', S, L))
      .toStream()
      .to('sl', { key: timeWindowed(5), value: L });
    stream.outerJoin(b.stream<string, string>('r'), (x, y) => `${x}+${y}`, JoinWindows.ofTimeDifferenceAndGrace(5, 5)).to('j');
    stream
      .toTable(kv('tab', S, S))
      .toStream()
      .to('t');
  },
  'cached-aggregations': (b) => {
    const grouped = b.stream<string, string>('in').groupByKey({ key: S, value: S });
    grouped
      .count(kv('c', S, L))
      .toStream()
      .to('cnt', { key: S, value: L });
    grouped
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5).advanceBy(5))
      .count(win('wc', S, L))
      .toStream()
      .to('w', { key: timeWindowed(10), value: L });
    grouped
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 20))
      .count(ses('sc', S, L))
      .toStream()
      .to('s', { key: sessionWindowed(), value: L });
    grouped
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(5, 10))
      .count(win('slc', S, L))
      .toStream()
      .to('sl', { key: timeWindowed(5), value: L });
  },
  'cached-tables': (b) => {
    const l = b.table('l', kv('ls', S, S));
    const r = b.table('r', kv('rs', S, S));
    l.groupBy((_k, v) => [letter(v), v], { key: S, value: S })
      .aggregate(
        {
          initializer: () => '',
          adder: (_k, v, aggregate) => `${capped(aggregate, 20)}+${v}`,
          subtractor: (_k, v, aggregate) => `${capped(aggregate, 20)}-${v}`,
        },
        kv('agg', S, S),
      )
      .toStream()
      .to('agg');
    l.join(r, (x, y) => `${x}*${y}`, kv('joined', S, S))
      .toStream()
      .to('j');
    l.leftJoin(
      r,
      (v) => letter(v),
      (x, y) => `${x}/${y}`,
      kv('fkres', S, S),
    )
      .toStream()
      .to('fk');
  },
};

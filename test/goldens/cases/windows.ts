import { EmitStrategy, SessionWindows, SlidingWindows, TimeWindows, UnlimitedWindows } from 'millrace';
import { type GoldenCases, L, letterOrNull, S, ses, sessionWindowed, timeWindowed, win } from './helpers.ts';

export const windows: GoldenCases = {
  'tumbling-count-nograce': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .count()
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'tumbling-count-grace': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .count({ name: 'tcount', ...win('ws', S, L) })
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'tumbling-reduce': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 20))
      .reduce((x, y) => `${x}${y}`, win('red', S, S))
      .toStream()
      .to('out', { key: timeWindowed(10), value: S });
  },
  'tumbling-aggregate-retention': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .aggregate(
        { initializer: () => 0, aggregator: (_k, v, aggregate) => aggregate + (v === null ? 100 : v.length) },
        { ...win('agg', S, L), retention: 100, engine: 'memory' },
      )
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'tumbling-groupby': (b) => {
    b.stream<string, string>('in')
      .groupBy((_k, v) => letterOrNull(v))
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .count()
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'hopping-count': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 3).advanceBy(5))
      .count({ store: 'hop' })
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'hopping-uneven': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 4).advanceBy(3))
      .aggregate({ initializer: () => '', aggregator: (_k, v, aggregate) => `${aggregate}${v}` }, win('hop', S, S))
      .toStream()
      .to('out', { key: timeWindowed(10), value: S });
  },
  'sliding-count-nograce': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceWithNoGrace(10))
      .count()
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'sliding-count-grace': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 30))
      .count({ store: 'sl' })
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'sliding-aggregate': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(5, 10))
      .aggregate({ initializer: () => '', aggregator: (_k, v, aggregate) => aggregate + v }, win('sl', S, S))
      .toStream()
      .to('out', { key: timeWindowed(5), value: S });
  },
  'sliding-reduce': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(5, 10))
      .reduce((x, y) => x + y, win('sl', S, S))
      .toStream()
      .to('out', { key: timeWindowed(5), value: S });
  },
  'session-count-nograce': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10))
      .count()
      .toStream()
      .to('out', { key: sessionWindowed(), value: L });
  },
  'session-count-grace': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(10, 100))
      .count(ses('ss', S, L))
      .toStream()
      .to('out', { key: sessionWindowed(), value: L });
  },
  'session-aggregate': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 50))
      .aggregate({ initializer: () => '<', aggregator: (_k, v, aggregate) => `${aggregate}${v}`, merger: (_k, x, y) => `${x}|${y}` }, ses('ss', S, S))
      .toStream()
      .to('out', { key: sessionWindowed(), value: S });
  },
  'session-reduce': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 10))
      .reduce((x, y) => `${x},${y}`, { name: 'sred', ...ses('ss', S, S) })
      .toStream()
      .to('out', { key: sessionWindowed(), value: S });
  },
  'unlimited-count': (b) => {
    const grouped = b.stream<string, string>('in').groupByKey();
    grouped
      .windowedBy(UnlimitedWindows.of())
      .count({ store: 'u1' })
      .toStream()
      .to('out', { key: timeWindowed(Number.MAX_SAFE_INTEGER), value: L });
    grouped
      .windowedBy(UnlimitedWindows.of().startOn(100))
      .count({ store: 'u2' })
      .toStream()
      .to('out2', { key: timeWindowed(Number.MAX_SAFE_INTEGER), value: L });
  },
  'tumbling-emit-final': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .emitStrategy(EmitStrategy.onWindowClose())
      .count(win('c', S, L))
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'hopping-emit-final': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 2).advanceBy(4))
      .emitStrategy(EmitStrategy.onWindowClose())
      .reduce((x, y) => `${x}${y}`, win('c', S, S))
      .toStream()
      .to('out', { key: timeWindowed(10), value: S });
  },
  'sliding-emit-final': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 5))
      .emitStrategy(EmitStrategy.onWindowClose())
      .count(win('c', S, L))
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'session-emit-final': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 4))
      .emitStrategy(EmitStrategy.onWindowClose())
      .reduce((x, y) => `${x}${y}`, ses('s', S, S))
      .toStream()
      .to('out', { key: sessionWindowed(), value: S });
  },
  'tumbling-emit-final-throttled': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .emitStrategy(EmitStrategy.onWindowClose())
      .count(win('c', S, L))
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'epoch-tumbling': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace('5m', '1m'))
      .count(win('w', S, L))
      .toStream()
      .to('out', { key: timeWindowed(300_000), value: L });
  },
  'epoch-session': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace('5m', '10m'))
      .reduce((x, y) => (x.length > 12 ? y : `${x}${y}`), ses('s', S, S))
      .toStream()
      .to('out', { key: sessionWindowed(), value: S });
  },
  'epoch-sliding': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace('5m', '10m'))
      .count(win('s', S, L))
      .toStream()
      .to('out', { key: timeWindowed(300_000), value: L });
  },
};

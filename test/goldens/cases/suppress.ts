import { BufferConfig, SessionWindows, SlidingWindows, Suppressed, TimeWindows } from 'millrace';
import { type GoldenCases, kv, L, S, ses, sessionWindowed, timeWindowed, win } from './helpers.ts';

export const suppress: GoldenCases = {
  'suppress-close-tumbling': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .count(win('c', S, L))
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded(), { name: 'sup' }))
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'suppress-close-hopping': (b) => {
    b.stream<string, string>('in')
      .groupByKey({ key: S, value: S })
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10).advanceBy(5))
      .count()
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'suppress-close-session': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, 5))
      .reduce((x, y) => `${x}${y}`, ses('s', S, S))
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded(), { name: 'sup' }))
      .toStream()
      .to('out', { key: sessionWindowed(), value: S });
  },
  'suppress-close-sliding': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 5))
      .count(win('c', S, L))
      .suppress(Suppressed.untilWindowCloses(BufferConfig.maxRecords(1000).shutDownWhenFull(), { name: 'sup' }))
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'suppress-close-full': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .count(win('c', S, L))
      .suppress(Suppressed.untilWindowCloses(BufferConfig.maxRecords(2).shutDownWhenFull(), { name: 'sup' }))
      .toStream()
      .to('out', { key: timeWindowed(10), value: L });
  },
  'suppress-limit-table': (b) => {
    b.table('t', kv('s', S, S))
      .suppress(Suppressed.untilTimeLimit(10, BufferConfig.maxRecords(2)))
      .toStream()
      .to('out');
  },
  'suppress-limit-unbounded': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .count(kv('c', S, L))
      .suppress(Suppressed.untilTimeLimit(15, BufferConfig.unbounded(), { name: 'sup' }))
      .toStream()
      .to('out', { key: S, value: L });
  },
  'suppress-limit-maxbytes': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .count(kv('c', S, L))
      .suppress(Suppressed.untilTimeLimit(1000, BufferConfig.maxBytes(200).emitEarlyWhenFull().withLoggingDisabled()))
      .toStream()
      .to('out', { key: S, value: L });
  },
  'suppress-limit-zero': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .reduce((_x, y) => y, kv('c', S, S))
      .suppress(Suppressed.untilTimeLimit(0, BufferConfig.unbounded()))
      .filter((_k, v) => !v.startsWith('b'))
      .mapValues((v) => `${v}!`)
      .toStream()
      .to('out');
  },
  'suppress-window-limit': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 30))
      .count(win('c', S, L))
      .suppress(Suppressed.untilTimeLimit(20, BufferConfig.maxRecords(3).emitEarlyWhenFull()))
      .groupBy((windowed, v) => [windowed.key, v], { key: S, value: L })
      .reduce({ adder: (x, y) => x + y, subtractor: (x, y) => x - y }, kv('total', S, L))
      .toStream()
      .to('out', { key: S, value: L });
  },
  'windowed-table-to-string': (b) => {
    const s = b
      .stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 10))
      .count()
      .toStream((windowed) => `${windowed.key}@${windowed.window.start}`)
      .mapValues((v) => `${v}`);
    s.to('out');
    s.groupByKey().count().toStream().to('cnt', { key: S, value: L });
  },
  'epoch-suppress': (b) => {
    b.stream<string, string>('in')
      .groupByKey({ key: S, value: S })
      .windowedBy(TimeWindows.ofSizeAndGrace('1h', '10m'))
      .count()
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
      .toStream()
      .to('out', { key: timeWindowed(3_600_000), value: L });
  },
};

import { BufferConfig, EmitStrategy, SessionWindows, SlidingWindows, Suppressed, serdes, TimeWindows, UnlimitedWindows } from 'millrace';
import type { Example } from '../example.ts';

export const tumbling: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace('10s', '5s'))
      .count({ store: 'views-per-10s' })
      .toStream()
      .to('counts', { key: serdes.timeWindowed(serdes.string, '10s'), value: serdes.long });
  },
  trace: `
    views  ann  "/"  @1000
      → counts  ann[0,10000)  1  @1000
    views  ann  "/"  @12000
      → counts  ann[10000,20000)  1  @12000
    views  ann  "/late"  @9000
      → counts  ann[0,10000)  2  @9000
    views  bob  "/"  @15000
      → counts  bob[10000,20000)  1  @15000
    views  ann  "/too-late"  @9500
  `,
};

export const hopping: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace('10s').advanceBy('5s'))
      .count()
      .toStream()
      .to('counts', { key: serdes.timeWindowed(serdes.string, '10s'), value: serdes.long });
  },
  trace: `
    views  ann  "/"  @7000
      → counts  ann[0,10000)  1  @7000
      → counts  ann[5000,15000)  1  @7000
    views  ann  "/"  @11000
      → counts  ann[5000,15000)  2  @11000
      → counts  ann[10000,20000)  1  @11000
  `,
};

export const sliding: Example = {
  topology(builder) {
    builder
      .stream<string, string>('failures')
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceWithNoGrace('10s'))
      .count()
      .toStream()
      .filter((_windowed, failures) => failures !== null && failures >= 2)
      .to('alarms', { key: serdes.timeWindowed(serdes.string, '10s'), value: serdes.long });
  },
  trace: `
    failures  host  "disk"  @20000
    failures  host  "disk"  @24000
      → alarms  host[14000,24000)  2  @24000
    failures  host  "disk"  @90000
  `,
};

export const sessions: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace('30m', '1m'))
      .aggregate(
        { initializer: () => 0, aggregator: (_user, _page, pages) => pages + 1, merger: (_user, left, right) => left + right },
        { store: 'sessions', value: serdes.long },
      )
      .toStream()
      .to('sessions', { key: serdes.sessionWindowed(serdes.string), value: serdes.long });
  },
  trace: `
    views  ann  "/"  @0
      → sessions  ann[0,0]  1  @0
    views  ann  "/cart"  @60000
      → sessions  ann[0,0]  null  @0
      → sessions  ann[0,60000]  2  @60000
    views  ann  "/"  @9000000
      → sessions  ann[9000000,9000000]  1  @9000000
  `,
};

export const unlimited: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .groupByKey()
      .windowedBy(UnlimitedWindows.of().startOn(1000))
      .count()
      .toStream((windowed) => windowed.key)
      .to('counts');
  },
  trace: `
    views  ann  "/"  @999
    views  ann  "/"  @1000
      → counts  ann  1  @1000
    views  ann  "/"  @5000000
      → counts  ann  2  @5000000
  `,
};

export const onWindowClose: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace('10s', '5s'))
      .emitStrategy(EmitStrategy.onWindowClose())
      .count()
      .toStream()
      .to('counts', { key: serdes.timeWindowed(serdes.string, '10s'), value: serdes.long });
  },
  trace: `
    views  ann  "/"  @1000
    views  ann  "/"  @12000
    views  ann  "/"  @9000
    views  bob  "/"  @15000
      → counts  ann[0,10000)  2  @9000
  `,
};

export const suppressWindows: Example = {
  topology(builder) {
    builder
      .stream<string, string>('views')
      .groupByKey({ key: serdes.string, value: serdes.json<string>() })
      .windowedBy(TimeWindows.ofSizeWithNoGrace('10s'))
      .count()
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
      .toStream()
      .to('counts', { key: serdes.timeWindowed(serdes.string, '10s'), value: serdes.long });
  },
  trace: `
    views  ann  "/"  @1000
    views  ann  "/"  @9000
    views  bob  "/"  @10000
      → counts  ann[0,10000)  2  @9000
  `,
};

export const suppressTime: Example = {
  topology(builder) {
    builder
      .table<string, number>('prices')
      .suppress(Suppressed.untilTimeLimit('1m', BufferConfig.maxRecords(1000).emitEarlyWhenFull()))
      .toStream()
      .to('prices-each-minute');
  },
  trace: `
    prices  tea  3  @0
    prices  tea  4  @30000
    prices  salt  1  @60000
      → prices-each-minute  tea  4  @30000
  `,
};

import { StreamsBuilder, TimeWindows } from 'millrace';
import { type GoldenCases, L, parseLong, processing, S, win } from './helpers.ts';

export const errors: GoldenCases = {
  'stream-and-table-same-topic': (b) => {
    const s = b.stream<string, string>('in');
    const t = b.table<string, string>('in', { store: 'tst' });
    s.leftJoin(t, (x, y) => `${x}+${y}`).to('out2');
  },
  'store-name-clash': (b) => {
    b.stream<string, string>('in').groupByKey().count({ store: 'same' });
    b.table<string, string>('t', { store: 'same' });
  },
  'deser-continue': (b) => {
    b.stream('in', { key: S, value: L })
      .mapValues((v) => (v === null ? -1 : v + 1))
      .to('out', { key: S, value: L });
  },
  'deser-fail': (b) => {
    b.stream('in', { key: S, value: L }).to('out', { key: S, value: L });
  },
  'processing-continue': (b) => {
    const s = b.stream<string, string>('in').mapValues((v) => `${parseLong(v)}`);
    s.to('out');
    s.groupByKey().count({ store: 'c' }).toStream().to('cnt', { key: S, value: L });
  },
  'processing-fail': (b) => {
    b.stream<string, string>('in')
      .mapValues((v) => `${parseLong(v)}`)
      .to('out');
  },
  'negative-timestamp': (b) => {
    b.stream('in', { key: S, value: S, timestamp: (record) => (record.value === 'neg' ? -5 : record.timestamp) }).to('out');
  },
  dlq: (b) => {
    b.stream('in', { key: S, value: L })
      .filter((_k, v) => {
        if (v === 13) throw new Error('boom');
        return true;
      })
      .to('out', { key: S, value: L });
  },
  'explicit-naming-required': (_b, config) => {
    const b = new StreamsBuilder(config);
    b.stream<string, string>('in')
      .selectKey((_k, v) => v)
      .groupByKey()
      .count()
      .toStream()
      .to('out', { key: S, value: L });
    return b.build(config);
  },
  'retention-too-short': (b) => {
    b.stream<string, string>('in')
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 5))
      .count({ ...win('w', S, L), retention: 12 });
  },
  'advance-above-size': (b) => {
    b.stream<string, string>('in').groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(10).advanceBy(11)).count();
  },
  'unknown-store': (b) => {
    b.stream<string, string>('in').process(
      processing<string, string, string, string>(() => {}),
      { name: 'p', stores: ['no-such-store'] },
    );
  },
};

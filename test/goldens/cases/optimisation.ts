import { BufferConfig, JoinWindows, type KStream, type KTable, type StreamsBuilder, Suppressed, TimeWindows } from 'millrace';
import { type GoldenCases, L, letter, letterOrNull, S, timeWindowed } from './helpers.ts';

const concat = (x: string | null, y: string | null): string => `${x}${y}`;

/** A long chain with generated names. */
function generatedChain(bb: KStream<string, string>, t: KTable<string, string>, m: KStream<string, string>): void {
  m.merge(bb)
    .flatMapValues((v) => (v === null ? [] : [v, v + v]))
    .to('o1');
  m.join(bb, concat, JoinWindows.ofTimeDifferenceWithNoGrace(5)).to('o2');
  m.leftJoin(t, concat)
    .selectKey((_k, v) => v)
    .repartition()
    .to('o3');
  t.filter(() => true)
    .join(m.toTable(), concat)
    .toStream()
    .to('o4');
  m.groupByKey().count().toStream().to('o5', { key: S, value: L });
  m.groupBy((_k, v) => v, { key: S, value: S })
    .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
    .count()
    .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
    .toStream()
    .to('o6', { key: timeWindowed(10), value: L });
}

function lettersOf(b: StreamsBuilder): KStream<string | null, string> {
  return b.stream<string, string>('in').selectKey((_k, v) => letterOrNull(v));
}

export const optimisation: GoldenCases = {
  'naming-generated': (b) => {
    const a = b.stream<string, string>('a');
    const bb = b.stream<string, string>('b');
    const t = b.table<string, string>('t');
    const m = a
      .filter((_k, v) => v !== null)
      .map((_k, v) => [letter(v), v])
      .peek(() => {});
    generatedChain(bb, t, m);
  },
  'naming-named': (b) => {
    const a = b.stream<string, string>('a', { name: 'src-a' });
    const bb = b.stream<string, string>('b', { name: 'src-b' });
    const t = b.table<string, string>('t', { name: 'src-t', store: 't-store' });
    const m = a
      .filter((_k, v) => v !== null, { name: 'flt' })
      .map((_k, v) => [letter(v), v], { name: 'mp' })
      .peek(() => {}, { name: 'pk' });
    m.merge(bb, { name: 'mrg' })
      .flatMapValues((v) => (v === null ? [] : [v, v + v]), { name: 'fmv' })
      .to('o1', { name: 'snk1' });
    m.join(bb, concat, JoinWindows.ofTimeDifferenceWithNoGrace(5), { store: 'ssj-store', name: 'ssj' }).to('o2', { name: 'snk2' });
    m.leftJoin(t, concat, { name: 'stj' })
      .selectKey((_k, v) => v, { name: 'sk' })
      .repartition({ name: 'rep' })
      .to('o3', { name: 'snk3' });
    t.filter(() => true, { name: 'tflt' })
      .join(m.toTable({ name: 'tot', store: 'tot-store' }), concat, { name: 'ttj', store: 'ttj-store' })
      .toStream({ name: 'ts4' })
      .to('o4', { name: 'snk4' });
    m.groupByKey({ name: 'gbk' }).count({ name: 'cnt', store: 'cnt-store' }).toStream({ name: 'ts5' }).to('o5', { key: S, value: L, name: 'snk5' });
    m.groupBy((_k, v) => v, { name: 'gb', key: S, value: S })
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .count({ name: 'wcnt', store: 'wcnt-store' })
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded(), { name: 'sup' }))
      .toStream({ name: 'ts6' })
      .to('o6', { key: timeWindowed(10), value: L, name: 'snk6' });
  },
  'optimize-naming-generated': (b) => {
    const a = b.stream<string, string>('a');
    const bb = b.stream<string, string>('b');
    const t = b.table<string, string>('t');
    const m = a.filter((_k, v) => v !== null).map((_k, v) => [letter(v), v]);
    generatedChain(bb, t, m);
  },
  'optimize-merge-repartition': (b) => {
    const s = lettersOf(b);
    s.groupByKey().count({ store: 'c1' }).toStream().to('cnt', { key: S, value: L });
    s.filter((_k, v) => !v.endsWith('1'))
      .groupByKey()
      .reduce((_x, y) => y, { store: 'r1' })
      .toStream()
      .to('red');
  },
  'optimize-merge-named': (b) => {
    const s = b
      .stream<string, string>('in')
      .filter((_k, v) => v !== null)
      .map((_k, v) => [letter(v), v]);
    s.groupByKey({ name: 'g1' }).count({ store: 'c1' }).toStream().to('cnt', { key: S, value: L });
    s.groupByKey({ name: 'g2' })
      .reduce((_x, y) => y, { store: 'r1' })
      .toStream()
      .to('red');
    s.mapValues((v) => `${v}j`)
      .join(b.table<string, string>('t'), (x, y) => `${x}+${y}`, { name: 'jn' })
      .to('joined');
  },
  'optimize-reuse-only': (b) => {
    const s = lettersOf(b);
    s.groupByKey().count({ store: 'c1' }).toStream().to('cnt', { key: S, value: L });
    s.groupByKey()
      .reduce((_x, y) => y, { store: 'r1' })
      .toStream()
      .to('red');
    b.table<string, string>('t', { store: 'tst' }).toStream().to('tout');
  },
  'optimize-merge-only': (b) => {
    const s = lettersOf(b);
    s.groupByKey().count({ store: 'c1' }).toStream().to('cnt', { key: S, value: L });
    s.groupByKey()
      .reduce((_x, y) => y, { store: 'r1' })
      .toStream()
      .to('red');
    const t = b.table<string, string>('t', { store: 'tst' });
    t.toStream().to('tout');
    const ts = t.toStream();
    ts.join(ts, concat, JoinWindows.ofTimeDifferenceWithNoGrace(5)).to('self');
  },
  'two-streams-same-topic': (b) => {
    const s1 = b.stream<string, string>('in');
    const s2 = b.stream<string, string>('in');
    s1.mapValues((v) => `${v}1`).to('out');
    s2.mapValues((v) => `${v}2`)
      .merge(s1)
      .to('out2');
  },
};

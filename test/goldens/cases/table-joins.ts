import { type GoldenCases, kv, L, letter, S, versioned } from './helpers.ts';

const plus = (x: string | null, y: string | null): string => `${x}+${y}`;

export const tableJoins: GoldenCases = {
  'tt-inner': (b) => {
    b.table<string, string>('l').join(b.table<string, string>('r'), plus).toStream().to('out');
  },
  'tt-inner-materialized': (b) => {
    b.table('l', kv('ls', S, S))
      .join(b.table('r', kv('rs', S, S)), plus, { name: 'ttj', ...kv('joined', S, S) })
      .toStream()
      .to('out');
  },
  'tt-left': (b) => {
    b.table<string, string>('l').leftJoin(b.table<string, string>('r'), plus).toStream().to('out');
  },
  'tt-outer': (b) => {
    b.table<string, string>('l').outerJoin(b.table<string, string>('r'), plus, { store: 'oj' }).toStream().to('out');
  },
  'tt-join-chain': (b) => {
    const joined = b
      .table<string, string>('t1')
      .join(
        b.table<string, string>('t2').filter((_k, v) => !v.startsWith('c')),
        (x, y) => x + y,
      )
      .leftJoin(b.table<string, string>('t3'), (x, y) => `${x}/${y}`);
    joined.toStream().to('out');
    joined
      .groupBy((_k, v) => [letter(v), v])
      .count({ store: 'byletter' })
      .toStream()
      .to('cnt', { key: S, value: L });
  },
  'tt-self-join': (b) => {
    const t = b.table<string, string>('t');
    t.join(t, plus).toStream().to('out');
    t.leftJoin(
      t.mapValues((v) => `${v}m`),
      (x, y) => `${x}*${y}`,
    )
      .toStream()
      .to('out');
  },
  'tt-versioned': (b) => {
    const l = b.table<string, string>('l', versioned('lv', 1000));
    const r = b.table<string, string>('r', versioned('rv', 1000));
    l.join(r, plus).toStream().to('out');
  },
  'fk-inner': (b) => {
    b.table<string, string>('l')
      .join(b.table<string, string>('r'), (v) => (v.startsWith('n') ? null : letter(v)), plus)
      .toStream()
      .to('out');
  },
  'fk-left': (b) => {
    b.table<string, string>('l')
      .leftJoin(b.table<string, string>('r'), (v) => (v.startsWith('n') ? null : letter(v)), plus)
      .toStream()
      .to('out');
  },
  'fk-inner-materialized': (b) => {
    const l = b.table('l', kv('ls', S, S));
    const r = b.table('r', kv('rs', S, L));
    l.join(
      r,
      (v, k) => (k === 'p3' ? 'c' : letter(v)),
      (x, y) => `${x}+${y}`,
      { name: 'fkj', ...kv('result', S, S) },
    )
      .toStream()
      .to('out');
  },
  'fk-versioned': (b) => {
    const l = b.table<string, string>('l', versioned('lv', 1000));
    const r = b.table<string, string>('r', versioned('rv', 1000));
    l.leftJoin(r, (v) => letter(v), plus)
      .toStream()
      .to('out');
  },
  'fk-join-of-joins': (b) => {
    const l = b
      .stream<string, string>('l')
      .groupByKey()
      .reduce((_x, y) => y, { store: 'latest' });
    l.join(
      b.table<string, string>('r').mapValues((v) => `${v}m`),
      (v) => letter(v),
      plus,
    )
      .filter((_k, v) => !v.endsWith('Xm'))
      .toStream()
      .to('out');
  },
};

import { type GoldenCases, kv, L, letterOrNull, S, versioned } from './helpers.ts';

const plus = (x: string | null, y: string | null): string => `${x}+${y}`;

export const streamTableJoins: GoldenCases = {
  'st-inner': (b) => {
    b.stream<string, string>('s').join(b.table<string, string>('t'), plus).to('out');
  },
  'st-left': (b) => {
    const t = b.table('t', { key: S, value: L, store: 'tstore' });
    b.stream<string, string>('s')
      .leftJoin(t, (x, y, key) => `${key}:${x}+${y}`, { key: S, value: S, otherValue: L, name: 'stj' })
      .to('out');
  },
  'st-repartition': (b) => {
    b.stream<string, string>('s')
      .selectKey((_k, v) => letterOrNull(v))
      .leftJoin(b.table<string, string>('t'), plus, { name: 'jn' })
      .to('out');
  },
  'st-table-computed': (b) => {
    const s = b.stream<string, string>('in');
    const t = s.groupByKey().count({ store: 'c' });
    s.join(t, (x, y) => `${x}#${y}`, { key: S, value: S, otherValue: L }).to('out');
    s.mapValues((v) => `${v}m`)
      .leftJoin(
        t.filter((_k, v) => v % 2 === 0),
        (x, y) => `${x}%${y}`,
        { key: S, value: S, otherValue: L },
      )
      .to('out');
  },
  'st-versioned': (b) => {
    const t = b.table('t', { key: S, value: S, ...versioned('vs', 1000) });
    b.stream<string, string>('s').leftJoin(t, plus).to('out');
  },
  'st-versioned-inner': (b) => {
    const t = b.table<string, string>('t', versioned('vs', 20));
    b.stream<string, string>('s').join(t, plus).to('out');
  },
  'st-grace-inner': (b) => {
    const t = b.table<string, string>('t', versioned('vs', 1000));
    b.stream<string, string>('s').join(t, plus, { key: S, value: S, otherValue: S, name: 'jj', grace: 10 }).to('out');
  },
  'st-grace-left': (b) => {
    const t = b.table<string, string>('t', versioned('vs', 100));
    b.stream<string, string>('s').leftJoin(t, plus, { key: S, value: S, otherValue: S, grace: 15 }).to('out');
  },
  'st-grace-left-null-key': (b) => {
    const t = b.table<string, string>('t', versioned('vs', 100));
    b.stream<string, string>('s').leftJoin(t, plus, { key: S, value: S, otherValue: S, grace: 15 }).to('out');
  },
  'sg-inner': (b) => {
    const g = b.globalTable<string, string>('g');
    b.stream<string, string>('in')
      .join(g, (_k, v) => (v === null || v.startsWith('c') ? null : v.substring(0, 1)), plus)
      .to('out');
  },
  'sg-left': (b) => {
    const g = b.globalTable('g', kv('gs', S, L));
    b.stream<string, string>('in')
      .leftJoin(
        g,
        (k) => k,
        (v, gv, key) => `${key}:${v}+${gv}`,
        { name: 'glj' },
      )
      .to('out');
  },
  'epoch-versioned': (b) => {
    const t = b.table<string, string>('t', versioned('vs', 600_000));
    b.stream<string, string>('s').leftJoin(t, plus).to('out');
  },
};

import { JoinWindows } from 'millrace';
import { type GoldenCases, letterOrNull, S } from './helpers.ts';

const plus = (x: string | null, y: string | null): string => `${x}+${y}`;
const keyed = (x: string | null, y: string | null, key: string): string => `${key}:${x}+${y}`;

export const streamJoins: GoldenCases = {
  'ss-inner': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.join(r, plus, JoinWindows.ofTimeDifferenceAndGrace(10, 5)).to('out');
  },
  'ss-inner-asymmetric': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.join(r, plus, JoinWindows.ofTimeDifferenceWithNoGrace(10).before(0), { store: 'j-store', name: 'j' }).to('out');
  },
  'ss-inner-before-only': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.join(r, keyed, JoinWindows.ofTimeDifferenceAndGrace(8, 10).after(-2)).to('out');
  },
  'ss-left': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.leftJoin(r, plus, JoinWindows.ofTimeDifferenceAndGrace(10, 5)).to('out');
  },
  'ss-left-asymmetric': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.leftJoin(r, keyed, JoinWindows.ofTimeDifferenceAndGrace(10, 5).before(2), { store: 'st', name: 'lj', key: S, value: S, otherValue: S }).to('out');
  },
  'ss-outer': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.outerJoin(r, plus, JoinWindows.ofTimeDifferenceWithNoGrace(10)).to('out');
  },
  'ss-outer-asymmetric': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.outerJoin(r, plus, JoinWindows.ofTimeDifferenceAndGrace(10, 5).before(2), { key: S, value: S, otherValue: S, name: 'oj', store: 'oj-store' }).to('out');
  },
  'ss-outer-throttled': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.outerJoin(r, plus, JoinWindows.ofTimeDifferenceAndGrace(10, 2)).to('out');
  },
  'ss-left-dup-ts': (b) => {
    const l = b.stream<string, string>('l');
    const r = b.stream<string, string>('r');
    l.leftJoin(r, plus, JoinWindows.ofTimeDifferenceWithNoGrace(0)).to('out');
  },
  'ss-self-join': (b) => {
    const s = b.stream<string, string>('in');
    s.join(s, plus, JoinWindows.ofTimeDifferenceAndGrace(5, 3)).to('out');
  },
  'ss-self-join-optimized': (b) => {
    const s = b.stream<string, string>('in');
    s.join(s, plus, JoinWindows.ofTimeDifferenceAndGrace(5, 3)).to('out');
  },
  'ss-join-repartition': (b) => {
    const l = b.stream<string, string>('l').selectKey((_k, v) => letterOrNull(v));
    const r = b.stream<string, string>('r').map((k, v) => [k, `${v}m`]);
    l.join(r, plus, JoinWindows.ofTimeDifferenceAndGrace(10, 5), { store: 'st', name: 'nm' }).to('out');
  },
  'ss-left-null-key-repartition': (b) => {
    const l = b.stream<string, string>('l').selectKey((_k, v) => (v === null || v.startsWith('c') ? null : v.substring(0, 1)));
    const r = b.stream<string, string>('r');
    l.leftJoin(r, plus, JoinWindows.ofTimeDifferenceAndGrace(10, 5)).to('out');
  },
  'epoch-outer-join': (b) => {
    const l = b.stream<string, string>('l');
    l.outerJoin(b.stream<string, string>('r'), plus, JoinWindows.ofTimeDifferenceAndGrace('5m', '2m')).to('out');
  },
};

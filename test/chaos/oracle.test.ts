import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedOf, windowedKey } from '../../chaos/lib/oracle.ts';
import { events } from '../../chaos/lib/traffic.ts';
import { Verdict } from '../../chaos/lib/verdict.ts';
import { type Event, GAP_MS, WINDOW_MS } from '../../chaos/service/shapes.ts';

const T = 1_700_000_100_000 - (1_700_000_100_000 % WINDOW_MS);

function event(id: number, user: string, at: number, page = '/p'): Event {
  return { id, user, page, at: T + at };
}

test('events exactly the gap apart are one session, a millisecond more makes two, whatever their order', () => {
  const { sessions } = expectedOf([event(0, 'a', GAP_MS), event(1, 'a', 0), event(2, 'a', 2 * GAP_MS + 1)], 4);
  assert.deepEqual(
    sessions,
    new Map([
      [windowedKey('a', T, T + GAP_MS), { count: 2, sum: 1 }],
      [windowedKey('a', T + 2 * GAP_MS + 1, T + 2 * GAP_MS + 1), { count: 1, sum: 2 }],
    ]),
  );
});

test('windows hold their start and not their end', () => {
  const { windows } = expectedOf([event(0, 'a', 0), event(1, 'b', WINDOW_MS - 1), event(2, 'a', WINDOW_MS)], 4);
  assert.deepEqual(
    windows,
    new Map([
      [windowedKey('/p', T, T + WINDOW_MS), { count: 2, sum: 1 }],
      [windowedKey('/p', T + WINDOW_MS, T + 2 * WINDOW_MS), { count: 1, sum: 2 }],
    ]),
  );
});

test('the traffic repeats for its seed, and has many sessions of a user', () => {
  const take = (seed: number): Event[] => {
    const source = events(seed, T, 150);
    return Array.from({ length: 60_000 }, () => source.next().value);
  };
  assert.deepEqual(take(3).slice(0, 100), take(3).slice(0, 100));
  const { sessions } = expectedOf(take(3), 4);
  const users = new Set([...sessions.keys()].map((key) => key.split('|')[0]));
  assert.ok(users.size > 200 && sessions.size >= users.size, `${sessions.size} sessions of ${users.size} users`);
});

function verdictOf(check: (verdict: Verdict) => void): Pick<Verdict, 'lost' | 'duplicated' | 'wrong'> {
  const verdict = new Verdict();
  check(verdict);
  return { lost: verdict.lost, duplicated: verdict.duplicated, wrong: verdict.wrong };
}

test('an id that is missing is lost, one that is there twice is duplicated, one that nobody wrote is wrong', () => {
  assert.deepEqual(
    verdictOf((v) => v.checkThrough(Uint16Array.of(1, 1, 1), 3)),
    { lost: 0, duplicated: 0, wrong: 0 },
  );
  assert.deepEqual(
    verdictOf((v) => v.checkThrough(Uint16Array.of(1, 0, 3, 1), 3)),
    { lost: 1, duplicated: 2, wrong: 1 },
  );
  assert.deepEqual(
    verdictOf((v) => v.checkThrough(Uint16Array.of(1), 3)),
    { lost: 2, duplicated: 0, wrong: 0 },
  );
});

test('each update of a window is due once', () => {
  const windows = new Map([['w', { count: 3, sum: 0 }]]);
  assert.deepEqual(
    verdictOf((v) => v.checkUpdates(new Map([['w', [1, 2, 3]]]), windows)),
    { lost: 0, duplicated: 0, wrong: 0 },
  );
  assert.deepEqual(
    verdictOf((v) => v.checkUpdates(new Map([['w', [1, 3, 3, 4]]]), windows)),
    { lost: 1, duplicated: 1, wrong: 1 },
  );
});

test('a table tells too little, too much, other contents and what must not be there', () => {
  const expected = new Map([
    ['a', { count: 3, sum: 9 }],
    ['b', { count: 1, sum: 4 }],
  ]);
  const check = (entries: [string, { count: number; sum: number }][]) => verdictOf((v) => v.checkTable('t', new Map(entries), expected));
  assert.deepEqual(
    check([
      ['a', { count: 3, sum: 9 }],
      ['b', { count: 1, sum: 4 }],
    ]),
    { lost: 0, duplicated: 0, wrong: 0 },
  );
  assert.deepEqual(check([['a', { count: 1, sum: 9 }]]), { lost: 3, duplicated: 0, wrong: 0 });
  assert.deepEqual(
    check([
      ['a', { count: 5, sum: 9 }],
      ['b', { count: 1, sum: 5 }],
      ['c', { count: 1, sum: 1 }],
    ]),
    { lost: 0, duplicated: 2, wrong: 2 },
  );
});

test('stores may have forgotten sessions that are expired, no others; an entry in two instances is wrong', () => {
  const truth = expectedOf([event(0, 'a', 0), event(1, 'a', 10 * GAP_MS)], 1);
  const live = new Map([[windowedKey('a', T + 10 * GAP_MS, T + 10 * GAP_MS), { count: 1, sum: 1 }]]);
  const expired = new Map([[windowedKey('a', T, T), { count: 1, sum: 0 }]]);
  assert.deepEqual(
    verdictOf((v) => v.checkStores('s', [live], truth, 'sessions')),
    { lost: 0, duplicated: 0, wrong: 0 },
  );
  assert.deepEqual(
    verdictOf((v) => v.checkStores('s', [live, expired], truth, 'sessions')),
    { lost: 0, duplicated: 0, wrong: 0 },
  );
  assert.deepEqual(
    verdictOf((v) => v.checkStores('s', [expired], truth, 'sessions')),
    { lost: 1, duplicated: 0, wrong: 0 },
  );
  assert.deepEqual(
    verdictOf((v) => v.checkStores('s', [live, live], truth, 'sessions')),
    { lost: 0, duplicated: 0, wrong: 1 },
  );
});

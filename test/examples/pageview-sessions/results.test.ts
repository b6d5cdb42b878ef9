import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serdes } from 'millrace';
import { Results } from '../../../examples/pageview-sessions/results.ts';
import { render } from '../../../examples/pageview-sessions/table.ts';
import { topicNames } from '../../../examples/pageview-sessions/topology.ts';
import type { Session } from '../../../examples/pageview-sessions/types.ts';

const topics = topicNames('x-');
const WINDOW_MS = 300_000;
const sessionKey = serdes.sessionWindowed(serdes.string);
const session = serdes.json<Session>();

function addSession(results: Results, user: string, start: number, end: number, pages: number | null): void {
  const key = sessionKey.serialize(topics.sessions, { key: user, window: { start, end } });
  const value =
    pages === null
      ? null
      : session.serialize(topics.sessions, { pages, entryPage: '/', exitPage: '/x', startedAt: start, endedAt: end, durationSeconds: (end - start) / 1000 });
  results.add({ topic: topics.sessions, key, value });
}

function addCount(results: Results, url: string, start: number, views: number): void {
  const key = serdes.timeWindowed(serdes.string, WINDOW_MS).serialize(topics.counts, { key: url, window: { start, end: start + WINDOW_MS } });
  results.add({ topic: topics.counts, key, value: serdes.long.serialize(topics.counts, views) });
}

test('a session that grows replaces the one before: its tombstone takes that away', () => {
  const results = new Results(topics, WINDOW_MS);
  addSession(results, 'ann', 0, 0, 1);
  addSession(results, 'ann', 0, 0, null);
  addSession(results, 'ann', 0, 60_000, 2);
  addSession(results, 'bob', 5, 5, 1);
  assert.equal(results.summary().sessions, 2);
  assert.equal(results.summary().users, 2);
  addSession(results, 'bob', 5, 5, null);
  assert.deepEqual([results.summary().sessions, results.summary().users], [1, 1]);
});

test('the last count of a window counts, and every page view once', () => {
  const results = new Results(topics, WINDOW_MS);
  addCount(results, '/', 0, 1);
  addCount(results, '/', 0, 4);
  addCount(results, '/', WINDOW_MS, 2);
  results.add({ topic: topics.late, key: null, value: Buffer.from('{}') });
  const { records, windows, late } = results.summary();
  assert.deepEqual({ records, windows, late }, { records: 7, windows: 2, late: 1 });
});

test('the table shows sessions, the ranking, lag and rate', () => {
  const results = new Results(topics, WINDOW_MS);
  addSession(results, 'ann', 0, 120_000, 3);
  addCount(results, '/', 0, 3);
  const key = serdes.timeWindowed(serdes.string, WINDOW_MS).serialize(topics.top, { key: 'w', window: { start: WINDOW_MS, end: 2 * WINDOW_MS } });
  results.add({ topic: topics.top, key, value: serdes.json().serialize(topics.top, [{ url: '/best', views: 9 }]) });
  const text = render(results, { title: 'TITLE', lag: 1234, rate: 56, inputEnded: false }).join('\n');
  for (const part of [
    'TITLE',
    '3 page views',
    '56/s',
    'lag 1,234',
    '1 sessions',
    'ann',
    '3 pages',
    '2m',
    '/ → /x',
    'Top pages from 1970-01-01 00:05',
    '9  /best',
  ]) {
    assert.ok(text.includes(part), `${part} in\n${text}`);
  }
});

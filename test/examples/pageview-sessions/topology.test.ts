import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { serdes } from 'millrace';
import { type TestInputTopic, TopologyTestDriver } from 'millrace/testing';
import { Results } from '../../../examples/pageview-sessions/results.ts';
import { buildTopology, topicNames } from '../../../examples/pageview-sessions/topology.ts';
import type { LateView, PageCount, PageView, Session } from '../../../examples/pageview-sessions/types.ts';

const MINUTE = 60_000;
const START = Date.UTC(2024, 0, 1, 12);
const topics = topicNames();

let driver: TopologyTestDriver;
let input: TestInputTopic<string, PageView>;

beforeEach(() => {
  driver = new TopologyTestDriver(buildTopology({ topics }));
  input = driver.createInputTopic(topics.pageviews, serdes.string, serdes.json<PageView>());
});
afterEach(() => driver.close());

function view(user: string, url: string, minutes: number): void {
  input.pipeInput(user, { user, url, at: START + minutes * MINUTE });
}

function sessions(): Map<string, Session> {
  const topic = driver.createOutputTopic(topics.sessions, serdes.sessionWindowed(serdes.string), serdes.json<Session>());
  const table = new Map<string, Session>();
  for (const { key, value } of topic.readRecordsToList()) {
    assert.ok(key);
    const id = `${key.key} ${(key.window.start - START) / MINUTE}-${(key.window.end - START) / MINUTE}`;
    if (value === null) table.delete(id);
    else table.set(id, value);
  }
  return table;
}

function counts(): Map<string, number> {
  const topic = driver.createOutputTopic(topics.counts, serdes.timeWindowed(serdes.string, '5m'), serdes.long);
  return new Map(topic.readKeyValuesToList().map(([key, value]) => [`${key?.key} ${((key?.window.start ?? 0) - START) / MINUTE}`, value as number]));
}

test('page views of a user less than half an hour apart are one session', () => {
  view('ann', '/', 0);
  view('ann', '/a', 10);
  view('bob', '/b', 15);
  view('ann', '/c', 40);
  view('ann', '/d', 75);
  const table = sessions();
  assert.deepEqual([...table.keys()].sort(), ['ann 0-40', 'ann 75-75', 'bob 15-15']);
  assert.deepEqual(table.get('ann 0-40'), { pages: 3, entryPage: '/', exitPage: '/c', startedAt: START, endedAt: START + 40 * MINUTE, durationSeconds: 2400 });
});

test('a page view between two sessions makes them one, with the entry page of the first and the exit page of the last', () => {
  view('ann', '/last', 50);
  view('ann', '/first', 20);
  view('ann', '/between', 35);
  const table = sessions();
  assert.deepEqual([...table.keys()], ['ann 20-50']);
  assert.deepEqual(table.get('ann 20-50'), {
    pages: 3,
    entryPage: '/first',
    exitPage: '/last',
    startedAt: START + 20 * MINUTE,
    endedAt: START + 50 * MINUTE,
    durationSeconds: 1800,
  });
});

test('pages are counted in windows of five minutes of event time, whoever views them', () => {
  view('ann', '/', 0);
  view('bob', '/', 4);
  view('bob', '/a', 5);
  view('ann', '/', 5);
  assert.deepEqual(
    counts(),
    new Map([
      ['/ 0', 2],
      ['/a 5', 1],
      ['/ 5', 1],
    ]),
  );
});

test('a view within the grace still counts; one after it goes to the late topic, with how late it was, and to its session', () => {
  view('ann', '/', 0);
  view('bob', '/now', 5.5);
  view('ann', '/in-grace', 1);
  view('bob', '/now', 6);
  view('ann', '/late', 2);
  assert.deepEqual([...counts().keys()].sort(), ['/ 0', '/in-grace 0', '/now 5']);
  const late = driver.createOutputTopic(topics.late, serdes.string, serdes.json<LateView>());
  assert.deepEqual(late.readKeyValuesToList(), [['ann', { user: 'ann', url: '/late', at: START + 2 * MINUTE, lateBy: 0 }]]);
  assert.equal(sessions().get('ann 0-2')?.pages, 3);
});

test('the ranking of a window holds its ten most viewed pages, the alphabet deciding between equals', () => {
  for (let page = 0; page < 12; page += 1) for (let views = 0; views <= page; views += 1) view(`u${views}`, `/p${page}`, 1);
  view('late riser', '/p0', 2);
  for (let views = 0; views < 20; views += 1) view(`w${views}`, '/p0', 3);
  const topic = driver.createOutputTopic(topics.top, serdes.timeWindowed(serdes.string, '5m'), serdes.json<PageCount[]>());
  const [key, value] = topic.readKeyValuesToList().at(-1) ?? [];
  assert.ok(key && value);
  assert.equal(key.window.start, START);
  assert.equal(key.key, new Date(START).toISOString());
  assert.deepEqual(
    value.map((page) => page.views),
    [22, 12, 11, 10, 9, 8, 7, 6, 5, 4],
  );
  assert.equal(value[0]?.url, '/p0');
});

test('the summary rebuilds the numbers from the output topics', () => {
  view('ann', '/', 0);
  view('ann', '/a', 10);
  view('ann', '/b', 60);
  view('bob', '/', 61);
  view('bob', '/', 62);
  view('bob', '/late', 3);
  const results = new Results(topics, 5 * MINUTE);
  for (const { topic, key, value } of driver.takeProduced()) {
    if (Object.values(topics).includes(topic)) results.add({ topic, key, value });
  }
  results.add({ topic: topics.malformed, key: null, value: Buffer.from('{}') });
  // Late beyond the gap and the grace too: not even a session takes it.
  assert.deepEqual(results.summary(), { records: 6, malformed: 1, users: 2, sessions: 3, windows: 4, late: 1 });
});

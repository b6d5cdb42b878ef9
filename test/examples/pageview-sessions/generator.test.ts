import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageViews, type TrafficOptions } from '../../../examples/pageview-sessions/generator.ts';
import type { PageView } from '../../../examples/pageview-sessions/types.ts';

const MINUTE = 60_000;

function take(count: number, options: Partial<TrafficOptions> = {}): PageView[] {
  const traffic = pageViews({ startAt: 1_700_000_000_000, ...options });
  return Array.from({ length: count }, () => traffic.next().value);
}

test('a seed makes the same traffic again, another seed other traffic', () => {
  assert.deepEqual(take(1000, { seed: 7 }), take(1000, { seed: 7 }));
  assert.notDeepEqual(take(1000, { seed: 7 }), take(1000, { seed: 8 }));
});

test('traffic is believable: a steady rate, few popular pages, crawlers, visitors of several pages, some views out of order and some late', () => {
  const views = take(50_000);
  const seconds = ((views.at(-1) as PageView).at - (views[0] as PageView).at) / 1000;
  assert.ok(Math.abs(views.length / seconds / 20 - 1) < 0.3, `${views.length / seconds} views in a second`);

  const byPage = new Map<string, number>();
  for (const view of views) byPage.set(view.url, (byPage.get(view.url) ?? 0) + 1);
  const popular = [...byPage.values()].sort((a, b) => b - a);
  assert.ok(popular.slice(0, 40).reduce((sum, each) => sum + each, 0) > views.length / 3);

  assert.ok(views.filter((view) => view.user.startsWith('bot-')).length > 1000);
  assert.ok(new Set(views.map((view) => view.user)).size > 1000);

  let latest = 0;
  let outOfOrder = 0;
  let late = 0;
  for (const view of views) {
    if (view.at < latest) outOfOrder += 1;
    if (view.at < latest - 9 * MINUTE) late += 1;
    latest = Math.max(latest, view.at);
  }
  assert.ok(outOfOrder > 1000 && outOfOrder < 5000, `${outOfOrder} out of order`);
  assert.ok(late > 20 && late < 200, `${late} late`);
});

test('no view is of the future of the ones before it by more than a burst allows', () => {
  const views = take(10_000, { outOfOrder: 0, late: 0 });
  for (let i = 1; i < views.length; i += 1) {
    const gap = (views[i] as PageView).at - (views[i - 1] as PageView).at;
    assert.ok(gap >= 0 && gap < 5000, `a gap of ${gap} ms`);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../../src/errors.ts';
import { type AsyncOptions, asyncSettings, longestCall, longestPause } from '../../../src/operators/async/async-options.ts';

test('defaults', () => {
  const { retryOn, ...settings } = asyncSettings();
  assert.deepEqual(settings, { concurrency: 16, orderByKey: true, timeoutMs: 30_000, retries: 0, initialMs: 100, maxMs: 10_000, factor: 2, jitter: 0.5 });
  assert.equal(retryOn(new Error('any')), true);
});

const wrong: [AsyncOptions, RegExp][] = [
  [{ concurrency: 0 }, /concurrency .* is 0: give a whole number, at least 1/],
  [{ concurrency: 1.5 }, /concurrency .* is 1.5/],
  [{ order: 'all' as 'key' }, /order .* is "all": give 'key' or 'none'/],
  [{ retries: -1 }, /retries .* is -1/],
  [{ timeout: 0 }, /timeout .* is 0: give a duration of at least 1 ms/],
  [{ timeout: '25d' }, /timeout .* at most 24 days/],
  [{ timeout: 'soon' as '1s' }, /timeout of an asynchronous operator is "soon"/],
  [{ backoff: { initial: -1 } }, /backoff.initial/],
  [{ backoff: { factor: 0.5 } }, /backoff.factor .* is 0.5/],
  [{ backoff: { jitter: 2 } }, /backoff.jitter .* is 2/],
  [{ retryOn: true as never }, /retryOn .* is true/],
];
for (const [options, message] of wrong) {
  test(`refused: ${JSON.stringify(options)}`, () => {
    assert.throws(
      () => asyncSettings(options),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  });
}

test('pauses grow by the factor up to the longest', () => {
  const settings = asyncSettings({ retries: 5, backoff: { initial: 100, factor: 3, max: 1000 } });
  assert.deepEqual(
    [1, 2, 3, 4, 1000].map((retry) => longestPause(settings, retry)),
    [100, 300, 900, 1000, 1000],
  );
});

test('the longest call is that of timeouts alone and of the longest pauses', () => {
  assert.equal(longestCall(asyncSettings({ timeout: 10 })), 10);
  assert.equal(longestCall(asyncSettings({ timeout: 10, retries: 4, backoff: { initial: 100, factor: 3, max: 1000 } })), 5 * 10 + 100 + 300 + 900 + 1000);
  assert.equal(longestCall(asyncSettings({ timeout: 10, retries: 1_000_000_000, backoff: { initial: 5, factor: 1 } })), 1_000_000_001 * 10 + 5_000_000_000);
  assert.equal(longestCall(asyncSettings({ timeout: 10, retries: 3, backoff: { initial: 0 } })), 40);
});

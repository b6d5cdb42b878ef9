import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changelogKeyTime, PurgeMarks } from '../../../src/runtime/commit/purge-marks.ts';

const MIN = 60_000;

test('an offset is purged once everything before it is older than the retention', () => {
  const marks = new PurgeMarks(undefined);
  marks.observe(0);
  assert.equal(marks.mark(10, MIN), true);
  marks.observe(5 * MIN);
  assert.equal(marks.mark(20, MIN), true);
  assert.equal(marks.takeExpired(10 * MIN), undefined);
  marks.observe(10 * MIN);
  assert.equal(marks.takeExpired(10 * MIN), undefined, 'exactly the retention is not older');
  marks.observe(10 * MIN + 1);
  assert.equal(marks.takeExpired(10 * MIN), 10);
  assert.equal(marks.takeExpired(10 * MIN), undefined, 'once');
  marks.observe(16 * MIN);
  assert.equal(marks.takeExpired(10 * MIN), 20);
});

test('late records do not move time back, and marks keep their distance', () => {
  const marks = new PurgeMarks(undefined);
  marks.observe(10 * MIN);
  marks.observe(MIN);
  assert.equal(marks.streamTime, 10 * MIN);
  assert.equal(marks.mark(1, MIN), true);
  marks.observe(10 * MIN + 30_000);
  assert.equal(marks.mark(2, MIN), false);
});

test('nothing is marked before the first record', () => {
  assert.equal(new PurgeMarks(undefined).mark(7, MIN), false);
});

test('marks survive in their text', () => {
  const marks = new PurgeMarks(undefined);
  marks.observe(MIN);
  marks.mark(4, MIN);
  const again = new PurgeMarks(marks.toString());
  again.observe(100 * MIN);
  assert.equal(again.takeExpired(MIN), 4);
});

test('the event time of changelog keys, as Java writes them', () => {
  // First records of reference changelogs: a window's start, a session's end.
  assert.equal(changelogKeyTime(Buffer.from('6b30000001a1ee54d76000000000', 'hex'), 'window'), 0x1a1ee54d760);
  assert.equal(changelogKeyTime(Buffer.from('6b30000001a1ee5a0780000001a1ee565e00', 'hex'), 'session'), 0x1a1ee5a0780);
  assert.equal(changelogKeyTime(Buffer.from('6b30', 'hex'), 'window'), -1);
  assert.equal(changelogKeyTime(null, 'session'), -1);
});

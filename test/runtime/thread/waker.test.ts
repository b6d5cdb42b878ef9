import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Waker } from '../../../src/runtime/thread/waker.ts';

test('a wake ends the wait', async () => {
  const waker = new Waker();
  const waiting = waker.wait(60_000);
  waker.wake();
  await waiting;
});

test('a wake that comes too early is kept, once', async () => {
  const waker = new Waker();
  waker.wake();
  await waker.wait(60_000);
  let woken = false;
  const waiting = waker.wait(60_000).then(() => {
    woken = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, false);
  waker.wake();
  await waiting;
});

test('without a wake the wait ends by itself', async () => {
  await new Waker().wait(1);
});

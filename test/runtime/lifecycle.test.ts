import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifecycle } from '../../src/runtime/lifecycle.ts';

test('legal moves tell the listener the new and the old state', () => {
  const seen: string[] = [];
  const lifecycle = new Lifecycle((next, previous) => seen.push(`${previous}>${next}`));
  for (const state of ['REBALANCING', 'RUNNING', 'RUNNING', 'REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'] as const) lifecycle.to(state);
  assert.deepEqual(seen, [
    'CREATED>REBALANCING',
    'REBALANCING>RUNNING',
    'RUNNING>REBALANCING',
    'REBALANCING>RUNNING',
    'RUNNING>PENDING_SHUTDOWN',
    'PENDING_SHUTDOWN>NOT_RUNNING',
  ]);
});

test('illegal moves throw and change nothing', () => {
  const lifecycle = new Lifecycle(() => assert.fail('no move'));
  assert.throws(() => lifecycle.to('RUNNING'), /that is CREATED cannot become RUNNING/);
  assert.equal(lifecycle.state, 'CREATED');
  const ended = new Lifecycle(() => {});
  ended.to('PENDING_SHUTDOWN');
  ended.to('NOT_RUNNING');
  assert.throws(() => ended.to('REBALANCING'), /create a new one/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyIdentity } from '../../../src/operators/async/key-identity.ts';

const same = (a: unknown, b: unknown): boolean => new Set([keyIdentity(a), keyIdentity(b)]).size === 1;

test('equal keys have one identity', () => {
  assert.ok(same('a', 'a'));
  assert.ok(same(5n, 5n));
  assert.ok(same(Buffer.from('key'), Buffer.from('key')));
  assert.ok(same(new Uint8Array([1, 2]), Buffer.from([1, 2])));
  assert.ok(same({ key: 'a', window: { start: 0, end: 10 } }, { key: 'a', window: { start: 0, end: 10 } }));
  assert.ok(same({ id: 5n }, { id: 5n }));
  assert.ok(same(null, undefined));
});

test('different keys have different ones', () => {
  assert.ok(!same('a', 'b'));
  assert.ok(!same(1, '1'));
  assert.ok(!same(Buffer.from([1]), Buffer.from([2])));
  assert.ok(!same({ key: 'a', window: { start: 0, end: 10 } }, { key: 'a', window: { start: 10, end: 20 } }));
  assert.ok(!same(null, 'a'));
});

test('keys that cannot be told apart count as one, never as none', () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  for (const key of [loop, () => 1, null]) assert.notEqual(keyIdentity(key), undefined);
});

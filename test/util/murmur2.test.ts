import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOfKey } from '../../src/util/murmur2.ts';

test('hashes are those of Kafka', () => {
  const known: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [text, hash] of known) assert.equal(murmur2(Buffer.from(text)), hash, text);
});

test('a partition is never negative', () => {
  assert.equal(partitionOfKey(Buffer.from('21'), 10), (-973932308 & 0x7fffffff) % 10);
  for (let i = 0; i < 200; i++) {
    const partition = partitionOfKey(Buffer.from(`key-${i}`), 7);
    assert.ok(partition >= 0 && partition < 7);
  }
});

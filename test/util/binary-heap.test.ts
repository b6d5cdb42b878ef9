import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryHeap } from '../../src/util/binary-heap.ts';

test('equal keys leave in the order of java.util.PriorityQueue', () => {
  const heap = new BinaryHeap<{ heapKey: number; n: number }>();
  const out: string[] = [];
  const pop = (): void => {
    const { heapKey, n } = heap.pop() as { heapKey: number; n: number };
    out.push(`${heapKey}:${n}`);
  };
  let n = 0;
  for (const heapKey of [5, 3, 5, 3, 5, 3, 1, 5, 3, 1, 1, 5, 3]) heap.push({ heapKey, n: n++ });
  for (let i = 0; i < 4; i++) pop();
  for (const heapKey of [3, 5, 3]) heap.push({ heapKey, n: n++ });
  while (heap.size > 0) pop();
  // What Java 17 prints for the same calls.
  assert.equal(out.join(' '), '1:6 1:9 1:10 3:8 3:3 3:15 3:13 3:1 3:12 3:5 5:0 5:2 5:4 5:11 5:7 5:14');
});

test('an empty heap gives undefined', () => {
  const heap = new BinaryHeap();
  assert.equal(heap.pop(), undefined);
  heap.push({ heapKey: 1 });
  heap.clear();
  assert.equal(heap.peek(), undefined);
});

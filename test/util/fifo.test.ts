import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fifo } from '../../src/util/fifo.ts';

test('a fifo gives what a plain array gives', () => {
  // Runs of pushes and shifts, some long enough to have taken slots given back.
  const runs = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 1500 })), { maxLength: 30 });
  fc.assert(
    fc.property(runs, (steps) => {
      const fifo = new Fifo<number>();
      const plain: number[] = [];
      let next = 0;
      for (const [push, times] of steps) {
        for (let i = 0; i < times; i++) {
          if (push) {
            fifo.push(next);
            plain.push(next++);
          } else {
            assert.equal(fifo.shift(), plain.shift());
          }
        }
        assert.equal(fifo.length, plain.length);
      }
    }),
    { numRuns: 30 },
  );
});

test('a cleared fifo is empty and usable', () => {
  const fifo = new Fifo<string>();
  fifo.push('a');
  fifo.clear();
  assert.equal(fifo.length, 0);
  assert.equal(fifo.shift(), undefined);
  fifo.push('b');
  assert.equal(fifo.shift(), 'b');
});

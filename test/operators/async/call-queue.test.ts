import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CallQueue } from '../../../src/operators/async/call-queue.ts';

interface Job {
  readonly key: unknown;
  readonly n: number;
}

test('one key: one after the other, others beside it, as many as there is room for', () => {
  const started: number[] = [];
  const queue = new CallQueue<Job>(2, ({ n }) => started.push(n));
  const jobs = ['a', 'a', 'b', 'c'].map((key, n) => ({ key, n }));
  for (const job of jobs) queue.add(job);
  assert.deepEqual(started, [0, 2]);
  queue.done(jobs[2] as Job);
  assert.deepEqual(started, [0, 2, 3]);
  queue.done(jobs[0] as Job);
  assert.deepEqual(started, [0, 2, 3, 1]);
});

test('without keys there is no order, only a limit', () => {
  const started: number[] = [];
  const queue = new CallQueue<Job>(3, ({ n }) => started.push(n));
  for (let n = 0; n < 5; n++) queue.add({ key: undefined, n });
  assert.deepEqual(started, [0, 1, 2]);
  queue.done({ key: undefined, n: 1 });
  assert.deepEqual(started, [0, 1, 2, 3]);
});

test('any order of ends: never more than the limit, never two of a key, each key in order, all of them', () => {
  const input = fc.record({
    keys: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 }),
    concurrency: fc.integer({ min: 1, max: 6 }),
    ends: fc.infiniteStream(fc.nat()),
  });
  fc.assert(
    fc.property(input, ({ keys, concurrency, ends }) => {
      const running: Job[] = [];
      const order: Job[] = [];
      const queue = new CallQueue<Job>(concurrency, (job) => {
        assert.ok(!running.some(({ key }) => key === job.key));
        running.push(job);
        order.push(job);
        assert.ok(running.length <= concurrency);
      });
      const end = (): void => {
        const [job] = running.splice((ends.next().value as number) % running.length, 1);
        queue.done(job as Job);
      };
      for (const [n, key] of keys.entries()) {
        queue.add({ key, n });
        if ((ends.next().value as number) % 3 === 0 && running.length > 0) end();
      }
      while (running.length > 0) end();
      assert.equal(order.length, keys.length);
      for (const key of new Set(keys)) {
        const numbers = order.filter((job) => job.key === key).map(({ n }) => n);
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        );
      }
    }),
  );
});

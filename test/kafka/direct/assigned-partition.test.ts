import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ConsumedMessage } from '../../../src/kafka/contract.ts';
import { AssignedPartition } from '../../../src/kafka/direct/assigned-partition.ts';
import { RecordBatches } from '../../../src/kafka/direct/record-batches.ts';
import { type BatchOptions, endTransaction, recordBatch } from '../../support/record-batch.ts';

const ALL = 1_000_000;

function assigned(offset: number): AssignedPartition {
  return new AssignedPartition({ topic: 't', partition: 0, offset });
}

function batch(from: number, count: number, options?: BatchOptions): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({ offset: from + i, value: `v${from + i}` }));
  return recordBatch(records, options);
}

/** A fetch from where the partition wants to go on. */
function fetched(p: AssignedPartition, log: Buffer, end: number): void {
  p.arrived(new RecordBatches(p.topic, p.partition, p.fetchFrom, log, [], 'read_uncommitted'), end);
}

function take(p: AssignedPartition, max = ALL): number[] {
  const into: ConsumedMessage[] = [];
  p.take(into, max);
  return into.map(({ offset }) => offset);
}

describe('an assigned partition', () => {
  it('counts nothing as buffered once all is taken, whatever was cut off: else it stalls', () => {
    const log = Buffer.concat([batch(0, 3), batch(3, 4, { codec: 1 }), batch(7, 5)]);
    const first = batch(0, 3).length;
    for (let length = first; length <= log.length; length++) {
      for (const max of [1, 2, 3, 5, ALL]) {
        const p = assigned(0);
        // Twice the same cut: the second begins with what the first has not brought whole.
        for (let round = 0; round < 2; round++) {
          fetched(p, log.subarray(0, length), 12);
          while (p.hasArrived) take(p, max);
          assert.equal(p.buffered, 0, `${length} bytes, ${max} a time`);
          assert.equal(p.position, p.fetchFrom);
        }
      }
    }
  });

  it('counts what has arrived until its batch is begun', () => {
    const p = assigned(0);
    fetched(p, Buffer.concat([batch(0, 2), batch(2, 2)]), 4);
    assert.equal(p.buffered, batch(0, 2).length + batch(2, 2).length);
    assert.deepEqual(take(p, 1), [0]);
    assert.equal(p.buffered, batch(2, 2).length);
    assert.deepEqual(take(p, 2), [1, 2]);
    assert.equal(p.buffered, 0);
  });

  it('stands behind each message that it has handed out, and behind hidden records once no others are left', () => {
    const p = assigned(0);
    fetched(p, Buffer.concat([batch(0, 2), endTransaction(2, 1, 'commit'), batch(3, 1)]), 5);
    fetched(p, endTransaction(4, 1, 'commit'), 5);
    assert.equal(p.fetchFrom, 5);
    for (const [offset, position] of [
      [0, 1],
      [1, 2],
      [3, 4],
    ] as const) {
      assert.deepEqual(take(p, 1), [offset]);
      assert.equal(p.position, position);
    }
    assert.deepEqual(take(p), []);
    assert.deepEqual([p.position, p.hasArrived], [5, false]);
  });

  it('keeps nothing of a fetch without records', () => {
    const p = assigned(4);
    fetched(p, Buffer.alloc(0), 9);
    fetched(p, batch(0, 4), 9);
    assert.deepEqual([p.hasArrived, p.buffered, p.fetchFrom], [false, 0, 4]);
  });

  it('reports its end once each time that it is reached', () => {
    const p = assigned(0);
    const end = (offset: number) => ({ topic: 't', partition: 0, offset });
    assert.equal(p.takeEnd(), null, 'before any fetch');
    fetched(p, batch(0, 2), 2);
    assert.equal(p.takeEnd(), null, 'with records to take');
    take(p, 1);
    assert.equal(p.takeEnd(), null);
    take(p);
    assert.deepEqual(p.takeEnd(), end(2));
    assert.equal(p.takeEnd(), null);
    fetched(p, Buffer.alloc(0), 2);
    assert.equal(p.takeEnd(), null, 'it has not moved');
    fetched(p, batch(2, 1), 4);
    take(p);
    assert.equal(p.takeEnd(), null, 'there are more');
    fetched(p, batch(3, 1), 4);
    take(p);
    assert.deepEqual(p.takeEnd(), end(4));
    p.seek(4);
    assert.equal(p.takeEnd(), null, 'not known after a seek');
    fetched(p, Buffer.alloc(0), 4);
    assert.deepEqual(p.takeEnd(), end(4));
  });

  it('reports the end of an empty partition, but none before its place is known', () => {
    const p = assigned(-2);
    assert.equal(p.takeEnd(), null);
    p.seek(0);
    fetched(p, Buffer.alloc(0), 0);
    assert.deepEqual(p.takeEnd(), { topic: 't', partition: 0, offset: 0 });
  });

  it('drops with a seek what has arrived', () => {
    const p = assigned(0);
    fetched(p, batch(0, 5), 20);
    take(p, 2);
    fetched(p, batch(5, 5), 20);
    const { generation } = p;
    p.fail(new Error('gone'));
    p.seek(12);
    assert.notEqual(p.generation, generation);
    assert.deepEqual([p.hasArrived, p.buffered, p.position, p.fetchFrom, p.error], [false, 0, 12, 12, null]);
    assert.deepEqual(take(p), []);
    fetched(p, batch(10, 5), 20);
    assert.deepEqual(take(p), [12, 13, 14]);
  });

  it('hands out nothing behind damaged records, and stands where they begin', () => {
    const whole = batch(2, 3);
    const damaged = Buffer.from(whole);
    // One record more than there are.
    damaged.writeInt32BE(4, 57);
    const notGzip = Buffer.from(whole);
    notGzip.writeInt16BE(1, 21);
    for (const [bad, good] of [
      [damaged, [0, 1, 2, 3, 4]],
      [notGzip, [0, 1]],
    ] as const) {
      const p = assigned(0);
      fetched(p, Buffer.concat([batch(0, 2), bad, batch(5, 2)]), 7);
      fetched(p, batch(7, 2), 9);
      const into: ConsumedMessage[] = [];
      assert.throws(() => p.take(into, ALL));
      assert.deepEqual(
        into.map(({ offset }) => offset),
        good,
      );
      assert.deepEqual([p.position, p.fetchFrom, p.buffered, p.hasArrived], [good.length, good.length, 0, false]);
      assert.deepEqual(take(p), []);
    }
  });

  it('hands out every record once whatever is fetched, taken and sought', () => {
    const bounds = [0, 1, 4, 5, 9, 16, 17, 20, 31, 40];
    const parts = bounds.slice(1).map((to, i) => batch(bounds[i] as number, to - (bounds[i] as number), { codec: i % 2 }));
    const action = fc.oneof(
      fc.record({ kind: fc.constant('fetch' as const), bytes: fc.nat({ max: 2000 }) }),
      fc.record({ kind: fc.constant('take' as const), max: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ kind: fc.constant('seek' as const), offset: fc.nat({ max: 40 }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: 'max' }), (actions) => {
        const p = assigned(0);
        let next = 0;
        const check = (max: number): void => {
          for (const offset of take(p, max)) assert.equal(offset, next++);
        };
        const fetch = (bytes: number): void => {
          const from = parts.findIndex((_, i) => p.fetchFrom < (bounds[i + 1] as number));
          const answer = from === -1 ? Buffer.alloc(0) : Buffer.concat(parts.slice(from));
          fetched(p, answer.subarray(0, Math.max(parts[from]?.length ?? 0, bytes)), 40);
        };
        for (const each of actions) {
          if (each.kind === 'fetch') fetch(each.bytes);
          else if (each.kind === 'take') check(each.max);
          else {
            p.seek(each.offset);
            next = each.offset;
          }
          assert.ok(p.position <= p.fetchFrom && p.buffered >= 0);
        }
        while (p.takeEnd() === null && next < 40) {
          fetch(0);
          check(ALL);
        }
        assert.deepEqual([next, p.position, p.buffered], [40, 40, 0]);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyFilter } from '../../src/state/engine/key-filter.ts';
import { SortedCursor, type SortedEntry, SortedMap } from '../../src/state/engine/sorted-map.ts';
import { JavaHashOrder } from '../../src/state/special/java-hash-order.ts';
import { upperBound } from '../../src/state/window/window-key.ts';

test('the key filter never denies a key it was given, through all its growth, and denies most others', () => {
  const filter = new KeyFilter();
  for (let i = 0; i < 100_000; i++) filter.add(`user-${i}|suffix`, `user-${i}`.length);
  for (let i = 0; i < 100_000; i++) assert.ok(filter.mayHold(`user-${i}`, `user-${i}`.length), `user-${i}`);
  let maybe = 0;
  for (let i = 0; i < 10_000; i++) if (filter.mayHold(`other-${i}`, `other-${i}`.length)) maybe++;
  assert.ok(maybe < 500, `${maybe} of 10000`);
});

class Entry implements SortedEntry {
  born = 0;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}

test('a sorted map walks ranges as a sorted array does, whenever its index was built', () => {
  const ids = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', '\u00ff'), maxLength: 12 }), { maxLength: 1500, size: 'max' });
  fc.assert(
    fc.property(ids, fc.array(fc.nat(), { maxLength: 200 }), fc.nat(), (keys, deletions, bound) => {
      const map = new SortedMap<Entry>();
      const model = new Set<string>();
      keys.forEach((id, at) => {
        map.set(new Entry(id));
        model.add(id);
        if (at === bound % (keys.length + 1)) map.after(null, true);
      });
      for (const at of deletions) {
        const id = keys[at % Math.max(1, keys.length)];
        if (id !== undefined) assert.equal(map.delete(id), model.delete(id));
      }
      const sorted = [...model].sort();
      const low = keys[bound % Math.max(1, keys.length)] ?? null;
      for (const reverse of [false, true]) {
        const walked: string[] = [];
        for (const cursor = new SortedCursor(map, low, null, reverse); cursor.current !== undefined; cursor.advance()) walked.push(cursor.current.id);
        const expected = sorted.filter((id) => low === null || id >= low);
        assert.deepEqual(walked, reverse ? expected.reverse() : expected);
      }
    }),
    { numRuns: 40, seed: 5 },
  );
});

test('an upper bound of a key range holds every shorter key with any suffix', () => {
  const bytes = fc.uint8Array({ maxLength: 6 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(bytes, bytes, fc.uint8Array({ minLength: 3, maxLength: 3 }), (key, to, suffix) => {
      const max = Buffer.from([0x7f, 0xff, 0xff]);
      const end = Buffer.from(suffix);
      fc.pre(key.compare(to) <= 0 && end.compare(max) <= 0);
      assert.ok(Buffer.concat([key, end]).compare(upperBound(to, max)) <= 0);
    }),
    { numRuns: 2000, seed: 5 },
  );
});

test('the order of java.util.HashSet over byte keys', () => {
  // Seen in a changelog that Kafka Streams wrote: windowed keys of one flush.
  const keys = ['610000000000000000', '640000000000000005', '64000000000000000a'].map((hex) => Buffer.from(hex, 'hex'));
  assert.deepEqual(
    new JavaHashOrder().order(keys, (key) => key).map((key) => key.toString('hex')),
    ['610000000000000000', '64000000000000000a', '640000000000000005'],
  );
});

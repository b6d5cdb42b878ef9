import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { copiedHashSetOrder, hashSetOrder, JavaTreeSet } from '../../src/topology/java-order.ts';

describe('hashSetOrder', () => {
  it('is the order of the buckets of String.hashCode, as Java prints it', () => {
    // Printed by `new HashSet<>(List.of(...))` on Java 17.
    assert.deepEqual(hashSetOrder(['t3', 't1', 't2']), ['t1', 't2', 't3']);
    assert.deepEqual(hashSetOrder(['vs', 'jj-Buffer']), ['jj-Buffer', 'vs']);
    assert.deepEqual(copiedHashSetOrder(['KSTREAM-OUTERSHARED-0000000004-store', 'KSTREAM-OUTEROTHER-0000000005-store']), [
      'KSTREAM-OUTEROTHER-0000000005-store',
      'KSTREAM-OUTERSHARED-0000000004-store',
    ]);
  });

  it('keeps the order of insertion within a bucket', () => {
    // "Aa" and "BB" have one hash code.
    assert.deepEqual(hashSetOrder(['BB', 'Aa']), ['BB', 'Aa']);
    assert.deepEqual(hashSetOrder(['Aa', 'BB']), ['Aa', 'BB']);
  });

  it('depends on the table size: a copied set may have a larger one', () => {
    const names = Array.from({ length: 12 }, (_, index) => `store-${index * 7}`);
    const numbers = (ordered: readonly string[]) => ordered.map((name) => Number(name.slice('store-'.length)));
    // Both printed by Java 17.
    assert.deepEqual(numbers(hashSetOrder(names)), [63, 42, 21, 0, 77, 56, 35, 14, 49, 28, 7, 70]);
    assert.deepEqual(numbers(copiedHashSetOrder(names)), [49, 28, 63, 42, 21, 0, 77, 56, 35, 14, 7, 70]);
  });
});

describe('JavaTreeSet', () => {
  it('sorts any number of elements', () => {
    const numbers = Array.from({ length: 500 }, (_, index) => (index * 7919) % 1009);
    const set = new JavaTreeSet<number>((a, b) => a - b);
    for (const number of [...numbers, ...numbers]) set.add(number);
    assert.deepEqual(
      [...set],
      [...new Set(numbers)].sort((a, b) => a - b),
    );
  });

  it('does not move an element whose rank changes after it was added, and places later ones by the new rank', () => {
    const ranks = new Map([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    const set = new JavaTreeSet<string>((a, b) => (ranks.get(a) as number) - (ranks.get(b) as number));
    set.add('a');
    set.add('b');
    ranks.set('a', 9);
    set.add('c');
    assert.deepEqual([...set], ['c', 'a', 'b']);
  });
});

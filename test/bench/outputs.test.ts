import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Digest, difference, type Output } from '../../bench/lib/outputs.ts';

function output(entries: [string, string][]): Output {
  const bag = new Digest();
  for (const [key, value] of entries) bag.add(`${key}|${value}`);
  return { records: entries.length, entries: entries.length, table: new Map(entries), digest: bag.toString() };
}

test('the same entries in another order are equal', () => {
  assert.equal(
    difference(
      output([
        ['a', '1'],
        ['b', '2'],
      ]),
      output([
        ['b', '2'],
        ['a', '1'],
      ]),
    ),
    null,
  );
});

test('another value, a missing key and one too many are told apart', () => {
  const text = difference(
    output([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]),
    output([
      ['a', '9'],
      ['b', '2'],
      ['d', '4'],
    ]),
  ) as string;
  assert.match(text, /"a": "1" here, "9" there/);
  assert.match(text, /"c": "3" here, nothing there/);
  assert.match(text, /"d": nothing here, "4" there/);
});

test('a digest tells bags apart that hold a record a different number of times', () => {
  const once = new Digest();
  once.add('x');
  const twice = new Digest();
  twice.add('x');
  twice.add('x');
  assert.notEqual(once.toString(), twice.toString());
});

test('bytes that are not text survive the comparison and are shown escaped', () => {
  const text = difference(output([['k\xff\x00', '1']]), output([['k\xff\x00', '2']])) as string;
  assert.match(text, /k\\xff/);
});

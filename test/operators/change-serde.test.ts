import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import { changeSerde } from '../../src/operators/index.ts';
import type { PrepareItem, Serde } from '../../src/serdes/serde.ts';
import { utf8 } from './fakes.ts';

const serde = changeSerde(utf8);
const hex = (change: Change<string>): string => serde.serialize('t', change).toString('hex');

test('the bytes of Kafka Streams', () => {
  assert.equal(hex(new Change('ab', null)), '616201');
  assert.equal(hex(new Change<string>(null, 'ab')), '616200');
  assert.equal(hex(new Change('ab', 'c')), '0461626302');
  const long = hex(new Change('x'.repeat(100), 'y'));
  assert.equal(long.slice(0, 4), 'c801', 'the length is a zigzag varint');
  assert.throws(() => hex(new Change<string>(null, null)), /without an old and a new value/);
});

test('what was written is read back', () => {
  for (const change of [new Change('ab', null), new Change<string>(null, 'ab'), new Change('', 'ab'), new Change('x'.repeat(5000), 'y')]) {
    assert.deepEqual(serde.deserialize('t', serde.serialize('t', change)), change);
  }
});

test('the flags with isLatest are read', () => {
  assert.deepEqual(serde.deserialize('t', Buffer.from('61620103', 'hex')), new Change<string>(null, 'ab', true));
  assert.deepEqual(serde.deserialize('t', Buffer.from('61620004', 'hex')), new Change<string>('ab', null, false));
  assert.deepEqual(serde.deserialize('t', Buffer.from('046162630005', 'hex')), new Change('ab', 'c', false));
});

test('other bytes are refused', () => {
  for (const bytes of ['', '6106', '03', 'ff02', '2061620002'])
    assert.throws(() => serde.deserialize('t', Buffer.from(bytes, 'hex')), /not a change of a table.*topic t/, bytes);
});

test('without a serde the default value serde is used, and needed', () => {
  assert.throws(() => changeSerde(undefined).serialize('t', new Change('a', null)), /no value serde/);
  const withDefault = changeSerde<unknown>(undefined).withDefaults?.(undefined, utf8 as Serde<unknown>);
  assert.equal(withDefault?.serialize('t', new Change('a', null)).toString('hex'), '6101');
});

test('a serde that prepares sees the values inside', async () => {
  const seen: string[] = [];
  const preparing: Serde<string> = {
    ...utf8,
    prepare: async (batch: readonly PrepareItem[]) => {
      for (const { topic, data } of batch) seen.push(`${topic}:${data.toString()}`);
    },
  };
  const prepared = changeSerde(preparing);
  await prepared.prepare?.([
    { topic: 't', data: prepared.serialize('t', new Change('new', 'old')) },
    { topic: 't', data: prepared.serialize('t', new Change<string>(null, 'gone')) },
  ]);
  assert.deepEqual(seen, ['t:new', 't:old', 't:gone']);
  const encoded: string[] = [];
  await changeSerde({ ...utf8, prepareEncode: async (topics) => void encoded.push(...topics) }).prepareEncode?.(['t']);
  assert.deepEqual(encoded, ['t']);
  assert.equal(changeSerde(utf8).prepare ?? changeSerde(utf8).prepareEncode, undefined);
});

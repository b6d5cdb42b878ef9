import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePartitionMetadata, encodePartitionMetadata } from '../../../src/runtime/task/partition-metadata.ts';

const TIME = 1795000300000;

test('what is written comes back, whether or not a client adds or cuts a byte', () => {
  const sets = [
    new Map<string, number>(),
    new Map([['a', 1]]),
    new Map([['ab', 5]]),
    new Map([['abc', -1]]),
    new Map([
      ['KSTREAM-AGGREGATE', TIME],
      ['é', 0],
    ]),
  ];
  for (const kept of sets) {
    const text = encodePartitionMetadata(TIME, kept);
    for (const read of [text, `${text}\0`, text.slice(0, -1)]) {
      assert.deepEqual(decodePartitionMetadata(read), { partitionTime: TIME, processorMetadata: kept });
    }
  }
  assert.equal(decodePartitionMetadata(encodePartitionMetadata(-1, new Map())).partitionTime, -1);
});

test("Java's text is read, and so much of it as a client leaves", () => {
  // Committed by Kafka Streams 4.3.
  assert.equal(decodePartitionMetadata('AgAAAaHuWvHg').partitionTime, 1795000300000);
  const cut = decodePartitionMetadata('AgAAAaHuWvH').partitionTime;
  assert.ok(cut <= TIME && TIME - cut < 64, `${cut}`);
});

test("Java's layout: magic 2, time, then count and entries", () => {
  const bytes = Buffer.from(encodePartitionMetadata(TIME, new Map([['k', 7]])), 'base64');
  assert.equal(bytes.subarray(0, 26).toString('hex'), '02000001a1ee5af1e000000001000000016b0000000000000007'.slice(0, 52));
});

test('what cannot be read is no error', () => {
  for (const text of [undefined, '', 'x', 'AQ==', '%%%', 'CQAAAaHuWvHg', Buffer.from('02000001a1ee5af1e07fffffffffffffff', 'hex').toString('base64')]) {
    const read = decodePartitionMetadata(text);
    assert.equal(read.processorMetadata.size, 0);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Producer } from '../../src/kafka/contract.ts';
import { NO_HEADERS } from '../../src/processor/headers.ts';
import { KafkaRecordCollector, UnknownTopicError } from '../../src/runtime/kafka-record-collector.ts';
import { partitionOfKey } from '../../src/util/murmur2.ts';

function setUp(transactional: boolean, room = Number.POSITIVE_INFINITY) {
  const produced: string[] = [];
  const state = { room, frozen: false };
  const producer = {
    produce: (topic: string, partition: number, key: Buffer | null) => {
      if (state.room <= 0) return false;
      state.room--;
      produced.push(`${topic}-${partition}:${key?.toString()}`);
      return true;
    },
  } as unknown as Producer;
  const collector = new KafkaRecordCollector({
    transactional,
    partitionCounts: new Map([
      ['out', 3],
      ['log', 3],
    ]),
    changelogs: new Set(['log']),
    mayProduce: () => !state.frozen,
  });
  collector.useProducer(producer);
  const send = (topic: string, key: string, partition?: number): void => collector.send(topic, partition, Buffer.from(key), Buffer.from('v'), 1, NO_HEADERS);
  return { collector, produced, send, state };
}

test('exactly-once: everything waits for the commit', () => {
  const { collector, produced, send } = setUp(true);
  send('out', 'a');
  send('log', 'a', 1);
  assert.deepEqual(produced, []);
  assert.ok(collector.pendingBytes > 0);
  const { outputs, changes } = collector.take();
  assert.deepEqual([outputs.length, changes.length], [1, 1]);
  assert.equal(outputs[0]?.partition, partitionOfKey(Buffer.from('a'), 3));
  assert.equal(collector.pendingBytes, 0);
  assert.equal(collector.hasPending, false);
});

test('at-least-once: outputs go at once, changelogs wait, and what was sent still asks for a commit', () => {
  const { collector, produced, send } = setUp(false);
  send('out', 'a', 2);
  send('log', 'a', 1);
  assert.deepEqual(produced, ['out-2:a']);
  assert.equal(collector.hasPending, true);
  assert.deepEqual(collector.take().changes.length, 1);
});

test('at-least-once: outputs wait while a commit is under way, and keep their order after it', () => {
  const { collector, produced, send } = setUp(false);
  collector.hold();
  send('out', 'a', 0);
  collector.release();
  send('out', 'b', 0);
  assert.deepEqual(produced, [], 'b must not overtake a');
  assert.equal(collector.backedUp, true);
  collector.drain(Number.POSITIVE_INFINITY);
  assert.deepEqual(produced, ['out-0:a', 'out-0:b']);
  assert.equal(collector.backedUp, false);
  assert.equal(collector.pendingBytes, 0);
});

test('a full producer queue drops nothing', () => {
  const { collector, produced, send, state } = setUp(false, 1);
  send('out', 'a', 0);
  send('out', 'b', 0);
  send('out', 'c', 0);
  assert.deepEqual(produced, ['out-0:a']);
  state.room = 1;
  collector.drain(Number.POSITIVE_INFINITY);
  assert.deepEqual(produced, ['out-0:a', 'out-0:b']);
  state.room = 5;
  collector.drain(Number.POSITIVE_INFINITY);
  assert.deepEqual(produced, ['out-0:a', 'out-0:b', 'out-0:c']);
});

test('at-least-once: nothing goes out of a process that has stood still, and nothing is lost when it may go on', () => {
  const { collector, produced, send, state } = setUp(false);
  send('out', 'a', 0);
  state.frozen = true;
  send('out', 'b', 0);
  collector.drain(Number.POSITIVE_INFINITY);
  assert.deepEqual(produced, ['out-0:a']);
  assert.equal(collector.backedUp, true);
  state.frozen = false;
  collector.drain(Number.POSITIVE_INFINITY);
  assert.deepEqual(produced, ['out-0:a', 'out-0:b']);
});

test('null keys are spread over the partitions', () => {
  const { collector } = setUp(true);
  const seen = new Set(Array.from({ length: 9 }, () => collector.partitionFor('out', null)));
  assert.deepEqual([...seen].sort(), [0, 1, 2]);
});

test('a topic that is not known yet gets its partition later; a partitioner cannot wait', () => {
  const { collector, send } = setUp(true);
  send('new', 'a');
  assert.equal(collector.take().outputs[0]?.partition, -1);
  assert.throws(() => collector.partitionsFor('new'), UnknownTopicError);
});

test('an error of a direct produce is kept for the commit: a processor is on the stack', () => {
  const { collector, send } = setUp(false);
  collector.useProducer({
    produce: () => {
      throw new Error('too large');
    },
  } as unknown as Producer);
  send('out', 'a', 0);
  assert.equal(collector.takeFailure()?.error.message, 'too large');
  assert.equal(collector.takeFailure(), undefined);
});

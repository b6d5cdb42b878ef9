import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  currentDescriptor,
  type Descriptor,
  decodeDescriptor,
  descriptorKey,
  differences,
  encodeDescriptor,
  tasksOfPartition,
} from '../../../src/runtime/group/descriptor.ts';

const descriptor = (parts: Partial<Descriptor> = {}): Descriptor => ({
  format: 1,
  generation: 1,
  applicationId: 'a',
  partitions: 2,
  tasks: ['0_0', '0_1'],
  fingerprints: { 0: 'x' },
  writer: 'w',
  ...parts,
});
const stored = (offset: number, parts: Partial<Descriptor>) => ({ key: `k${offset}`, offset, descriptor: descriptor(parts) });

test('a descriptor survives its record', () => {
  const own = descriptor();
  assert.deepEqual(decodeDescriptor(descriptorKey(own).toString(), encodeDescriptor(own)), own);
  assert.equal(decodeDescriptor('something/else', Buffer.from('{}')), undefined);
  assert.throws(() => decodeDescriptor('descriptor/1/w', Buffer.from('not json')), { code: 'ERR_TASKS_TOPIC' });
  assert.throws(() => decodeDescriptor('descriptor/1/w', Buffer.from('{"format":2}')), { code: 'ERR_TASKS_TOPIC' });
});

test('of two writers the lowest offset wins, a higher generation over both', () => {
  const first = stored(3, { writer: 'first' });
  const second = stored(4, { writer: 'second' });
  assert.equal(currentDescriptor([second, first]), first);
  const upgrade = stored(9, { generation: 2 });
  assert.equal(currentDescriptor([second, upgrade, first]), upgrade);
  assert.equal(currentDescriptor([]), undefined);
});

test('two writers have two keys, so that compaction keeps both', () => {
  assert.notDeepEqual(descriptorKey(descriptor({ writer: 'a' })), descriptorKey(descriptor({ writer: 'b' })));
});

test('differences name what changed; the writer and the generation do not count', () => {
  assert.deepEqual(differences(descriptor(), descriptor({ generation: 7, writer: 'z' })), []);
  assert.deepEqual(differences(descriptor(), descriptor({ fingerprints: { 0: 'y', 1: 'n' } })), ['sub-topology 0 differs', 'sub-topology 1 is new']);
  assert.deepEqual(differences(descriptor({ fingerprints: { 0: 'x', 1: 'n' } }), descriptor()), ['sub-topology 1 is gone']);
  assert.match(differences(descriptor(), descriptor({ tasks: ['0_0'] })).join(), /2 tasks and this member 1/);
});

test('every task belongs to exactly one partition, also when there are fewer partitions than tasks', () => {
  const tasks = Array.from({ length: 7 }, (_, partition) => ({ id: `0_${partition}`, subtopology: 0, partition }));
  for (const partitions of [1, 3, 7]) {
    const owned = Array.from({ length: partitions }, (_, n) => tasksOfPartition(tasks, n, partitions)).flat();
    assert.deepEqual(
      owned.map(({ id }) => id).sort(),
      tasks.map(({ id }) => id),
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsumedMessage, FetchConsumer, TopicPartition, TopicPartitionOffset } from '../../../src/kafka/contract.ts';
import { resolveConfig } from '../../../src/runtime/config.ts';
import type { OwnedTask } from '../../../src/runtime/thread/owned-task.ts';
import { SourceFetcher } from '../../../src/runtime/thread/source-fetcher.ts';

const config = resolveConfig({ bufferedRecordsPerPartition: 2 }, { forDriver: true });
const message = (topic: string, offset: number, partition = 0): ConsumedMessage => ({ topic, partition, offset, key: null, value: null, timestamp: 0 });

/** A consumer whose consumes are answered by the test. */
class ScriptedConsumer {
  readonly calls: string[] = [];
  ends: TopicPartitionOffset[] = [];
  private answer: ((messages: ConsumedMessage[]) => void) | undefined;

  consume(): Promise<ConsumedMessage[]> {
    this.calls.push('consume');
    return new Promise((resolve) => {
      this.answer = resolve;
    });
  }

  async reply(...messages: ConsumedMessage[]): Promise<void> {
    this.answer?.(messages);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async seek({ topic, partition, offset }: TopicPartitionOffset): Promise<void> {
    this.calls.push(`seek ${topic}-${partition}@${offset}`);
  }

  async incrementalAssign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    this.calls.push(`assign ${partitions.map((p) => `${p.topic}-${p.partition}@${p.offset}`).join()}`);
  }

  async incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void> {
    this.calls.push(`unassign ${partitions.map((p) => `${p.topic}-${p.partition}`).join()}`);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.calls.push(`pause ${partitions.map((p) => p.topic).join()}`);
  }

  resume(partitions: readonly TopicPartition[]): void {
    if (partitions.length > 0) this.calls.push(`resume ${partitions.map((p) => p.topic).join()}`);
  }

  takeEndOfPartitions(): TopicPartitionOffset[] {
    return this.ends.splice(0);
  }
}

class FakeTask {
  readonly queue: ConsumedMessage[] = [];
  readonly ends: string[] = [];
  needsPrepare = false;
  prepared: (() => void) | undefined;

  get bufferedTotal(): number {
    return this.queue.length;
  }

  buffered(): number {
    return this.queue.length;
  }

  isProcessable(): boolean {
    return this.queue.length > 0;
  }

  add(_topic: string, _partition: number, added: ConsumedMessage): void {
    this.queue.push(added);
  }

  caughtUp(topic: string): void {
    this.ends.push(topic);
  }

  prepare(): Promise<void> {
    return new Promise((resolve) => {
      this.prepared = resolve;
    });
  }
}

function setUp() {
  const consumer = new ScriptedConsumer();
  const fetcher = new SourceFetcher(consumer as unknown as FetchConsumer, config, () => {});
  const own = (topic: string): { task: FakeTask; owner: OwnedTask } => {
    const task = new FakeTask();
    const owner = { task, inputs: [{ topic, partition: 0 }], positions: new Map([[`${topic}-0`, { topic, partition: 0, offset: 5 }]]) } as unknown as OwnedTask;
    return { task, owner };
  };
  return { consumer, fetcher, own };
}

const offsets = (task: FakeTask): number[] => task.queue.map(({ offset }) => offset);

test('one consume at a time; messages go to the task that reads their partition', async () => {
  const { consumer, fetcher, own } = setUp();
  const a = own('a');
  const b = own('b');
  await fetcher.add(a.owner);
  await fetcher.add(b.owner);
  fetcher.pump(0);
  fetcher.pump(0);
  await consumer.reply(message('a', 5), message('b', 5), message('a', 6));
  fetcher.pump(0);
  assert.deepEqual(consumer.calls, ['assign a-0@5', 'assign b-0@5', 'consume'], 'no second consume before the first is delivered');
  fetcher.deliver();
  assert.deepEqual([offsets(a.task), offsets(b.task)], [[5, 6], [5]]);
});

test('an abort with a consume in flight: what it brings is dropped before the seeks, and nothing of what comes after them', async () => {
  const { consumer, fetcher, own } = setUp();
  const { task, owner } = own('a');
  await fetcher.add(owner);
  fetcher.pump(0);
  const resetting = fetcher.reset();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!consumer.calls.includes('seek a-0@5'), 'no seek while a consume is in flight');
  await consumer.reply(message('a', 9));
  await resetting;
  fetcher.deliver();
  assert.deepEqual(offsets(task), []);
  fetcher.pump(0);
  await consumer.reply(message('a', 5));
  fetcher.deliver();
  assert.deepEqual(offsets(task), [5]);
});

test('a partition that leaves and comes back does not get the messages of its past', async () => {
  const { consumer, fetcher, own } = setUp();
  const before = own('a');
  await fetcher.add(before.owner);
  fetcher.pump(0);
  await consumer.reply(message('a', 9));
  await fetcher.remove([before.owner]);
  const again = own('a');
  await fetcher.add(again.owner);
  fetcher.deliver();
  assert.deepEqual([offsets(before.task), offsets(again.task)], [[], []]);
});

test('messages in preparation during an abort are dropped', async () => {
  const { consumer, fetcher, own } = setUp();
  const { task, owner } = own('a');
  task.needsPrepare = true;
  await fetcher.add(owner);
  fetcher.pump(0);
  await consumer.reply(message('a', 5));
  const delivering = fetcher.deliver();
  await fetcher.reset();
  task.prepared?.();
  await delivering;
  assert.deepEqual(offsets(task), []);
});

test('a queue that is sixteen times too long is paused, and resumed when it has drained', async () => {
  const { consumer, fetcher, own } = setUp();
  const { task, owner } = own('a');
  await fetcher.add(owner);
  fetcher.pump(0);
  await consumer.reply(...Array.from({ length: 32 }, (_, i) => message('a', i)));
  fetcher.deliver();
  assert.deepEqual(fetcher.paused, ['a-0']);
  fetcher.resumeDrained();
  assert.deepEqual(fetcher.paused, ['a-0']);
  task.queue.length = 2;
  fetcher.resumeDrained();
  assert.deepEqual(fetcher.paused, []);
  assert.deepEqual(consumer.calls.slice(-2), ['pause a', 'resume a']);
});

test('ends of partitions reach the task behind the messages before them', async () => {
  const { consumer, fetcher, own } = setUp();
  const { task, owner } = own('a');
  await fetcher.add(owner);
  fetcher.pump(0);
  consumer.ends.push({ topic: 'a', partition: 0, offset: 6 });
  await consumer.reply(message('a', 5));
  fetcher.deliver();
  assert.deepEqual([offsets(task), task.ends], [[5], ['a']]);
});

test('an error of a consume is thrown by the next pump', async () => {
  const { fetcher, consumer, own } = setUp();
  await fetcher.add(own('a').owner);
  consumer.consume = () => Promise.reject(new Error('gone'));
  fetcher.pump(0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.throws(() => fetcher.pump(0), /gone/);
});

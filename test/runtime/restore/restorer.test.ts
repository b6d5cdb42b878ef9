import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { ConsumedMessage, FetchConsumer, KafkaClients, TopicPartition, TopicPartitionOffset } from '../../../src/kafka/contract.ts';
import { resolveConfig } from '../../../src/runtime/config.ts';
import { type RestoreProgress, Restorer } from '../../../src/runtime/restore/restorer.ts';
import type { OwnedTask } from '../../../src/runtime/thread/owned-task.ts';
import type { ChangelogRecord } from '../../../src/state/contract/task-state.ts';

const message = (topic: string, offset: number): ConsumedMessage => ({
  topic,
  partition: 0,
  offset,
  key: Buffer.from(`k${offset}`),
  value: Buffer.from('v'),
  timestamp: 0,
});
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

/** Answers consumes with what the test has put ready, in order. */
class ScriptedConsumer {
  readonly batches: { messages: ConsumedMessage[]; ends: TopicPartitionOffset[] }[] = [];
  readonly assigned = new Map<string, number>();
  private ends: TopicPartitionOffset[] = [];

  async connect(): Promise<void> {}
  async close(): Promise<void> {}

  async consume(): Promise<ConsumedMessage[]> {
    await turn();
    const batch = this.batches.shift();
    if (batch === undefined) return [];
    this.ends.push(...batch.ends);
    // What comes for a partition that was assigned anew meanwhile does not move it.
    for (const { topic, offset } of batch.messages) if (this.assigned.get(topic) === offset) this.assigned.set(topic, offset + 1);
    return batch.messages;
  }

  takeEndOfPartitions(): TopicPartitionOffset[] {
    return this.ends.splice(0);
  }

  position({ topic }: TopicPartition): number | undefined {
    return this.assigned.get(topic);
  }

  async incrementalAssign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    for (const { topic, offset } of partitions) this.assigned.set(topic, offset);
  }

  async incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void> {
    for (const { topic } of partitions) this.assigned.delete(topic);
  }
}

function setUp() {
  const consumer = new ScriptedConsumer();
  const restored: string[] = [];
  const progress: RestoreProgress[] = [];
  const errors: unknown[] = [];
  const restorer = new Restorer({
    clients: { fetcher: () => consumer as unknown as FetchConsumer } as unknown as KafkaClients,
    config: resolveConfig({}, { forDriver: true }),
    logger: pino({ level: 'silent' }),
    onProgress: (event) => progress.push(event),
    onRestored: (owner) => restored.push(owner.name),
    onRecord: () => {},
    onError: (error) => errors.push(error),
  });
  const own = (name: string) => {
    const written: number[] = [];
    const state = {
      next: -1,
      restore: (_store: string, records: readonly ChangelogRecord[], next: number) => {
        written.push(...records.map(({ offset }) => offset));
        state.next = next;
      },
    };
    const owner = { name, phase: 'restoring', restored: 0, state, logger: pino({ level: 'silent' }) } as unknown as OwnedTask;
    const plan = (from: number, end: number) => ({
      changelog: { topic: `log-${name}`, partition: 0, store: 's', isSource: false, deleteRetentionMs: 1 },
      from,
      end,
    });
    return { owner, plan, written, state };
  };
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 500 && !condition(); i++) await turn();
    assert.ok(condition());
  };
  return { consumer, restorer, restored, progress, errors, own, until };
}

/** Does something each time that records are written to the task's store. */
function whenWritten({ state }: ReturnType<ReturnType<typeof setUp>['own']>, act: () => void): void {
  const write = state.restore;
  state.restore = (...args) => {
    write(...args);
    act();
  };
}

test('a store is done when the end of its partition is reached, also behind markers of transactions', async () => {
  const { consumer, restorer, restored, progress, own, until } = setUp();
  const a = own('a');
  consumer.batches.push(
    { messages: [message('log-a', 0), message('log-a', 1)], ends: [] },
    { messages: [], ends: [{ topic: 'log-a', partition: 0, offset: 3 }] },
  );
  await restorer.add(a.owner, [a.plan(0, 3)]);
  await until(() => restored.length === 1);
  assert.deepEqual([a.written, a.state.next], [[0, 1], 3]);
  assert.deepEqual(progress.at(-1), { store: 's', task: 'a', restored: 3, total: 3 });
  assert.equal(consumer.assigned.size, 0);
  await restorer.close();
});

test('an end before the plan’s is not the end: a transaction may be pending', async () => {
  const { consumer, restorer, restored, own, until } = setUp();
  const a = own('a');
  consumer.batches.push({ messages: [message('log-a', 0)], ends: [{ topic: 'log-a', partition: 0, offset: 1 }] });
  await restorer.add(a.owner, [a.plan(0, 3)]);
  await until(() => consumer.batches.length === 0);
  await turn();
  assert.deepEqual(restored, []);
  consumer.batches.push({ messages: [message('log-a', 1)], ends: [{ topic: 'log-a', partition: 0, offset: 3 }] });
  await until(() => restored.length === 1);
  assert.deepEqual(a.written, [0, 1]);
  await restorer.close();
});

test('the end of a partition that comes with the next batch does not count for this one: the records before it are read', async () => {
  const { consumer, restorer, restored, own, until } = setUp();
  const a = own('a');
  consumer.batches.push(
    { messages: [message('log-a', 0)], ends: [] },
    { messages: [message('log-a', 1), message('log-a', 2)], ends: [{ topic: 'log-a', partition: 0, offset: 4 }] },
  );
  await restorer.add(a.owner, [a.plan(0, 4)]);
  await until(() => restored.length === 1);
  assert.deepEqual(a.written, [0, 1, 2]);
  await restorer.close();
});

test('records beyond the plan’s end are left to processing', async () => {
  const { consumer, restorer, restored, own, until } = setUp();
  const a = own('a');
  consumer.batches.push({ messages: [0, 1, 2, 3].map((offset) => message('log-a', offset)), ends: [] });
  await restorer.add(a.owner, [a.plan(0, 2)]);
  await until(() => restored.length === 1);
  assert.deepEqual([a.written, a.state.next], [[0, 1], 2]);
  await restorer.close();
});

test('several tasks are restored at once, and each is reported when its own stores are done', async () => {
  const { consumer, restorer, restored, own, until } = setUp();
  const [a, b] = [own('a'), own('b')];
  await restorer.add(a.owner, [a.plan(0, 2)]);
  await restorer.add(b.owner, [b.plan(0, 1)]);
  consumer.batches.push({ messages: [message('log-a', 0), message('log-b', 0)], ends: [] });
  await until(() => restored.length === 1);
  assert.deepEqual(restored, ['b']);
  consumer.batches.push({ messages: [message('log-a', 1)], ends: [] });
  await until(() => restored.length === 2);
  assert.deepEqual([a.written, b.written], [[0, 1], [0]]);
  await restorer.close();
});

test('a task that leaves and comes back does not get records that were read for its past', async () => {
  const { consumer, restorer, own, until, restored } = setUp();
  const before = own('a');
  await restorer.add(before.owner, [before.plan(5, 9)]);
  (before.owner as { phase: string }).phase = 'closed';
  await restorer.remove(before.owner);
  const again = own('a');
  await restorer.add(again.owner, [again.plan(0, 2)]);
  assert.equal(consumer.assigned.get('log-a'), 0);
  consumer.batches.push({ messages: [message('log-a', 0), message('log-a', 1)], ends: [] });
  await until(() => restored.length === 1);
  assert.deepEqual([before.written, again.written], [[], [0, 1]]);
  await restorer.close();
});

test('records that were read ahead while another task was written are not taken for those of a task that came back meanwhile', async () => {
  const { consumer, restorer, own, until, restored } = setUp();
  const [before, b, again] = [own('a'), own('b'), own('a')];
  whenWritten(b, () => {
    if (before.owner.phase === 'closed') return;
    (before.owner as { phase: string }).phase = 'closed';
    void restorer.remove(before.owner).then(() => restorer.add(again.owner, [again.plan(0, 7)]));
  });
  consumer.batches.push({ messages: [message('log-b', 0)], ends: [] }, { messages: [message('log-a', 5), message('log-a', 6)], ends: [] });
  await restorer.add(b.owner, [b.plan(0, 2)]);
  await restorer.add(before.owner, [before.plan(5, 9)]);
  await until(() => consumer.batches.length === 0);
  consumer.batches.push({ messages: [0, 1, 2, 3, 4, 5, 6].map((offset) => message('log-a', offset)), ends: [] });
  await until(() => restored.length === 1);
  assert.deepEqual([before.written, again.written], [[], [0, 1, 2, 3, 4, 5, 6]]);
  await restorer.close();
});

test('nor is the end of its partition that was reached before', async () => {
  const { consumer, restorer, own, until, restored } = setUp();
  const [before, b, again] = [own('a'), own('b'), own('a')];
  whenWritten(b, () => {
    if (before.owner.phase === 'closed') return;
    (before.owner as { phase: string }).phase = 'closed';
    void restorer.remove(before.owner).then(() => restorer.add(again.owner, [again.plan(0, 2)]));
  });
  consumer.batches.push({ messages: [message('log-b', 0)], ends: [{ topic: 'log-a', partition: 0, offset: 9 }] });
  await restorer.add(b.owner, [b.plan(0, 2)]);
  await restorer.add(before.owner, [before.plan(5, 9)]);
  await until(() => consumer.batches.length === 0);
  for (let i = 0; i < 10; i++) await turn();
  consumer.batches.push({ messages: [message('log-a', 0), message('log-a', 1)], ends: [] });
  await until(() => restored.length === 1);
  assert.deepEqual(again.written, [0, 1]);
  await restorer.close();
});

test('records that come with a consume which began before their task did are not lost', async () => {
  const { consumer, restorer, own, until, restored } = setUp();
  const [a, b] = [own('a'), own('b')];
  consumer.batches.push({ messages: [message('log-a', 0)], ends: [] });
  await restorer.add(a.owner, [a.plan(0, 1)]);
  while (restored.length === 0) await new Promise(setImmediate);
  // The last consume for a is still under way.
  await restorer.add(b.owner, [b.plan(0, 2)]);
  consumer.batches.push({ messages: [message('log-b', 0)], ends: [] }, { messages: [message('log-b', 1)], ends: [] });
  await until(() => restored.length === 2);
  assert.deepEqual(b.written, [0, 1]);
  await restorer.close();
});

test('a task that leaves while the consumer connects leaves nothing behind', async () => {
  const { consumer, restorer, own, restored, until } = setUp();
  const [a, b] = [own('a'), own('b')];
  let connects = 0;
  consumer.connect = async () => {
    connects++;
    await turn();
  };
  const adding = restorer.add(a.owner, [a.plan(0, 3)]);
  const other = restorer.add(b.owner, [b.plan(0, 1)]);
  await restorer.remove(a.owner);
  await Promise.all([adding, other]);
  assert.deepEqual([connects, [...consumer.assigned.keys()]], [1, ['log-b']]);
  consumer.batches.push({ messages: [message('log-b', 0)], ends: [] });
  await until(() => restored.length === 1);
  await restorer.close();
});

test('nothing to read: restored at once', async () => {
  const { restorer, restored, own } = setUp();
  const a = own('a');
  await restorer.add(a.owner, [a.plan(4, 4)]);
  assert.deepEqual(restored, ['a']);
  await restorer.close();
});

test('an error of the consumer is reported', async () => {
  const { consumer, restorer, errors, own, until } = setUp();
  const a = own('a');
  consumer.consume = () => Promise.reject(new Error('gone'));
  await restorer.add(a.owner, [a.plan(0, 4)]);
  await until(() => errors.length === 1);
  await restorer.close();
});

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { rawOffsetCommit } from '../../support/raw-offset-commit.ts';
import { closeAll, failure, Member, T, transactional, until } from './support.ts';

let kafka: TestKafka;

before(async () => {
  kafka = await connectTestKafka();
});

afterEach(closeAll);

after(() => kafka.close());

for (const groupProtocol of ['classic', 'consumer'] as const) {
  describe(`members of a group, ${groupProtocol} protocol`, () => {
    it('share the tasks; what stays is never taken away, what one leaves the other gets', async () => {
      const tasks = await kafka.createTopic(kafka.unique('tasks'), 4);
      const groupId = kafka.unique('app');
      const first = await Member.join(kafka.clients, tasks, { groupId, groupProtocol });
      await first.owns(0, 1, 2, 3);
      const second = await Member.join(kafka.clients, tasks, { groupId, groupProtocol });
      await until('each has two tasks', () => first.owned.size === 2 && second.owned.size === 2);
      assert.deepEqual([...first.owned, ...second.owned].sort(), [0, 1, 2, 3]);
      const revoked = first.events.filter((event) => event.kind === 'revoke').flatMap((event) => event.partitions.map((p) => p.partition));
      assert.deepEqual(revoked.sort(), [...second.owned].sort());
      assert.ok(first.events.every((event) => event.kind === 'assign' || !event.lost));
      await second.close();
      await first.owns(0, 1, 2, 3);
    });

    it('read nothing from the tasks topic', async () => {
      const tasks = await kafka.createTopic(kafka.unique('tasks'), 1);
      const groupId = kafka.unique('app');
      await kafka.produceAll(tasks, [{ value: 'before' }]);
      const member = await Member.join(kafka.clients, tasks, { groupId, groupProtocol });
      await member.owns(0);
      const read: unknown[] = [];
      (member.consumer.handle as { on(event: 'data', listener: (message: unknown) => void): void }).on('data', (message) => read.push(message));
      await kafka.produceAll(tasks, [{ value: 'after' }]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.deepEqual(read, []);
    });

    it('that lost their tasks can neither commit nor send offsets, and join again by themselves', async () => {
      const tasks = await kafka.createTopic(kafka.unique('tasks'), 2);
      const groupId = kafka.unique('app');
      const options = { groupId, groupProtocol, sessionTimeoutMs: 1500, maxPollIntervalMs: 1500 };
      const hung = await Member.join(kafka.clients, tasks, options);
      await hung.owns(0, 1);
      const producer = await transactional(kafka.clients, kafka.unique('tx'));
      const source = { topic: tasks, partition: 0 };
      await hung.consumer.commit([{ ...source, offset: 1 }], T);

      // It hangs for longer than maxPollInterval: its client leaves the group, another member takes over.
      await hung.stopPolling();
      const other = await Member.join(kafka.clients, tasks, { groupId, groupProtocol });
      await other.owns(0, 1);
      await other.consumer.commit([{ ...source, offset: 5 }], T);

      await producer.beginTransaction();
      assert.ok(producer.produce(tasks, 1, null, Buffer.from('zombie'), 1, []));
      const sent = await failure(producer.sendOffsetsToTransaction([{ ...source, offset: 2 }], hung.consumer, T));
      assert.equal(sent.reaction, 'abortable', sent.message);
      await producer.abortTransaction(T);
      const committed = await failure(hung.consumer.commit([{ ...source, offset: 2 }], T));
      assert.equal(committed.reaction, 'abortable', committed.message);
      assert.equal((await other.consumer.committed([source], T))[0]?.offset, 5);

      hung.resumePolling();
      await until('it has a task again', () => hung.owned.size === 1 && other.owned.size === 1);
      assert.ok(
        hung.events.some((event) => event.kind === 'revoke' && event.lost),
        'it was told that its tasks were lost',
      );
      await hung.consumer.commit([{ topic: tasks, partition: 1, offset: 9 }], T);
    });
  });
}

describe('commit metadata', () => {
  it("is read whole, whoever wrote it: ours and Java's", async () => {
    const topic = await kafka.createTopic(kafka.unique('in'), 2);
    const groupId = kafka.unique('app');
    // Java's partition time in base64: the last character counts.
    const written = 'AQAAAZqbzN3v';
    await rawOffsetCommit(kafka.bootstrapServers, groupId, { topic, partition: 0, offset: 11, metadata: written });
    const member = await Member.join(kafka.clients, topic, { groupId });
    await member.owns(0, 1);
    await member.consumer.commit([{ topic, partition: 1, offset: 12, metadata: written }], T);
    assert.deepEqual(
      (
        await member.consumer.committed(
          [
            { topic, partition: 0 },
            { topic, partition: 1 },
          ],
          T,
        )
      ).map(({ offset, metadata }) => [offset, metadata]),
      [
        [11, written],
        [12, written],
      ],
    );
  });
});

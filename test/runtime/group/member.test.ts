import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { MembershipConsumer, TopicPartitionOffset } from '../../../src/kafka/contract.ts';
import { KafkaClientError, KafkaErrorCode } from '../../../src/kafka/errors.ts';
import { resolveConfig, type StreamsConfig } from '../../../src/runtime/config.ts';
import { GroupMember } from '../../../src/runtime/group/member.ts';

const KNOWN: TopicPartitionOffset[] = [{ topic: 'in', partition: 0, offset: 7 }];
const SESSION_MS = 6000;

interface Script {
  config?: Partial<StreamsConfig>;
  /** What the group answers to a commit. */
  commit?: () => void;
  poll?: () => Promise<void>;
  lost?: boolean;
}

function setUp(script: Script = {}) {
  const committed: (readonly TopicPartitionOffset[])[] = [];
  let woken = 0;
  const consumer = {
    commit: async (offsets: readonly TopicPartitionOffset[]) => {
      script.commit?.();
      committed.push(offsets);
    },
    poll: script.poll ?? (async () => {}),
    assignmentLost: () => script.lost ?? false,
    incrementalAssign: () => {},
    subscribe: () => {},
  } as unknown as MembershipConsumer;
  const member = new GroupMember({
    consumer,
    config: resolveConfig({ applicationId: 'app', bootstrapServers: 'x:1', sessionTimeoutMs: SESSION_MS, taskTimeoutMs: 100, ...script.config }),
    logger: pino({ level: 'silent' }),
    wake: () => woken++,
  });
  return { member, committed, woken: () => woken };
}

/** The wall clock of a process that is frozen for a while. */
function freeze(t: { mock: typeof test.mock }, ms: number): void {
  t.mock.timers.setTime(Date.now() + ms);
}

test('a process that stood still for longer than a third of its session timeout sends nothing before the group has accepted the known offsets', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const { member, committed } = setUp();
  member.turn(Date.now());
  freeze(t, SESSION_MS / 3);
  assert.equal(member.mayProduce(), true);
  assert.equal(await member.stillMember(KNOWN), true);
  assert.deepEqual(committed, [], 'nobody asks without a reason');

  freeze(t, SESSION_MS / 3 + 1);
  assert.equal(member.mayProduce(), false);
  assert.equal(member.mayProduce(), false, 'the question stays until it is answered');
  assert.equal(member.suspect, true);
  assert.equal(await member.stillMember(KNOWN), true);
  assert.deepEqual(committed, [KNOWN]);
  assert.equal(member.mayProduce(), true);
});

test('a process that was replaced while it stood still is told so', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const refused = setUp({
    commit: () => {
      throw new KafkaClientError('unknown member', { kafkaCode: KafkaErrorCode.unknownMemberId, reaction: 'abortable' });
    },
  });
  refused.member.turn(Date.now());
  freeze(t, SESSION_MS);
  assert.equal(await refused.member.stillMember(KNOWN), false);
  assert.equal(refused.member.mayProduce(), false);

  const lost = setUp({ lost: true });
  lost.member.turn(Date.now());
  freeze(t, SESSION_MS);
  assert.equal(await lost.member.stillMember(KNOWN), false);
  assert.deepEqual(lost.committed, []);
});

test('an assignment is an answer of the group; a wait on purpose is no standing still', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const { member } = setUp();
  member.turn(Date.now());
  freeze(t, SESSION_MS);
  assert.equal(member.mayProduce(), false);
  member.accept([{ topic: 'app-tasks', partition: 2 }]);
  assert.equal(member.mayProduce(), true);
  assert.deepEqual([...member.owned], [2]);
  freeze(t, SESSION_MS);
  member.waited();
  assert.equal(member.mayProduce(), true);
});

test('polling the group: one at a time, errors that pass are polled away, a fatal one is thrown in the next turn', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  let polls = 0;
  let answer: Error | undefined = new KafkaClientError('the coordinator moves', { kafkaCode: 16, reaction: 'retriable' });
  const { member, woken } = setUp({
    poll: async () => {
      polls++;
      if (answer !== undefined) throw answer;
    },
  });
  const turn = async (): Promise<void> => {
    freeze(t, 100);
    member.turn(Date.now());
    await new Promise((resolve) => setImmediate(resolve));
  };
  await turn();
  await turn();
  assert.equal(polls, 2);
  answer = new KafkaClientError('fenced', { kafkaCode: KafkaErrorCode.fenced, reaction: 'fatal' });
  await turn();
  assert.equal(woken(), 1);
  assert.throws(() => member.turn(Date.now()), { message: /fenced/ });
});

test('a member hears of a rebalance within half a second, sooner where its session is short', () => {
  const heartbeat = (sessionTimeoutMs: number): number =>
    resolveConfig({ applicationId: 'app', bootstrapServers: 'x:1', sessionTimeoutMs, maxPollIntervalMs: 300_000 }).heartbeatIntervalMs;
  assert.equal(heartbeat(45_000), 500);
  assert.equal(heartbeat(900), 300);
});

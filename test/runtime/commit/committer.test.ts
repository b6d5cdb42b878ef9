import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { type Admin, type KafkaClients, type MembershipConsumer, type Producer, type ProducerOptions, partitionKey } from '../../../src/kafka/contract.ts';
import { KafkaClientError, KafkaErrorCode } from '../../../src/kafka/errors.ts';
import { Committer } from '../../../src/runtime/commit/committer.ts';
import type { CommitInterval } from '../../../src/runtime/commit/interval.ts';
import { resolveConfig } from '../../../src/runtime/config.ts';
import type { KafkaRecordCollector } from '../../../src/runtime/kafka-record-collector.ts';
import type { OwnedTask } from '../../../src/runtime/thread/owned-task.ts';

const INPUT = { topic: 'in', partition: 0 };
const CHANGELOG = { topic: 'app-store-changelog', partition: 0 };
const CHANGE = { ...CHANGELOG, key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1, headers: [] };

interface Script {
  guarantee: 'at_least_once' | 'exactly_once_v2';
  /** What the offset commits answer, in turn; then success. */
  commits?: (KafkaClientError | undefined)[];
  assignmentLost?: () => boolean;
  stillMember?: boolean;
  mayProduce?: () => boolean;
  /** Changelog records of the interval. @default 1 */
  changes?: number;
  /** What producing a record throws. */
  produce?: KafkaClientError;
  /** What aborting throws. */
  abort?: KafkaClientError;
}

function refusal(code: number, reaction: KafkaClientError['reaction']): KafkaClientError {
  return new KafkaClientError(`error ${code}`, { kafkaCode: code, reaction });
}

/** A committer on ends that note the calls they get. Another member writes to the changelog as soon as the group has accepted the offsets. */
async function setUp(script: Script) {
  const calls: string[] = [];
  const applied: (number | undefined)[] = [];
  let end = 10;
  let options: ProducerOptions | undefined;
  const answers = [...(script.commits ?? [])];
  const accept = (call: string): void => {
    calls.push(call);
    const answer = answers.shift();
    if (answer !== undefined) throw answer;
  };
  const note = (call: string) => async (): Promise<void> => void calls.push(call);
  const producer = {
    connect: note('connect'),
    initTransactions: note('init'),
    beginTransaction: note('begin'),
    produce: () => {
      calls.push('produce');
      if (script.produce !== undefined) throw script.produce;
      end += 1;
      return true;
    },
    poll: () => {},
    flush: note('flush'),
    sendOffsetsToTransaction: async () => accept('offsets'),
    commitTransaction: async () => {
      calls.push('commit');
      end += 5;
    },
    abortTransaction: async () => {
      calls.push('abort');
      if (script.abort !== undefined) throw script.abort;
    },
    takeFailures: () => [],
    close: note('close'),
  } as unknown as Producer;
  const membership = {
    commit: async () => {
      accept('offsets');
      end += 5;
    },
    assignmentLost: script.assignmentLost ?? (() => false),
  } as unknown as MembershipConsumer;
  const admin = {
    listOffsets: async () => {
      calls.push('ends');
      return new Map([[partitionKey(CHANGELOG), end]]);
    },
  } as unknown as Admin;
  const clients = {
    producer: (given: ProducerOptions) => {
      options = given;
      return producer;
    },
  } as unknown as KafkaClients;
  const collector = { useProducer: () => {}, hold: () => {}, release: () => {}, takeFailure: () => undefined } as unknown as KafkaRecordCollector;
  const committer = new Committer({
    clients,
    admin,
    membership,
    collector,
    config: resolveConfig({
      applicationId: 'app',
      bootstrapServers: 'x:1',
      processingGuarantee: script.guarantee,
      sessionTimeoutMs: 6000,
      taskTimeoutMs: '5s',
    }),
    logger: pino({ level: 'silent' }),
    transactionalId: 'app-1',
    resolveTopics: async () => [],
    stillMember: async () => script.stillMember ?? true,
    mayProduce: () => script.mayProduce?.() ?? true,
    onDropped: () => {},
    onCommitted: () => {},
  });
  await committer.start();
  calls.length = 0;
  const writes = { stores: ['store'] };
  const owner = {
    name: '0_0',
    phase: 'running',
    inputs: [INPUT],
    changelogs: [{ ...CHANGELOG, store: 'store', isSource: false, deleteRetentionMs: 1 }],
    positions: new Map(),
    setPosition: () => {},
    state: { apply: async (_writes: unknown, offsets: ReadonlyMap<string, number>) => void applied.push(offsets.get('store')) },
  } as unknown as OwnedTask;
  const interval = {
    tasks: [owner],
    outgoing: { outputs: [], changes: Array.from({ length: script.changes ?? 1 }, () => CHANGE) },
    offsets: [{ ...INPUT, offset: 7 }],
    frozen: new Map([[owner, writes]]),
  } as unknown as CommitInterval;
  return { run: () => committer.run(interval), calls, applied, options: () => options as ProducerOptions };
}

test('exactly-once: the end stored with the state is from before the group accepted the offsets, not from after, when a successor may have written', async () => {
  const { run, calls, applied } = await setUp({ guarantee: 'exactly_once_v2' });
  assert.deepEqual(await run(), { kind: 'committed' });
  assert.deepEqual(calls, ['begin', 'produce', 'flush', 'ends', 'offsets', 'commit']);
  assert.deepEqual(applied, [11]);
});

test('at-least-once: the end stored with the state is from before the group accepted the offsets', async () => {
  const { run, calls, applied } = await setUp({ guarantee: 'at_least_once' });
  assert.deepEqual(await run(), { kind: 'committed' });
  assert.deepEqual(calls, ['produce', 'flush', 'ends', 'offsets']);
  assert.deepEqual(applied, [11]);
});

test('nothing is written to the state when the offsets are refused', async () => {
  for (const guarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    const { run, applied } = await setUp({ guarantee, commits: [refusal(KafkaErrorCode.unknownMemberId, 'abortable')] });
    assert.equal((await run()).kind, 'aborted');
    assert.deepEqual(applied, []);
  }
});

test('at-least-once: a commit that a rebalance came between is repeated while the tasks are its own', async () => {
  const { run, calls, applied } = await setUp({ guarantee: 'at_least_once', commits: [refusal(KafkaErrorCode.illegalGeneration, 'abortable')] });
  assert.deepEqual(await run(), { kind: 'committed' });
  assert.equal(calls.filter((call) => call === 'offsets').length, 2);
  assert.deepEqual(applied, [11]);
});

test('at-least-once: a commit of a member that lost its tasks is not repeated, and says that its changelog records are out', async () => {
  const { run, calls } = await setUp({
    guarantee: 'at_least_once',
    commits: [refusal(KafkaErrorCode.illegalGeneration, 'abortable')],
    assignmentLost: () => true,
  });
  const outcome = await run();
  assert.equal(outcome.kind, 'aborted');
  assert.equal('changesSent' in outcome && outcome.changesSent, true);
  assert.equal(calls.filter((call) => call === 'offsets').length, 1);
});

test('at-least-once: a member that was replaced while it stood still sends nothing', async () => {
  const { run, calls } = await setUp({ guarantee: 'at_least_once', stillMember: false });
  const outcome = await run();
  assert.equal(outcome.kind, 'aborted');
  assert.notEqual('changesSent' in outcome && outcome.changesSent, true);
  assert.deepEqual(calls, []);
});

test('at-least-once: a process that is frozen between two records of a commit sends no more of them', async () => {
  let asked = 0;
  const { run, calls } = await setUp({ guarantee: 'at_least_once', changes: 3, mayProduce: () => ++asked < 2 });
  const outcome = await run();
  assert.equal(outcome.kind, 'aborted');
  assert.equal(calls.filter((call) => call.startsWith('produce')).length, 1);
  assert.ok(!calls.includes('offsets'));
});

test('at-least-once: what waits in the queue of a frozen process is given up before its session can have ended', async () => {
  const loose = await setUp({ guarantee: 'at_least_once' });
  assert.deepEqual(loose.options().overrides, { 'message.timeout.ms': 3000 });
  const exact = await setUp({ guarantee: 'exactly_once_v2' });
  assert.equal(exact.options().overrides, undefined);
});

test('exactly-once: a transaction that fails while records are produced is aborted; when the producer is fenced, it is replaced', async () => {
  const failed = await setUp({ guarantee: 'exactly_once_v2', produce: refusal(KafkaErrorCode.state, 'fatal') });
  assert.equal((await failed.run()).kind, 'aborted');
  assert.equal(failed.calls.at(-1), 'abort');
  const late = await setUp({
    guarantee: 'exactly_once_v2',
    produce: refusal(KafkaErrorCode.state, 'fatal'),
    abort: refusal(KafkaErrorCode.fenced, 'fatal'),
  });
  assert.equal((await late.run()).kind, 'fatal');
  const fenced = await setUp({ guarantee: 'exactly_once_v2', produce: refusal(KafkaErrorCode.fatal, 'fatal') });
  assert.equal((await fenced.run()).kind, 'fatal');
});

test('a record that the client refuses stops the service', async () => {
  for (const guarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    const { run } = await setUp({ guarantee, produce: refusal(KafkaErrorCode.messageTooLarge, 'abortable') });
    await assert.rejects(run(), { code: 'ERR_PRODUCTION' });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { CommitOutcome } from '../../../src/runtime/commit/interval.ts';
import { type FailedCommit, Recovery, type RecoveryParts } from '../../../src/runtime/thread/recovery.ts';

const LOST: FailedCommit = { kind: 'aborted', error: new Error('membership lost') };

interface Script {
  /** How a commit ended that was under way beside the failure. */
  beside?: CommitOutcome;
  stopping?: boolean;
  assignmentLost?: boolean;
}

/** A recovery on parts that note what is asked of them, with one running task. */
function setUp({ beside, stopping = false, assignmentLost = false }: Script = {}) {
  const calls: string[] = [];
  const note = (call: string) => (): void => void calls.push(call);
  const noteAsync = (call: string) => async (): Promise<void> => void calls.push(call);
  const owner = { id: { id: '0_0' }, state: { discard: note('discard state') }, positions: new Map(), task: { revive: note('revive') } };
  const recovery = new Recovery({
    logger: pino({ level: 'silent' }),
    signals: { stopping },
    member: { consumer: { assignmentLost: () => assignmentLost }, waited: note('waited') },
    tasks: { all: [owner], running: [owner] },
    lifecycle: { close: noteAsync('close'), start: note('start') },
    positions: { committed: async () => new Map(), resolve: async () => {} },
    fetcher: { reset: noteAsync('reset') },
    collector: { discard: note('discard outputs') },
    committer: { restart: noteAsync('new producer') },
    commit: { ended: () => undefined, takeOutcome: () => beside },
    purger: { discard: note('discard marks') },
  } as unknown as RecoveryParts);
  return { recovery, calls };
}

const DISCARDED = ['discard outputs', 'discard state', 'discard marks'];

test('an aborted commit: everything is dropped, and the tasks go on from the committed offsets', async () => {
  const { recovery, calls } = setUp();
  await recovery.recover(LOST);
  assert.deepEqual(calls, [...DISCARDED, 'reset', 'revive']);
});

test('a fatal one takes a new producer', async () => {
  const { recovery, calls } = setUp();
  await recovery.recover({ kind: 'fatal', error: new Error('fenced') });
  assert.deepEqual(calls, [...DISCARDED, 'new producer', 'reset', 'revive']);
});

test('after changelog records that are in the log for good, the tasks read them before they go on', async () => {
  const { recovery, calls } = setUp();
  await recovery.recover({ kind: 'aborted', error: new Error('offsets refused'), changesSent: true });
  assert.deepEqual(calls, [...DISCARDED, 'close', 'start']);
});

test('a commit that was under way beside another failure counts as well, however it ended', async () => {
  const sent = setUp({ beside: { kind: 'aborted', error: new Error('offsets refused'), changesSent: true } });
  await sent.recovery.recover(LOST);
  assert.deepEqual(sent.calls, [...DISCARDED, 'close', 'start']);

  const fenced = setUp({ beside: { kind: 'fatal', error: new Error('fenced') } });
  await fenced.recovery.recover(LOST);
  assert.deepEqual(fenced.calls, [...DISCARDED, 'new producer', 'reset', 'revive']);

  const fine = setUp({ beside: { kind: 'committed' } });
  await fine.recovery.recover(LOST);
  assert.deepEqual(fine.calls, [...DISCARDED, 'reset', 'revive']);
});

test('tasks that are lost are closed, and wait for nothing', async () => {
  const { recovery, calls } = setUp({ assignmentLost: true });
  await recovery.recover(LOST);
  assert.deepEqual(calls, [...DISCARDED, 'close']);
});

test('failures in a row are spaced out, until a commit succeeds', async () => {
  const { recovery, calls } = setUp();
  await recovery.recover(LOST);
  await recovery.recover(LOST);
  assert.equal(calls.filter((call) => call === 'waited').length, 1);
  recovery.committed();
  await recovery.recover(LOST);
  assert.equal(calls.filter((call) => call === 'waited').length, 1);
});

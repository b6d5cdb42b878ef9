import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsyncTimeoutError } from '../../../src/errors.ts';
import { type AsyncCallContext, type AsyncOptions, asyncSettings } from '../../../src/operators/async/async-options.ts';
import { RetriedCall } from '../../../src/operators/async/retried-call.ts';
import { RecordContext } from '../../../src/processor/record-context.ts';

const ORIGIN = new RecordContext('in', 3, 42, 1000);

interface Outcome {
  result?: unknown;
  error?: unknown;
  pauses: number[];
  calls: AsyncCallContext[];
  call: RetriedCall<unknown>;
}

/** Runs a call; pauses take no time. */
function run(options: AsyncOptions, fn: (context: AsyncCallContext) => unknown): Promise<Outcome> & { outcome: Outcome } {
  const outcome: Outcome = { pauses: [], calls: [], call: undefined as never };
  const promise = new Promise<Outcome>((resolve) => {
    outcome.call = new RetriedCall<unknown>({
      settings: asyncSettings(options),
      origin: ORIGIN,
      retry(_error, ms, then) {
        outcome.pauses.push(ms);
        const immediate = setImmediate(then);
        return () => clearImmediate(immediate);
      },
      run(context) {
        outcome.calls.push(context);
        return fn(context);
      },
      succeeded(result) {
        outcome.result = result;
        resolve(outcome);
      },
      failed(error) {
        outcome.error = error;
        resolve(outcome);
      },
    });
    outcome.call.start();
  });
  return Object.assign(promise, { outcome });
}

test('a call is told where its record came from', async () => {
  const { calls, result } = await run({}, async () => 'answer');
  assert.equal(result, 'answer');
  const [{ signal, ...context }] = calls as [AsyncCallContext];
  assert.deepEqual(context, { attempt: 1, topic: 'in', partition: 3, offset: 42, timestamp: 1000, headers: [] });
  assert.equal(signal.aborted, false);
});

test('no answer is given from within start', () => {
  const { outcome } = run({}, () => 'at once');
  assert.equal(outcome.result, undefined);
});

test('repeated until it succeeds, with growing pauses', async () => {
  const { result, pauses, calls } = await run({ retries: 5, backoff: { initial: 10, factor: 3, max: 50, jitter: 0 } }, async ({ attempt }) => {
    if (attempt < 4) throw new Error(`no ${attempt}`);
    return attempt;
  });
  assert.equal(result, 4);
  assert.deepEqual(pauses, [10, 30, 50]);
  assert.deepEqual(
    calls.map(({ attempt }) => attempt),
    [1, 2, 3, 4],
  );
});

test('chance shortens pauses by its part at most', async () => {
  const { pauses } = await run({ retries: 200, backoff: { initial: 100, factor: 1, jitter: 0.25 } }, () => Promise.reject(new Error('no')));
  assert.equal(pauses.length, 200);
  assert.ok(pauses.every((ms) => ms > 75 && ms <= 100));
  assert.ok(new Set(pauses).size > 100);
});

test('when retries are used up the last error is the result, the original one', async () => {
  const errors = [new Error('first'), new Error('second')];
  const { error, calls } = await run({ retries: 1, backoff: { initial: 0 } }, ({ attempt }) => Promise.reject(errors[attempt - 1]));
  assert.equal(error, errors[1]);
  assert.equal(calls.length, 2);
});

test('an error that no retry cures is not repeated', async () => {
  const { calls, error } = await run({ retries: 5, retryOn: (thrown) => (thrown as Error).message !== 'wrong' }, async ({ attempt }) => {
    throw new Error(attempt === 1 ? 'busy' : 'wrong');
  });
  assert.equal(calls.length, 2);
  assert.equal((error as Error).message, 'wrong');
});

test('what retryOn throws is the error', async () => {
  const broken = new Error('a bug in retryOn');
  const { error } = await run(
    {
      retries: 5,
      retryOn: () => {
        throw broken;
      },
    },
    () => Promise.reject(new Error('no')),
  );
  assert.equal(error, broken);
});

test('a function that throws at once fails as one that rejects', async () => {
  const { error } = await run({}, () => {
    throw new TypeError('at once');
  });
  assert.ok(error instanceof TypeError);
});

test('a timeout aborts the signal and fails the call; its late answer is ignored', async () => {
  let answerLate = (_answer: string): void => {};
  const { error, calls, result, outcome } = await (() => {
    const running = run({ timeout: 20 }, () => new Promise((resolve) => (answerLate = resolve)));
    return running.then((settled) => ({ ...settled, outcome: running.outcome }));
  })();
  assert.ok(error instanceof AsyncTimeoutError);
  assert.match(error.message, /Call 1 .* within 20 ms/);
  assert.equal((calls[0] as AsyncCallContext).signal.reason, error);
  answerLate('late');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(result, undefined);
  assert.equal(outcome.result, undefined);
});

test('a timeout is asked about and repeated; the late answer of the first call is not that of the second', async () => {
  let answerFirst = (_answer: string): void => {};
  const { result, calls } = await run(
    { timeout: 20, retries: 1, backoff: { initial: 0 }, retryOn: (error) => error instanceof AsyncTimeoutError },
    async ({ attempt }) => {
      if (attempt === 1) return new Promise((resolve) => (answerFirst = resolve));
      answerFirst('first');
      await new Promise((resolve) => setImmediate(resolve));
      return 'second';
    },
  );
  assert.equal(result, 'second');
  assert.equal(calls.length, 2);
});

test('cancelled: the signal is aborted, and neither answer nor error comes', async () => {
  const { outcome } = run({ retries: 3 }, ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))));
  outcome.call.cancel();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal((outcome.calls[0] as AsyncCallContext).signal.aborted, true);
  assert.deepEqual([outcome.result, outcome.error, outcome.pauses], [undefined, undefined, []]);
});

test('cancelled in a pause: it is not called again', async () => {
  const { outcome } = run({ retries: 3, backoff: { initial: 0 } }, () => Promise.reject(new Error('no')));
  await Promise.resolve().then(() => Promise.resolve());
  assert.equal(outcome.pauses.length, 1);
  outcome.call.cancel();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(outcome.calls.length, 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessingError } from '../../../src/errors.ts';
import type { AsyncCallContext } from '../../../src/operators/async/async-options.ts';
import { asyncSettings } from '../../../src/operators/async/async-options.ts';
import { kstreamMapValuesAsync } from '../../../src/operators/kstream-async-map-values.ts';
import type { AsyncLane, AsyncTicket } from '../../../src/processor/async-work.ts';
import type { StreamsConfig } from '../../../src/runtime/config.ts';
import type { ProcessorNodePlan } from '../../../src/runtime/plan.ts';
import { Harness, processor, sink, source } from './harness.ts';

interface Call {
  readonly value: string;
  readonly context: AsyncCallContext;
  readonly answer: (result: string) => Promise<void>;
  readonly fail: (error: unknown) => Promise<void>;
}

/** A node that waits for the test to answer. */
function waiting(name: string, children: string[], concurrency = 16, order: 'key' | 'none' = 'key'): { node: ProcessorNodePlan; calls: Call[] } {
  const calls: Call[] = [];
  const mapper = (value: string, _key: string, context: AsyncCallContext): Promise<string> =>
    new Promise((resolve, reject) => {
      const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
      const answer = (result: string): Promise<void> => {
        resolve(result);
        return turn();
      };
      const fail = (error: unknown): Promise<void> => {
        reject(error);
        return turn();
      };
      calls.push({ value, context, answer, fail });
    });
  const supplier = kstreamMapValuesAsync<string, string, string>(mapper, asyncSettings({ concurrency, order })) as ProcessorNodePlan['supplier'];
  return { node: { kind: 'processor', name, supplier, stores: [], children }, calls };
}

const FOREVER = Number.POSITIVE_INFINITY;

function oneOperator(concurrency?: number, config: Partial<StreamsConfig> = {}) {
  const { node, calls } = waiting('ask', ['out'], concurrency);
  const harness = new Harness([source('src', ['in'], ['ask']), node, sink('out', 'out')], ['in'], { config }).start();
  const call = (n: number): Call => calls[n] as Call;
  return { harness, calls, call, task: harness.task };
}

test('a task without asynchronous operators is not asynchronous', () => {
  const harness = new Harness([source('src', ['in'], ['out']), sink('out', 'out')], ['in']).start();
  assert.equal(harness.task.isAsync, false);
  assert.equal(harness.task.deliverAsync(FOREVER), false);
});

test('results go on when they are delivered, with the context of their record', async () => {
  const { harness, task, call } = oneOperator();
  harness.add('in', 'a', '1', 10, [{ h: Buffer.from('x') }]);
  harness.add('in', 'b', '2', 20);
  harness.run();
  assert.equal(task.isAsync, true);
  assert.equal(task.asyncPending, 2);
  assert.deepEqual([call(0).context.topic, call(0).context.partition, call(0).context.offset, call(0).context.timestamp], ['in', 0, 0, 10]);
  await call(1).answer('two');
  assert.deepEqual(harness.sink.take(), [], 'nothing goes on by itself');
  assert.equal(task.deliverAsync(FOREVER), true);
  assert.deepEqual(harness.sink.take(), ['b=two@20']);
  await call(0).answer('one');
  task.deliverAsync(FOREVER);
  assert.deepEqual(
    harness.sink.sent.map(({ key, timestamp, headers }) => [key, timestamp, headers.length]),
    [['a', 10, 1]],
  );
  assert.equal(task.asyncPending, 0);
});

test('a full operator stops its task, which says so; it goes on when a result has gone on', async () => {
  const { harness, task, calls, call } = oneOperator(2);
  for (const key of ['a', 'b', 'c']) harness.add('in', key, key, 1);
  harness.run();
  assert.equal(calls.length, 2);
  assert.equal(task.isProcessable(0), false);
  assert.equal(task.process(0), false);
  assert.equal(task.bufferedTotal, 1);
  await call(0).answer('x');
  assert.equal(task.process(0), false, 'the result has not gone on yet');
  task.deliverAsync(FOREVER);
  assert.equal(task.process(0), true);
  assert.equal(calls.length, 3);
});

test('records of one key wait for each other, and go on in their order', async () => {
  const { harness, task, calls, call } = oneOperator();
  for (const value of ['1', '2']) harness.add('in', 'a', value, 1);
  harness.run();
  assert.equal(calls.length, 1);
  await call(0).answer('first');
  assert.equal(calls.length, 2, 'the next call begins when the answer is there, not when it has gone on');
  await call(1).answer('second');
  task.deliverAsync(FOREVER);
  assert.deepEqual(harness.sink.take(), ['a=first@1', 'a=second@1']);
});

test('offsets cannot be taken while something is pending; then they are exact', async () => {
  const { harness, task, call } = oneOperator();
  harness.add('in', 'a', '1', 1);
  harness.add('in', 'b', '2', 2);
  harness.run();
  assert.throws(() => task.offsetsToCommit(), { code: 'ERR_ILLEGAL_STATE' });
  await call(0).answer('x');
  task.deliverAsync(FOREVER);
  assert.throws(() => task.offsetsToCommit(), { code: 'ERR_ILLEGAL_STATE' });
  await call(1).answer('y');
  task.deliverAsync(FOREVER);
  assert.equal(task.commitNeeded, true);
  assert.deepEqual(
    task.offsetsToCommit().map(({ offset }) => offset),
    [2],
  );
});

test('after an abort, answers of the life before are ignored and their calls cancelled', async () => {
  const { harness, task, calls, call } = oneOperator(1);
  harness.add('in', 'a', '1', 1);
  harness.add('in', 'b', '2', 2);
  harness.run();
  task.revive([]);
  assert.equal(call(0).context.signal.aborted, true);
  assert.equal(task.asyncPending, 0);
  harness.add('in', 'a', 'again', 1);
  harness.run();
  assert.equal(calls.length, 2);
  await call(0).answer('late');
  assert.equal(task.deliverAsync(FOREVER), false);
  await call(1).answer('new');
  task.deliverAsync(FOREVER);
  assert.deepEqual(harness.sink.take(), ['a=new@1']);
});

test('an answer that came before an abort but has not gone on is dropped', async () => {
  const { harness, task, call } = oneOperator();
  harness.add('in', 'a', '1', 1);
  harness.run();
  await call(0).answer('x');
  task.revive([]);
  assert.equal(task.deliverAsync(FOREVER), false);
  assert.deepEqual(harness.sink.take(), []);
});

test('a result of a life before is ignored, also from an operator that does not stop', () => {
  const tickets: AsyncTicket[] = [];
  let lane: AsyncLane;
  const stubborn = processor('stubborn', ['out'], (record) => tickets.push(lane.begin(record)), {
    init: (context) => {
      lane = context.asyncWork.lane('stubborn', 1);
    },
  });
  const harness = new Harness([source('src', ['in'], ['stubborn']), stubborn, sink('out', 'out')], ['in']).start();
  const { task } = harness;
  const delivered: string[] = [];
  harness.add('in', 'a', '1', 1);
  harness.run();
  task.revive([]);
  harness.add('in', 'a', '2', 2);
  harness.run();
  tickets[0]?.settle(() => delivered.push('old'));
  assert.equal(task.asyncSettled, false);
  assert.equal(task.deliverAsync(FOREVER), false);
  tickets[1]?.settle(() => delivered.push('new'));
  assert.equal(task.asyncSettled, true);
  task.deliverAsync(FOREVER);
  tickets[1]?.settle(() => delivered.push('twice'));
  assert.equal(task.deliverAsync(FOREVER), false);
  assert.deepEqual(delivered, ['new']);
});

test('closing cancels calls', async () => {
  const { harness, task, call } = oneOperator();
  harness.add('in', 'a', '1', 1);
  harness.run();
  task.close();
  assert.equal(call(0).context.signal.aborted, true);
  assert.equal((call(0).context.signal.reason as Error).name, 'AbortError');
  await call(0).answer('late');
  assert.equal(task.deliverAsync(FOREVER), false);
});

test('an error says where it happened and keeps its own stack', async () => {
  const { harness, task, call } = oneOperator();
  harness.add('in', 'a', '1', 1);
  harness.add('in', 'b', '2', 2);
  harness.run();
  const cause = new Error('no such user');
  await call(1).fail(cause);
  assert.throws(
    () => task.deliverAsync(FOREVER),
    (error) => {
      assert.ok(error instanceof ProcessingError);
      assert.deepEqual([error.operator, error.topic, error.partition, error.offset, error.taskId], ['ask', 'in', 0, 1, '0_0']);
      assert.equal(error.cause, cause);
      return true;
    },
  );
});

test('the processing handler drops a record, with its own bytes as dead letter', async () => {
  const seen: unknown[] = [];
  const { harness, task, call } = oneOperator(16, {
    errorsDeadLetterQueueTopicName: 'dead',
    processingExceptionHandler: (context, _record, error) => {
      seen.push([context.processorNodeId, context.topic, context.offset, String(context.sourceRawKey), String(context.sourceRawValue), error.message]);
      return 'continue';
    },
  });
  harness.add('in', 'a', '1', 1);
  harness.add('in', 'b', '2', 2);
  harness.run();
  await call(0).fail(new Error('no'));
  await call(1).answer('yes');
  task.deliverAsync(FOREVER);
  assert.deepEqual(seen, [['ask', 'in', 0, 'a', '1', 'no']]);
  assert.deepEqual(
    harness.sink.sent.map(({ topic, key, value }) => `${topic} ${key}=${value}`),
    ['dead a=1', 'out b=yes'],
  );
  assert.equal(harness.metrics.dropped, 1);
  assert.equal(task.asyncPending, 0);
});

test('an error below the operator is that of the node below', async () => {
  const { node, calls } = waiting('ask', ['below']);
  const below = processor('below', [], () => {
    throw new Error('below');
  });
  const harness = new Harness([source('src', ['in'], ['ask']), node, below], ['in']).start();
  harness.add('in', 'a', '1', 1);
  harness.run();
  await (calls[0] as Call).answer('x');
  assert.throws(
    () => harness.task.deliverAsync(FOREVER),
    (error) => error instanceof ProcessingError && error.operator === 'below',
  );
});

test('operators behind each other: a full one holds up what comes from above, and nothing waits forever', async () => {
  const first = waiting('first', ['between'], 4);
  const second = waiting('second', ['out'], 1);
  const passed: string[] = [];
  const between = processor('between', ['second'], (record, context) => {
    passed.push(record.value);
    context.forward(record);
  });
  const nodes = [source('src', ['in'], ['first']), first.node, between, second.node, sink('out', 'out')];
  const harness = new Harness(nodes, ['in']).start();
  const { task } = harness;
  for (const key of ['a', 'b', 'c']) harness.add('in', key, key, 1);
  harness.run();
  for (const call of first.calls) await call.answer(`${call.value}1`);
  task.deliverAsync(FOREVER);
  assert.deepEqual(passed, ['a1'], 'b and c wait above');
  assert.equal(task.asyncPending, 3);
  for (let i = 0; i < 3; i++) {
    const call = second.calls[i] as Call;
    await call.answer(`${call.value}2`);
    task.deliverAsync(FOREVER);
  }
  assert.deepEqual(harness.sink.take(), ['a=a12@1', 'b=b12@1', 'c=c12@1']);
  assert.equal(task.asyncPending, 0);
});

test('what caches give off at a commit is taken too, and has to be waited for', async () => {
  let flushed = false;
  const { node, calls } = waiting('ask', ['out']);
  let flush = (): void => {};
  const cache = processor('cache', ['ask'], (record, context) => {
    flush = () => context.forward(record);
  });
  const harness = new Harness([source('src', ['in'], ['cache']), cache, node, sink('out', 'out')], ['in']).start();
  harness.state.flush = () => {
    if (!flushed) flush();
    flushed = true;
  };
  harness.add('in', 'a', '1', 1);
  harness.run();
  assert.equal(harness.task.asyncPending, 0);
  harness.task.prepareCommit();
  assert.equal(harness.task.asyncPending, 1);
  await (calls[0] as Call).answer('x');
  harness.task.deliverAsync(FOREVER);
  harness.task.prepareCommit();
  assert.equal(harness.task.asyncPending, 0);
  assert.deepEqual(harness.sink.take(), ['a=x@1']);
});

test('delivery gives way at its deadline, and goes on later', async () => {
  const { harness, task, calls } = oneOperator(100);
  for (let i = 0; i < 40; i++) harness.add('in', `k${i}`, String(i), i);
  harness.run();
  for (const call of calls) void call.answer(call.value);
  await new Promise((resolve) => setImmediate(resolve));
  task.deliverAsync(0);
  assert.equal(harness.sink.sent.length, 16);
  while (task.deliverAsync(0));
  assert.equal(harness.sink.sent.length, 40);
});

test('retries are counted', async () => {
  const mapper = async (value: string, _key: string, { attempt }: AsyncCallContext): Promise<string> => {
    if (attempt < 3) throw new Error('busy');
    return value;
  };
  const supplier = kstreamMapValuesAsync<string, string, string>(
    mapper,
    asyncSettings({ retries: 5, backoff: { initial: 0 } }),
  ) as ProcessorNodePlan['supplier'];
  const harness = new Harness(
    [source('src', ['in'], ['ask']), { kind: 'processor', name: 'ask', supplier, stores: [], children: ['out'] }, sink('out', 'out')],
    ['in'],
  );
  harness.start();
  harness.add('in', 'a', '1', 1);
  harness.run();
  while (!harness.task.asyncSettled) await new Promise((resolve) => setTimeout(resolve, 1));
  harness.task.deliverAsync(FOREVER);
  assert.deepEqual(harness.sink.take(), ['a=1@1']);
  assert.equal(harness.metrics.asyncRetries, 2);
});

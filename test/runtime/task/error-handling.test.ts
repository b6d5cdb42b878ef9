import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessingError, SerializationError, StateStoreError, type StreamsError } from '../../../src/errors.ts';
import { StreamRecord } from '../../../src/processor/record.ts';
import type { StreamsConfig } from '../../../src/runtime/config.ts';
import { Harness, processor, sink, source } from './harness.ts';

/** Two steps; `boom` makes the second one fail, `unwritable` the sink. */
function chain(config: Partial<StreamsConfig> = {}): Harness {
  const first = processor('first', ['second'], (record, context) => context.forward(record));
  const second = processor('second', ['out'], (record, context) => {
    if (record.value === 'boom') throw new TypeError('it went wrong');
    context.forward(record);
  });
  return new Harness([source('in', ['a'], ['first']), first, second, sink('out', 'b')], ['a'], { config }).start();
}

test('an error of a user function is wrapped once, at the innermost node, with its place', () => {
  const harness = chain();
  harness.add('a', 'k', 'v', 1);
  harness.add('a', 'k', 'boom', 2);
  assert.throws(
    () => harness.run(),
    (error) => {
      assert.ok(error instanceof ProcessingError);
      assert.deepEqual([error.operator, error.topic, error.partition, error.offset, error.taskId], ['second', 'a', 0, 1, '0_0']);
      assert.ok(error.cause instanceof TypeError && error.cause.message === 'it went wrong');
      return true;
    },
  );
});

test("'continue' drops only what the failing node was given: the nodes above go on", () => {
  const twice = processor('twice', ['fragile', 'out'], (record, context) => {
    context.forward(record);
    context.forward(record.withValue(`${record.value}2`));
  });
  const fragile = processor('fragile', ['out'], (record, context) => {
    if (record.value === 'boom') throw new Error('no');
    context.forward(record);
  });
  const harness = new Harness([source('in', ['a'], ['twice']), twice, fragile, sink('out', 'b')], ['a'], {
    config: { processingExceptionHandler: 'continue' },
  }).start();
  harness.add('a', 'k', 'boom', 1);
  harness.run();
  assert.deepEqual(harness.sink.take(), ['k=boom@1', 'k=boom2@1', 'k=boom2@1']);
  assert.equal(harness.metrics.dropped, 1);
});

test("errors of Millrace's own layers are not for the handler", () => {
  const broken = processor('p', [], () => {
    throw new StateStoreError('disk full', { store: 's' });
  });
  const harness = new Harness([source('in', ['a'], ['p']), broken], ['a'], { config: { processingExceptionHandler: 'continue' } }).start();
  harness.add('a', 'k', 'v', 1);
  assert.throws(() => harness.run(), StateStoreError);
});

test('a handler function sees the place, the record and the raw input, and may send dead letters of its own', () => {
  const seen: unknown[] = [];
  const harness = chain({
    processingExceptionHandler: (context, record, error) => {
      seen.push([context.processorNodeId, context.offset, context.sourceRawValue?.toString(), record?.value, error.message]);
      return { action: 'continue', deadLetterQueueRecords: [{ topic: 'mine', key: null, value: Buffer.from('x'), timestamp: 5, headers: [] }] };
    },
  });
  harness.add('a', 'k', 'boom', 1);
  harness.run();
  assert.deepEqual(seen, [['second', 0, 'boom', 'boom', 'it went wrong']]);
  assert.deepEqual(harness.sink.take(), ['null=x@5']);
});

test('a handler that throws, or answers nonsense, stops the task', () => {
  const throwing = chain({
    processingExceptionHandler: () => {
      throw new Error('handler broke');
    },
  });
  throwing.add('a', 'k', 'boom', 1);
  assert.throws(() => throwing.run(), /The processing exception handler itself threw handler broke/);
  const odd = chain({ processingExceptionHandler: () => 'ignore' as never });
  odd.add('a', 'k', 'boom', 1);
  assert.throws(() => odd.run(), /must answer 'fail' or 'continue'/);
});

test('a record that cannot be decoded fails by default, or is skipped, counted and committed', () => {
  const strict = chain();
  strict.add('a', 'k', 'unreadable', 1);
  assert.throws(
    () => strict.run(),
    (error) =>
      error instanceof SerializationError && error.operator === 'in' && error.offset === 0 && /value of a record cannot be decoded as text/.test(error.message),
  );
  const lenient = chain({ deserializationExceptionHandler: 'continue' });
  lenient.add('a', 'k', 'unreadable', 100);
  lenient.add('a', 'k', 'v', 2);
  lenient.run();
  assert.deepEqual(lenient.sink.take(), ['k=v@2']);
  assert.deepEqual(
    [lenient.metrics.dropped, lenient.task.streamTime, lenient.task.offsetsToCommit()[0]?.offset],
    [1, 2, 2],
    'it does not move the stream time',
  );
});

test('an output that cannot be encoded fails by default, or is dropped and counted', () => {
  const strict = chain({ processingExceptionHandler: 'continue' });
  strict.add('a', 'k', 'unwritable', 1);
  assert.throws(() => strict.run(), { code: 'ERR_PRODUCTION', operator: 'out', topic: 'a', offset: 0 });
  const lenient = chain({ productionExceptionHandler: 'continue' });
  lenient.add('a', 'k', 'unwritable', 1);
  lenient.run();
  assert.deepEqual([lenient.sink.sent.length, lenient.metrics.dropped], [0, 1]);
});

test('dead letters carry the raw input, its headers and what went wrong, from every kind of handler', () => {
  const harness = chain({
    errorsDeadLetterQueueTopicName: 'dead',
    deserializationExceptionHandler: 'continue',
    processingExceptionHandler: 'continue',
    productionExceptionHandler: 'continue',
  });
  harness.add('a', 'k', 'unreadable', 1, [{ h: Buffer.from('1') }]);
  harness.add('a', 'k', 'boom', 2);
  harness.add('a', 'k', 'unwritable', 3);
  harness.run();
  const letters = harness.sink.sent;
  assert.deepEqual(
    letters.map(({ topic, key, value, timestamp }) => [topic, key, value, timestamp]),
    [
      ['dead', 'k', 'unreadable', 1],
      ['dead', 'k', 'boom', 2],
      ['dead', 'k', 'unwritable', 3],
    ],
  );
  assert.deepEqual(
    letters[0]?.headers.map(([name]) => name),
    ['h', ...['exception', 'message', 'stacktrace', 'topic', 'partition', 'offset'].map((name) => `__streams.errors.${name}`)],
  );
  const headers = new Map(letters[1]?.headers.map(([name, value]) => [name, value?.toString()]));
  assert.deepEqual(
    [
      headers.get('__streams.errors.exception'),
      headers.get('__streams.errors.message'),
      headers.get('__streams.errors.topic'),
      headers.get('__streams.errors.offset'),
    ],
    ['TypeError', 'it went wrong', 'a', '1'],
  );
  assert.match(headers.get('__streams.errors.stacktrace') ?? '', /error-handling\.test/);
});

test('dead letters are sent also when the task then fails', () => {
  const harness = chain({ errorsDeadLetterQueueTopicName: 'dead' });
  harness.add('a', 'k', 'boom', 2);
  assert.throws(() => harness.run(), ProcessingError);
  assert.deepEqual(
    harness.sink.sent.map(({ topic }) => topic),
    ['dead'],
  );
});

test('an extractor that throws stops the task, with its place', () => {
  const extractor = (): number => {
    throw new Error('no time');
  };
  const harness = new Harness([source('in', ['a'], [], { timestampExtractor: extractor }), source('in2', ['b'], [])], ['a', 'b'], {
    config: { processingExceptionHandler: 'continue' },
  }).start();
  harness.add('a', 'k', 'v', 1);
  assert.throws(() => harness.run(), { code: 'ERR_PROCESSING', operator: 'in', topic: 'a', offset: 0 });
});

test("a punctuator's error has its operator and no record", () => {
  const init = (context: Parameters<typeof processor>[2] extends (r: never, c: infer C) => void ? C : never): void => {
    context.schedule(10, 'wall-clock-time', () => {
      context.forward(new StreamRecord('k', 'fine', 1));
      throw new Error('tick');
    });
  };
  const nodes = [source('in', ['a'], ['p']), processor('p', ['out'], () => {}, { init }), sink('out', 'b')];
  const strict = new Harness(nodes, ['a']).start();
  assert.throws(
    () => strict.task.punctuateWallClock(10),
    (error: StreamsError) => error.code === 'ERR_PROCESSING' && error.operator === 'p' && !('topic' in error),
  );
  const lenient = new Harness(nodes, ['a'], { config: { processingExceptionHandler: 'continue', errorsDeadLetterQueueTopicName: 'dead' } }).start();
  lenient.task.punctuateWallClock(10);
  const letter = lenient.sink.sent[1];
  assert.deepEqual(
    letter?.headers.slice(-3).map(([name, value]) => `${name.split('.').at(-1)}=${value}`),
    ['topic=null', 'partition=-1', 'offset=-1'],
  );
  assert.deepEqual([lenient.sink.take(), lenient.metrics.dropped], [['k=fine@1', 'null=null@10'], 1]);
});

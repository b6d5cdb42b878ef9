import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { KafkaClientError } from '../../src/kafka/errors.ts';
import { retrying } from '../../src/runtime/retry.ts';

const logger = pino({ level: 'silent' });
const failure = (reaction: 'retriable' | 'abortable'): KafkaClientError => new KafkaClientError('no', { reaction, kafkaCode: -185 });

test('retriable errors repeat the same call', async () => {
  let calls = 0;
  const result = await retrying('do it', { timeoutMs: 10_000, logger }, async () => {
    if (++calls < 3) throw failure('retriable');
    return calls;
  });
  assert.equal(result, 3);
});

test('others are thrown at once', async () => {
  let calls = 0;
  await assert.rejects(
    retrying('do it', { timeoutMs: 10_000, logger }, async () => {
      calls++;
      throw failure('abortable');
    }),
    KafkaClientError,
  );
  assert.equal(calls, 1);
});

test('after the timeout the error names what was tried, and for how long', async () => {
  await assert.rejects(
    retrying('reach the broker', { timeoutMs: 0, logger }, async () => {
      throw failure('retriable');
    }),
    { code: 'ERR_TIMEOUT', message: /Could not reach the broker within 0 ms \(taskTimeoutMs\), after 1 attempts: no/ },
  );
});

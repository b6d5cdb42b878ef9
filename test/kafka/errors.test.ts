import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamsError } from '../../src/errors.ts';
import { KafkaClientError, reactionTo, timeoutError, toClientError } from '../../src/kafka/errors.ts';

describe('KafkaClientError', () => {
  it('is a StreamsError with a stable code, the number, the place and advice', () => {
    const error = toClientError({ message: 'Broker: Specified group generation id is not valid', code: 22 }, 'commit offsets', {
      topic: 'orders',
      partition: 3,
    });
    assert.ok(error instanceof StreamsError && error instanceof KafkaClientError);
    assert.equal(error.code, 'ERR_KAFKA_ILLEGAL_GENERATION');
    assert.equal(error.kafkaCode, 22);
    assert.equal(error.topic, 'orders');
    assert.match(error.message, /^Could not commit offsets: .*generation.* \(Kafka error 22\); the group has rebalanced since \[topic orders, partition 3\]$/);
  });

  it('names the errors of the client itself too', () => {
    assert.equal(timeoutError('flush', 100).code, 'ERR_KAFKA_TIMED_OUT');
    assert.equal(timeoutError('flush', 100).reaction, 'retriable');
    assert.equal(toClientError({ message: 'x', code: 4711 }, 'do something').code, 'ERR_KAFKA_UNKNOWN');
  });
});

describe('reactionTo', () => {
  it("follows the client's own flags before the number", () => {
    assert.equal(reactionTo({ message: '', code: -185, isFatal: true }), 'fatal');
    assert.equal(reactionTo({ message: '', code: -185, isTxnRequiresAbort: true }), 'abortable');
    assert.equal(reactionTo({ message: '', code: 22, isRetriable: true }), 'retriable');
    assert.equal(reactionTo({ message: '', code: 22, isFatal: false, isTxnRequiresAbort: true, isRetriable: true }), 'abortable');
  });

  for (const [reaction, codes] of Object.entries({
    retriable: [-185, -195, -184, -173, 14, 15, 16, 51, 88],
    abortable: [22, 25, 10, 110, 113, -1],
    fatal: [-144, -150, 90, 47, 82, 53, 30],
  })) {
    it(`takes ${codes.join(', ')} without flags as ${reaction}`, () => {
      for (const code of codes) assert.equal(reactionTo({ message: '', code }), reaction, String(code));
    });
  }

  it('takes what it does not know as abortable: reading the interval again is always correct', () => {
    assert.equal(reactionTo({ message: 'something new', code: 4711 }), 'abortable');
    assert.equal(reactionTo({ message: 'not even a number' }), 'abortable');
  });
});

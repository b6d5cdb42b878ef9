import type { Producer } from '../../kafka/contract.ts';
import { KafkaClientError, KafkaErrorCode } from '../../kafka/errors.ts';
import type { OutgoingRecord } from '../kafka-record-collector.ts';
import { sleep, yieldToEventLoop } from '../retry.ts';

/** How many records are produced between two looks at the clock. */
const CLOCK_EVERY = 64;

/** The producer takes nothing any more: it was fenced, or the transaction has failed already (`state`). No fault of the record. */
const PRODUCER_FAILED: ReadonlySet<number> = new Set([KafkaErrorCode.fatal, KafkaErrorCode.fenced, KafkaErrorCode.state]);

/**
 * The failure of a producer that takes no record any more, as an error to react to; undefined when the record itself was refused. A transaction that failed is to be aborted: the
 * abort says when even that is too late.
 */
export function producerFailure(error: unknown): KafkaClientError | undefined {
  if (!(error instanceof KafkaClientError) || !PRODUCER_FAILED.has(error.kafkaCode)) return undefined;
  if (error.kafkaCode !== KafkaErrorCode.state) return error;
  return new KafkaClientError(error.message, { kafkaCode: error.kafkaCode, reaction: 'abortable', cause: error });
}

/**
 * Hand records to the producer, in order. A full queue is waited for, never dropped; the event loop gets a turn after each `budgetMs`.
 * @param mayProduce asked before each record.
 * @param onRefused called for a record that the client refuses at once (too large): returns to skip it, throws to stop.
 * @throws KafkaClientError when the producer takes no records any more, or `mayProduce` says no
 */
export async function produceAll(
  producer: Producer,
  records: readonly OutgoingRecord[],
  budgetMs: number,
  mayProduce: () => boolean,
  onRefused: (record: OutgoingRecord, error: Error) => void,
): Promise<void> {
  let deadline = performance.now() + budgetMs;
  for (let i = 0; i < records.length; i++) {
    while (!handOver(producer, records[i] as OutgoingRecord, mayProduce, onRefused)) {
      producer.poll();
      await sleep(1);
    }
    if (i % CLOCK_EVERY === 0 && performance.now() > deadline) {
      producer.poll();
      await yieldToEventLoop();
      deadline = performance.now() + budgetMs;
    }
  }
  producer.poll();
}

/** False: the producer's queue is full. */
function handOver(producer: Producer, record: OutgoingRecord, mayProduce: () => boolean, onRefused: (record: OutgoingRecord, error: Error) => void): boolean {
  if (!mayProduce()) throw stoodStill();
  try {
    return producer.produce(record.topic, record.partition, record.key, record.value, record.timestamp, record.headers);
  } catch (error) {
    const failed = producerFailure(error);
    if (failed !== undefined) throw failed;
    onRefused(record, error as Error);
    return true;
  }
}

/** The process stood still in the middle of an interval: what is left of it may be older than what others have sent meanwhile. */
function stoodStill(): KafkaClientError {
  return new KafkaClientError('The process stood still while it sent its results: the interval is processed again', {
    kafkaCode: KafkaErrorCode.state,
    reaction: 'abortable',
  });
}

import type { Producer } from '../../kafka/contract.ts';
import type { OutgoingRecord } from '../kafka-record-collector.ts';
import { sleep, yieldToEventLoop } from '../retry.ts';

/** How many records are produced between two looks at the clock. */
const CLOCK_EVERY = 64;

/**
 * Hand records to the producer, in order. A full queue is waited for, never dropped; the event loop gets a turn after each `budgetMs`.
 * @param onRefused called for a record that the client refuses at once (too large): returns to skip it, throws to stop.
 */
export async function produceAll(
  producer: Producer,
  records: readonly OutgoingRecord[],
  budgetMs: number,
  onRefused: (record: OutgoingRecord, error: Error) => void,
): Promise<void> {
  let deadline = performance.now() + budgetMs;
  for (let i = 0; i < records.length; i++) {
    const { topic, partition, key, value, timestamp, headers } = records[i] as OutgoingRecord;
    try {
      while (!producer.produce(topic, partition, key, value, timestamp, headers)) {
        producer.poll();
        await sleep(1);
      }
    } catch (error) {
      onRefused(records[i] as OutgoingRecord, error as Error);
    }
    if (i % CLOCK_EVERY === 0 && performance.now() > deadline) {
      producer.poll();
      await yieldToEventLoop();
      deadline = performance.now() + budgetMs;
    }
  }
  producer.poll();
}

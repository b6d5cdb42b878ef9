import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../bench/lib/cluster.ts';
import { NO_HEADERS } from '../../src/processor/headers.ts';
import type { Event } from '../service/shapes.ts';
import { userPartition } from './oracle.ts';

/** Writes events at a steady rate, and remembers every one that the broker has. */
export async function writeEvents(
  cluster: Cluster,
  options: { topic: string; partitions: number; source: Iterator<Event>; perSecond: number; untilMs: number; stop: AbortSignal; written: Event[] },
): Promise<void> {
  const { topic, partitions, source, perSecond, written } = options;
  const producer = cluster.clients.producer({ transactionTimeoutMs: 60_000 });
  await producer.connect(30_000);
  const started = Date.now();
  try {
    while (Date.now() < options.untilMs && !options.stop.aborted) {
      const due = Math.floor(((Date.now() - started) / 1000) * perSecond);
      while (written.length < due) {
        const event = source.next().value as Event;
        const taken = producer.produce(
          topic,
          userPartition(event.user, partitions),
          Buffer.from(event.user),
          Buffer.from(JSON.stringify(event)),
          event.at,
          NO_HEADERS,
        );
        if (!taken) throw new Error('The broker does not take the events as fast as they are made: lower --rate');
        written.push(event);
      }
      producer.poll();
      await sleep(20);
    }
    await producer.flush(60_000);
    const [failure] = producer.takeFailures();
    if (failure) throw new Error(`The broker refused an event: ${failure.error.message}`);
  } finally {
    await producer.close(10_000);
  }
}

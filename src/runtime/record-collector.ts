import type { Headers } from '../processor/headers.ts';

/** Takes what a task produces. The Kafka one keeps it until the commit (exactly-once) or sends it; the driver's keeps it for the test. */
export interface RecordCollector {
  /** `partition` undefined: murmur2 of the key bytes as in Java; null keys are spread. `timestamp` null: none is given (the driver shows null). */
  send(topic: string, partition: number | undefined, key: Buffer | null, value: Buffer | null, timestamp: number | null, headers: Headers): void;
  /** Partitions of an output topic; needed only by custom partitioners. Throws when the topic does not exist. */
  partitionsFor(topic: string): number;
}

import type { Headers } from '../processor/headers.ts';

/** A record that the topology under test produced, as bytes. */
export interface ProducedRecord {
  readonly topic: string;
  /** Undefined where the default partitioner decides. */
  readonly partition: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Null: the producer was given none. */
  readonly timestamp: number | null;
  readonly headers: Headers;
}

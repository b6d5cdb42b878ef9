import type { StreamRecord } from './record.ts';
import type { RecordContext } from './record-context.ts';

/*
 * The seam between operators that wait for something and the task they run in. An operator takes a ticket for each record, and hands in what is to be done with the
 * result when it is there; the task does that on its loop, between records, as if the record had come just now. A commit waits until every ticket is handed in and done.
 */

/** A record that an asynchronous operator has taken and not answered yet. */
export interface AsyncTicket {
  /** Origin, time and headers of the record. */
  readonly origin: RecordContext;
  /**
   * The answer is there: `deliver` is called later, once, from the task's loop, in the record's context. What it throws is handled as an error of the operator.
   * Ignored when the task has started over or was closed since.
   */
  settle(deliver: () => void): void;
}

/** One operator's part of a task's asynchronous work. */
export interface AsyncLane {
  /** Take the record under processing. Never refused: when the lane is full the task stops taking input records instead. */
  begin(record: StreamRecord<unknown, unknown>): AsyncTicket;
  /** A call has failed: counted, and `then` is called after `ms` for another attempt; the test driver does not wait. Returns how to call it off. */
  retry(error: unknown, ms: number, then: () => void): () => void;
}

/** The asynchronous work of one task. */
export interface AsyncWork {
  /** To be called in `init`, so that lanes are in the order of the nodes. The task takes no input record while a lane holds `capacity` of them. */
  lane(operator: string, capacity: number): AsyncLane;
}

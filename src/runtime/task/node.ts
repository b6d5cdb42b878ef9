import type { StreamRecord } from '../../processor/record.ts';

/** A running node of a sub-topology. */
export interface TaskNode {
  /** As `describe()` shows it. */
  readonly name: string;
  process(record: StreamRecord<unknown, unknown>): void;
}

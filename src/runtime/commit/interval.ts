import type { TopicPartitionOffset } from '../../kafka/contract.ts';
import type { FrozenWrites } from '../../state/contract/task-state.ts';
import type { OutgoingInterval } from '../kafka-record-collector.ts';
import type { OwnedTask } from '../thread/owned-task.ts';

/** All that one commit makes durable: what tasks produced and changed since the last one, and where they go on. */
export interface CommitInterval {
  readonly tasks: readonly OwnedTask[];
  readonly outgoing: OutgoingInterval;
  readonly offsets: readonly TopicPartitionOffset[];
  /** Frozen writes by task; absent for tasks whose stores have not changed. */
  readonly frozen: ReadonlyMap<OwnedTask, FrozenWrites>;
}

/**
 * How a commit ended. After `aborted` and `fatal` nothing of the interval is committed, nor of the one that was processed meanwhile: start over from the committed offsets.
 * `changesSent`: changelog records of the interval may be in the log all the same, for good (at-least-once): state has to be restored up to them before it is used again.
 */
export type CommitOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'aborted'; readonly error: Error; readonly changesSent?: boolean }
  | { readonly kind: 'fatal'; readonly error: Error; readonly changesSent?: boolean };

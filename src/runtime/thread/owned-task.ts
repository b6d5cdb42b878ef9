import type { Logger } from 'pino';
import { partitionKey, type TopicPartition, type TopicPartitionOffset } from '../../kafka/contract.ts';
import type { TaskState } from '../../state/contract/task-state.ts';
import type { StorePlan, SubtopologyPlan } from '../plan.ts';
import type { StreamTask } from '../task/stream-task.ts';
import type { TaskId } from '../topics/topic-layout.ts';

/** A store's changelog partition. */
export interface StoreChangelog extends TopicPartition {
  readonly store: string;
  /** The topic is an input of the task, and was not written by the library. */
  readonly isSource: boolean;
  /** Topic config `delete.retention.ms`, for the staleness rule. */
  readonly deleteRetentionMs: number;
}

const DEFAULT_DELETE_RETENTION_MS = 86_400_000;

/** Where the tasks of this member stand. */
export type TaskPhase = 'starting' | 'restoring' | 'restored' | 'running' | 'closed';

/** A task that the group gave to this member: the task itself, its state, and what the runtime knows about both. */
export class OwnedTask {
  readonly id: TaskId;
  readonly subtopology: SubtopologyPlan;
  readonly inputs: readonly TopicPartition[];
  readonly changelogs: readonly StoreChangelog[];
  readonly task: StreamTask;
  readonly state: TaskState;
  readonly logger: Logger;
  phase: TaskPhase = 'starting';
  /** Where each input goes on: what is committed, or where its reset policy put it. */
  readonly positions = new Map<string, TopicPartitionOffset>();
  /** Inputs that had a committed offset when the task was started, by partition. */
  committedInputs: ReadonlySet<string> = new Set();
  /** Every input has a committed offset: before that, a commit names all of them. */
  allCommitted = false;
  /** Changelog records that restore has read. */
  restored = 0;
  /** Wall clock of the last commit that named every input. */
  lastFullCommit = 0;

  constructor(options: { id: TaskId; subtopology: SubtopologyPlan; inputs: readonly TopicPartition[]; task: StreamTask; state: TaskState; logger: Logger }) {
    this.id = options.id;
    this.subtopology = options.subtopology;
    this.inputs = options.inputs;
    this.task = options.task;
    this.state = options.state;
    this.logger = options.logger;
    this.changelogs = options.subtopology.stores.flatMap((store) => changelogOf(store, options.subtopology, options.id.partition));
  }

  get name(): string {
    return this.id.id;
  }

  setPosition(position: TopicPartitionOffset): void {
    this.positions.set(partitionKey(position), position);
  }
}

function changelogOf(store: StorePlan, subtopology: SubtopologyPlan, partition: number): StoreChangelog[] {
  if (store.changelogTopic === undefined) return [];
  const config = subtopology.internalTopics.find((topic) => topic.name === store.changelogTopic)?.config;
  const deleteRetentionMs = Number(config?.['delete.retention.ms'] ?? DEFAULT_DELETE_RETENTION_MS);
  return [{ topic: store.changelogTopic, partition, store: store.builder.name, isSource: store.changelogIsSource, deleteRetentionMs }];
}

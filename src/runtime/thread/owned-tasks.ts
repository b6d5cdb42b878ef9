import { partitionKey, type TopicPartitionOffset } from '../../kafka/contract.ts';
import type { OwnedTask } from './owned-task.ts';

/** The tasks of this member, in the order of their ids: by name, and those that run. */
export class OwnedTasks {
  private readonly byName = new Map<string, OwnedTask>();
  private runningTasks: OwnedTask[] = [];

  get all(): OwnedTask[] {
    return [...this.byName.values()];
  }

  get running(): readonly OwnedTask[] {
    return this.runningTasks;
  }

  get size(): number {
    return this.byName.size;
  }

  get allRunning(): boolean {
    return this.runningTasks.length === this.byName.size;
  }

  get(name: string): OwnedTask | undefined {
    return this.byName.get(name);
  }

  add(owner: OwnedTask): void {
    this.byName.set(owner.name, owner);
  }

  nowRuns(owner: OwnedTask): void {
    owner.phase = 'running';
    this.runningTasks = this.all
      .filter((task) => task.phase === 'running')
      .sort((a, b) => a.id.subtopology - b.id.subtopology || a.id.partition - b.id.partition);
  }

  remove(owners: readonly OwnedTask[]): void {
    for (const owner of owners) {
      this.byName.delete(owner.name);
      owner.phase = 'closed';
    }
    this.runningTasks = this.runningTasks.filter((task) => task.phase === 'running');
  }

  /** Positions of every running task, as they were last committed. */
  committedPositions(): TopicPartitionOffset[] {
    const positions = new Map<string, TopicPartitionOffset>();
    for (const owner of this.runningTasks) for (const position of owner.positions.values()) positions.set(partitionKey(position), position);
    return [...positions.values()];
  }
}

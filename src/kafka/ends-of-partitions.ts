import { partitionKey, type TopicPartition, type TopicPartitionOffset } from './contract.ts';

/** Ends that were reached and that nobody has been told of yet. */
export class EndsOfPartitions {
  #ends: TopicPartitionOffset[] = [];

  get length(): number {
    return this.#ends.length;
  }

  push(...ends: readonly TopicPartitionOffset[]): void {
    this.#ends.push(...ends);
  }

  take(): TopicPartitionOffset[] {
    if (this.#ends.length === 0) return [];
    // The list goes with them: later ends must not show up in one that was taken before.
    const ends = this.#ends;
    this.#ends = [];
    return ends;
  }

  /** Those from this place on, taken out. */
  splice(from: number): TopicPartitionOffset[] {
    return this.#ends.splice(from);
  }

  /** Of partitions that were sought or unassigned. */
  drop(partitions: readonly TopicPartition[]): void {
    if (this.#ends.length === 0) return;
    const keys = new Set(partitions.map(partitionKey));
    this.#ends = this.#ends.filter((end) => !keys.has(partitionKey(end)));
  }
}

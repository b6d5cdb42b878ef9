import type { ConsumedMessage, TopicPartition, TopicPartitionOffset } from '../contract.ts';
import type { RecordBatches } from './record-batches.ts';

/** No leader is known. */
export const NO_LEADER = -1;

/** A partition that is read: where, what has arrived of it, and who leads it. */
export class AssignedPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to be handed out; negative while it is a place (-2 the beginning, -1 the end) that the broker has yet to resolve. */
  position: number;
  /** Next offset to be fetched, as `position`. */
  fetchFrom: number;
  paused = false;
  /** A fetch is under way: by one broker's loop at a time, lest the same records come twice when the leader changes. */
  fetching = false;
  /** Nothing is fetched before a seek. */
  error: Error | null = null;
  /** The error was thrown. */
  errorTold = false;
  /** Moves with each seek: what a fetch under way then brings is of the past. */
  generation = 0;
  leader = NO_LEADER;
  leaderEpoch = -1;
  /** Epoch of the last batch that was fetched; -1 since a seek. */
  lastEpoch = -1;
  /** The leader is another than the one that gave it: what it has before `fetchFrom` may be other records. */
  unvalidated = false;
  /** Since when no leader was found, in `performance.now()`; 0: there is one. */
  lostAt = 0;
  /** Bytes that have arrived and are not handed out yet. */
  buffered = 0;
  /** Where the partition ended at the last fetch. */
  #end = Number.POSITIVE_INFINITY;
  #reportedEnd = -1;
  readonly #arrived: RecordBatches[] = [];

  constructor({ topic, partition, offset }: TopicPartitionOffset) {
    this.topic = topic;
    this.partition = partition;
    this.position = this.fetchFrom = offset;
  }

  seek(offset: number): void {
    this.generation++;
    this.position = this.fetchFrom = offset;
    this.error = null;
    this.errorTold = false;
    this.lastEpoch = -1;
    this.unvalidated = false;
    this.buffered = 0;
    this.#end = Number.POSITIVE_INFINITY;
    this.#reportedEnd = -1;
    this.#arrived.length = 0;
  }

  /** What a fetch from `fetchFrom` brought. */
  arrived(batches: RecordBatches, end: number): void {
    this.#end = end;
    if (batches.endOffset <= this.fetchFrom) return;
    this.fetchFrom = batches.endOffset;
    this.lastEpoch = batches.lastEpoch;
    this.#arrived.push(batches);
    this.buffered += batches.bytesLeft;
  }

  /**
   * Append up to `max` messages of what one fetch brought, and move the position. True when that fetch's records are all out.
   *
   * @throws when what arrived makes no sense: it is dropped, and the position is behind the last message
   */
  take(into: ConsumedMessage[], max: number): boolean {
    for (let batches = this.#arrived[0]; batches !== undefined; batches = this.#arrived[0]) {
      const before = batches.bytesLeft;
      let taken: number;
      try {
        taken = batches.take(into, max);
      } catch (error) {
        this.seek(batches.nextOffset);
        throw error;
      }
      this.buffered += batches.bytesLeft - before;
      this.position = batches.nextOffset;
      if (taken === max) return false;
      this.#arrived.shift();
      // The last records may have been hidden ones.
      this.position = this.#arrived[0]?.nextOffset ?? this.fetchFrom;
      if (taken > 0) return true;
    }
    return true;
  }

  /** The end, once each time that it is reached. */
  takeEnd(): TopicPartitionOffset | null {
    const { topic, partition, position } = this;
    if (this.hasArrived || position < this.#end || position === this.#reportedEnd) return null;
    this.#reportedEnd = position;
    return { topic, partition, offset: position };
  }

  get hasArrived(): boolean {
    return this.#arrived.length > 0;
  }

  /** There is something for the caller now. */
  get deliverable(): boolean {
    return this.hasArrived && !this.paused;
  }

  fail(error: Error): void {
    this.error = error;
    this.errorTold = false;
  }

  /** The leader as some broker knows it. */
  ledBy(leader: number, epoch: number): void {
    if (epoch !== this.leaderEpoch && this.lastEpoch >= 0) this.unvalidated = true;
    this.leader = leader;
    this.leaderEpoch = epoch;
    this.lostAt = 0;
  }
}

import type { ConsumedMessage } from '../../kafka/contract.ts';
import { BinaryHeap } from '../../util/binary-heap.ts';
import type { RecordQueue } from './record-queue.ts';

/**
 * The input partitions of one task, and the choice between them: the buffered record with the lowest timestamp at the head of its partition is
 * next. Whether to take it while other partitions are empty is `maxTaskIdleMs` (KIP-695): -1 always; 0 when the empty ones are known to have
 * nothing on the broker; more also waits that long, by the wall clock, for producers.
 */
export class PartitionGroup {
  private readonly byTopic = new Map<string, RecordQueue>();
  private readonly queues: RecordQueue[] = [];
  private readonly maxTaskIdleMs: number;
  private readonly nonEmpty = new BinaryHeap<RecordQueue>();
  private total = 0;

  constructor(maxTaskIdleMs: number) {
    this.maxTaskIdleMs = maxTaskIdleMs;
  }

  get all(): readonly RecordQueue[] {
    return this.queues;
  }

  get bufferedTotal(): number {
    return this.total;
  }

  /** A task has one partition of each topic, so the topic names the queue. */
  queue(topic: string): RecordQueue | undefined {
    return this.byTopic.get(topic);
  }

  addQueue(queue: RecordQueue): void {
    if (this.queues.length === 1) this.enterHeap(this.queues[0] as RecordQueue);
    this.byTopic.set(queue.topic, queue);
    this.queues.push(queue);
  }

  add(queue: RecordQueue, message: ConsumedMessage): void {
    queue.push(message);
    this.total++;
    if (queue.length === 1 && this.queues.length > 1) this.enterHeap(queue);
  }

  isProcessable(now: number): boolean {
    if (this.total === 0) return false;
    if (this.maxTaskIdleMs < 0 || this.queues.length === 1 || this.nonEmpty.size === this.queues.length) return true;
    for (const queue of this.queues) {
      if (queue.length > 0) continue;
      if (!queue.caughtUp) return false;
      if (queue.idleDeadline < 0) queue.idleDeadline = now + this.maxTaskIdleMs;
      if (now < queue.idleDeadline) return false;
    }
    return true;
  }

  /** The queue whose head is to be processed now; undefined when there is none. Call `taken` when its head is processed. */
  next(now: number): RecordQueue | undefined {
    if (!this.isProcessable(now)) return undefined;
    return this.queues.length === 1 ? this.queues[0] : this.nonEmpty.pop();
  }

  /** The head of a queue that came from `next` was taken and processed. */
  taken(queue: RecordQueue): void {
    this.total--;
    if (queue.length > 0 && this.queues.length > 1) this.enterHeap(queue);
  }

  clear(): void {
    for (const queue of this.queues) queue.clear();
    this.nonEmpty.clear();
    this.total = 0;
  }

  private enterHeap(queue: RecordQueue): void {
    const head = queue.head();
    if (head === undefined) return;
    queue.ahead = queue.source.ordersByContents ? queue.source.decodeAhead(head, queue.partitionTime) : undefined;
    const timestamp = queue.ahead === undefined ? head.timestamp : queue.ahead.timestamp;
    // What will be dropped for its timestamp (negative, or no number) goes first.
    queue.heapKey = timestamp >= 0 ? timestamp : -1;
    this.nonEmpty.push(queue);
  }
}

import type { ConsumedMessage } from '../../kafka/contract.ts';
import type { HeapElement } from '../../util/binary-heap.ts';
import type { DecodedMessage, SourceNode } from './source-node.ts';

/** Slots of taken messages are given back when there are this many. */
const COMPACT_AT = 512;

/**
 * Buffered messages of one input partition, first in first out. The timestamp of the head decides which partition a task takes from next; a
 * message is decoded early, and once, only where an extractor needs its contents for that.
 */
export class RecordQueue implements HeapElement {
  readonly topic: string;
  readonly partition: number;
  source: SourceNode;
  /** Timestamp of the head, while the queue is in the heap of its partition group. */
  heapKey = 0;
  /** The head, where it had to be decoded to order it. */
  ahead: DecodedMessage | undefined = undefined;
  /** Highest timestamp processed, -1 before the first. */
  partitionTime = -1;
  /** Next offset to process, -1 when it is not known: nothing processed and nothing committed. */
  nextOffset = -1;
  /** Offsets moved since the last commit. */
  moved = false;
  /** Fetching has reached the broker's end, and nothing has come since. */
  caughtUp = false;
  /** Wall clock at which waiting for more records of this partition ends; -1 while not waiting. */
  idleDeadline = -1;

  private messages: (ConsumedMessage | undefined)[] = [];
  private first = 0;

  constructor(topic: string, partition: number, source: SourceNode) {
    this.topic = topic;
    this.partition = partition;
    this.source = source;
  }

  get length(): number {
    return this.messages.length - this.first;
  }

  head(): ConsumedMessage | undefined {
    return this.messages[this.first];
  }

  push(message: ConsumedMessage): void {
    this.messages.push(message);
    this.caughtUp = false;
    this.idleDeadline = -1;
  }

  /** Takes the head. The queue must not be empty. */
  shift(): ConsumedMessage {
    const message = this.messages[this.first] as ConsumedMessage;
    this.messages[this.first++] = undefined;
    if (this.first === this.messages.length) {
      this.messages.length = 0;
      this.first = 0;
    } else if (this.first >= COMPACT_AT && this.first * 2 >= this.messages.length) {
      this.messages.splice(0, this.first);
      this.first = 0;
    }
    return message;
  }

  /** Forget buffered messages and times. */
  clear(): void {
    this.messages = [];
    this.first = 0;
    this.ahead = undefined;
    this.partitionTime = -1;
    this.nextOffset = -1;
    this.moved = false;
    this.caughtUp = false;
    this.idleDeadline = -1;
  }
}

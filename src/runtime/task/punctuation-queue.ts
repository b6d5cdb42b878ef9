import type { Cancellable, Punctuator } from '../../processor/processor.ts';
import { BinaryHeap, type HeapElement } from '../../util/binary-heap.ts';
import type { ProcessorNode } from './processor-node.ts';

/** A punctuator and when it runs next. */
export class PunctuationSchedule implements HeapElement, Cancellable {
  readonly node: ProcessorNode;
  readonly punctuator: Punctuator;
  /** Time of its clock at which it runs next. */
  heapKey: number;
  cancelled = false;
  private readonly interval: number;

  constructor(node: ProcessorNode, firstTime: number, interval: number, punctuator: Punctuator) {
    this.node = node;
    this.heapKey = firstTime;
    this.interval = interval;
    this.punctuator = punctuator;
  }

  cancel(): void {
    this.cancelled = true;
  }

  /** Move on by whole intervals to the first time after `now`: missed runs are not made up for. */
  advance(now: number): void {
    const missed = Math.floor((now - this.heapKey) / this.interval);
    this.heapKey += (missed + 1) * this.interval;
  }
}

/** Schedules of one clock. */
export class PunctuationQueue {
  private readonly heap = new BinaryHeap<PunctuationSchedule>();

  schedule(schedule: PunctuationSchedule): void {
    this.heap.push(schedule);
  }

  /** Run what is due at `now` through `run`, each at most once; returns whether anything ran. */
  punctuate(now: number, run: (schedule: PunctuationSchedule, now: number) => void): boolean {
    let punctuated = false;
    for (let top = this.heap.peek(); top !== undefined && top.heapKey <= now; top = this.heap.peek()) {
      this.heap.pop();
      if (top.cancelled) continue;
      run(top, now);
      punctuated = true;
      // It may have cancelled itself.
      if (top.cancelled) continue;
      top.advance(now);
      this.heap.push(top);
    }
    return punctuated;
  }

  /** Time of the earliest schedule; undefined when there is none. */
  get nextTime(): number | undefined {
    return this.heap.peek()?.heapKey;
  }

  clear(): void {
    this.heap.clear();
  }
}

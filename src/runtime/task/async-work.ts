import type { ConsumedMessage } from '../../kafka/contract.ts';
import type { AsyncLane, AsyncTicket, AsyncWork } from '../../processor/async-work.ts';
import type { StreamRecord } from '../../processor/record.ts';
import type { RecordContext } from '../../processor/record-context.ts';
import { Fifo } from '../../util/fifo.ts';
import type { ErrorHandling } from './error-handling.ts';
import type { TaskContext } from './task-context.ts';

/** What a task's owner does for asynchronous operators. */
export interface AsyncSupport {
  /** Called when a result is ready to be delivered, from wherever it came about. */
  readonly wake: () => void;
  /** How to wait before a retry; returns how to call it off. @default a timer */
  readonly pause?: (ms: number, then: () => void) => () => void;
}

/** Deliveries between two looks at the clock. */
const CLOCK_EVERY = 16;

/**
 * Keeps account of what asynchronous operators of one task have taken: the task's owner asks whether it may take more records (`full`), lets results go on
 * (`deliver`), and commits when nothing is `pending`. `reset` cuts off everything: what settles later is of an earlier life of the task, and is ignored.
 */
export class TaskAsyncWork implements AsyncWork {
  /** An operator has no room: the task takes no input records. A plain field, since it is looked at for each record. */
  full = false;
  private readonly task: TaskContext;
  private readonly errors: ErrorHandling;
  private readonly support: AsyncSupport;
  private lanes: Lane[] = [];
  /** In the order in which they were taken. */
  private readonly outstanding = new Set<Ticket>();
  private unsettled = 0;

  constructor(task: TaskContext, errors: ErrorHandling, support: AsyncSupport = { wake: () => {} }) {
    this.task = task;
    this.errors = errors;
    this.support = support;
  }

  /** The task has asynchronous operators. */
  get used(): boolean {
    return this.lanes.length > 0;
  }

  /** Records taken and not delivered. */
  get pending(): number {
    return this.outstanding.size;
  }

  /** Every pending record has its result. */
  get settled(): boolean {
    return this.unsettled === 0;
  }

  lane(operator: string, capacity: number): AsyncLane {
    const lane = new Lane(this, operator, capacity);
    this.lanes.push(lane);
    return lane;
  }

  /** @internal For lanes. */
  retry(lane: Lane, error: unknown, ms: number, then: () => void): () => void {
    this.task.metrics.asyncRetries++;
    this.task.logger.debug({ operator: lane.operator, pauseMs: Math.round(ms), err: error }, 'A call of an asynchronous operator failed: it is repeated');
    if (this.support.pause !== undefined) return this.support.pause(ms, then);
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  }

  /** @internal For lanes. */
  begin(lane: Lane, record: StreamRecord<unknown, unknown>): AsyncTicket {
    const ticket = new Ticket(this, lane, record, this.task.recordContext, this.task.message);
    this.outstanding.add(ticket);
    this.unsettled++;
    if (++lane.held >= lane.capacity) this.full = true;
    return ticket;
  }

  /** @internal For tickets. */
  ready(ticket: Ticket): void {
    if (!this.outstanding.has(ticket)) return;
    this.unsettled--;
    ticket.lane.ready.push(ticket);
    this.support.wake();
  }

  /**
   * Let results go on, in the order in which they came, until `deadline` of `performance.now()`. Operators further down go first, and a result waits while one of them has no
   * room: what leads nowhere else always moves, so nothing waits forever. Returns whether any went on.
   * @throws what processing them throws
   */
  deliver(deadline: number): boolean {
    let delivered = 0;
    for (let i = this.lanes.length - 1; i >= 0; i--) {
      const { ready } = this.lanes[i] as Lane;
      while (ready.length > 0 && !this.fullBelow(i)) {
        this.run(ready.shift() as Ticket);
        if (++delivered % CLOCK_EVERY === 0 && performance.now() > deadline) return true;
      }
    }
    return delivered > 0;
  }

  /** Let all results go on in the order in which their records were taken, once every one of them is there: what comes out does not depend on who was fast. */
  deliverInOrder(): void {
    for (const lane of this.lanes) lane.ready.clear();
    for (const ticket of [...this.outstanding]) this.run(ticket);
  }

  /** Forget everything; processors that are initialised afterwards bring lanes of their own. */
  reset(): void {
    this.lanes = [];
    this.outstanding.clear();
    this.unsettled = 0;
    this.full = false;
    this.support.wake();
  }

  private run(ticket: Ticket): void {
    const { task } = this;
    const { lane } = ticket;
    this.outstanding.delete(ticket);
    lane.held--;
    this.full = this.fullBelow(-1);
    task.recordContext = ticket.origin;
    task.message = ticket.message;
    try {
      (ticket.deliver as () => void)();
    } catch (error) {
      // Throws, unless the application's handler drops the record.
      this.errors.processing(error, lane.operator, ticket.record);
    }
  }

  private fullBelow(index: number): boolean {
    for (let i = index + 1; i < this.lanes.length; i++) {
      const lane = this.lanes[i] as Lane;
      if (lane.held >= lane.capacity) return true;
    }
    return false;
  }
}

class Lane implements AsyncLane {
  readonly operator: string;
  readonly capacity: number;
  readonly ready = new Fifo<Ticket>();
  held = 0;
  private readonly work: TaskAsyncWork;

  constructor(work: TaskAsyncWork, operator: string, capacity: number) {
    this.work = work;
    this.operator = operator;
    this.capacity = capacity;
  }

  begin(record: StreamRecord<unknown, unknown>): AsyncTicket {
    return this.work.begin(this, record);
  }

  retry(error: unknown, ms: number, then: () => void): () => void {
    return this.work.retry(this, error, ms, then);
  }
}

class Ticket implements AsyncTicket {
  readonly lane: Lane;
  readonly record: StreamRecord<unknown, unknown>;
  readonly origin: RecordContext;
  /** The input record as it was read, for dead letters; null where it came from a punctuator or a cache. */
  readonly message: ConsumedMessage | null;
  deliver: (() => void) | undefined;
  private readonly work: TaskAsyncWork;

  constructor(work: TaskAsyncWork, lane: Lane, record: StreamRecord<unknown, unknown>, origin: RecordContext, message: ConsumedMessage | null) {
    this.work = work;
    this.lane = lane;
    this.record = record;
    this.origin = origin;
    this.message = message;
  }

  settle(deliver: () => void): void {
    if (this.deliver !== undefined) return;
    this.deliver = deliver;
    this.work.ready(this);
  }
}

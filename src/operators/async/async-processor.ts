import type { AsyncLane, AsyncTicket } from '../../processor/async-work.ts';
import type { InternalProcessorContext, Processor, ProcessorContext } from '../../processor/processor.ts';
import type { StreamRecord } from '../../processor/record.ts';
import type { AsyncCallContext, AsyncSettings } from './async-options.ts';
import { CallQueue } from './call-queue.ts';
import { keyIdentity } from './key-identity.ts';
import { RetriedCall } from './retried-call.ts';

/** What is particular to an asynchronous operator. */
export interface AsyncOperation<K, V, KR, VR, R> {
  readonly call: (record: StreamRecord<K, V>, context: AsyncCallContext) => PromiseLike<R> | R;
  /** What to do with the result; called on the task's loop, in the record's context. */
  readonly deliver: (record: StreamRecord<K, V>, result: R, context: ProcessorContext<KR, VR>) => void;
}

interface Job<K, V> {
  readonly record: StreamRecord<K, V>;
  readonly ticket: AsyncTicket;
  /** Undefined: without order. */
  readonly key: unknown;
}

/** Calls an asynchronous function for each record, some at once, and hands their results to the task, which lets them go on between records. */
export class AsyncProcessor<K, V, KR, VR, R> implements Processor<K, V, KR, VR> {
  readonly #settings: AsyncSettings;
  readonly #operation: AsyncOperation<K, V, KR, VR, R>;
  readonly #queue: CallQueue<Job<K, V>>;
  readonly #calls = new Set<RetriedCall<R>>();
  #context!: ProcessorContext<KR, VR>;
  #lane!: AsyncLane;

  constructor(settings: AsyncSettings, operation: AsyncOperation<K, V, KR, VR, R>) {
    this.#settings = settings;
    this.#operation = operation;
    this.#queue = new CallQueue(settings.concurrency, (job) => this.#start(job));
  }

  init(context: ProcessorContext<KR, VR>): void {
    const { asyncWork, currentNode } = context as InternalProcessorContext<KR, VR>;
    this.#context = context;
    this.#lane = asyncWork.lane(currentNode, this.#settings.concurrency);
  }

  process(record: StreamRecord<K, V>): void {
    this.#queue.add({ record, ticket: this.#lane.begin(record), key: this.#settings.orderByKey ? keyIdentity(record.key) : undefined });
  }

  /** Cancels what is under way: nobody wants the results any more. */
  close(): void {
    this.#queue.clear();
    for (const call of this.#calls) call.cancel();
    this.#calls.clear();
  }

  #start(job: Job<K, V>): void {
    const { record, ticket } = job;
    const end = (deliver: () => void): void => {
      this.#calls.delete(call);
      // First the result, then the next call of the key: results of one key keep their order.
      ticket.settle(deliver);
      this.#queue.done(job);
    };
    const call = new RetriedCall<R>({
      settings: this.#settings,
      origin: ticket.origin,
      retry: (error, ms, then) => this.#lane.retry(error, ms, then),
      run: (context) => this.#operation.call(record, context),
      succeeded: (result) => end(() => this.#operation.deliver(record, result, this.#context)),
      failed: (error) =>
        end(() => {
          throw error;
        }),
    });
    this.#calls.add(call);
    call.start();
  }
}

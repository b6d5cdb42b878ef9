import { type ConsumedMessage, type FetchConsumer, partitionKey, type TopicPartition, type TopicPartitionOffset } from '../../kafka/contract.ts';
import type { ResolvedConfig } from '../config.ts';
import type { OwnedTask } from './owned-task.ts';

/** Messages of one consume: at 4 µs a message for the client alone, more would hold the event loop for too long. */
const CONSUME_MAX = 500;

/** Records ready to be processed below which more are fetched: enough to keep busy while the next consume is under way. */
const LOW_BACKLOG = 2000;

/**
 * A pause throws away what was prefetched, so it comes late and ends late: it begins when a queue is this many times as long as
 * `bufferedRecordsPerPartition`, and ends when it is down to that. With 4, partitions that came in large chunks were paused and fetched again: a tenth of the throughput.
 */
const PAUSE_FACTOR = 16;

interface Route {
  readonly owner: OwnedTask;
  readonly topic: string;
  readonly partition: number;
  paused: boolean;
}

/** Fetches the inputs of running tasks, one consume at a time, and puts messages into their tasks' queues. */
export class SourceFetcher {
  private readonly consumer: FetchConsumer;
  private readonly pollMs: number;
  private readonly lowWater: number;
  private readonly highWater: number;
  private readonly wake: () => void;
  private readonly routes = new Map<string, (Route | undefined)[]>();
  private readonly owners = new Set<OwnedTask>();
  private readonly pausedRoutes = new Set<Route>();
  private inFlight: Promise<void> | undefined;
  private ready: ConsumedMessage[] = [];
  private error: unknown;
  /** Counts the times that every partition was sought: messages in preparation then are of the past. */
  private resets = 0;

  constructor(consumer: FetchConsumer, config: ResolvedConfig, wake: () => void) {
    this.consumer = consumer;
    this.pollMs = config.pollMs;
    this.lowWater = config.bufferedRecordsPerPartition;
    this.highWater = PAUSE_FACTOR * config.bufferedRecordsPerPartition;
    this.wake = wake;
  }

  /** Fetch a task's inputs from its positions on. */
  async add(owner: OwnedTask): Promise<void> {
    for (const { topic, partition } of owner.inputs) {
      const byPartition = this.routes.get(topic) ?? [];
      this.routes.set(topic, byPartition);
      byPartition[partition] = { owner, topic, partition, paused: false };
    }
    this.owners.add(owner);
    await this.consumer.incrementalAssign([...owner.positions.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset })));
  }

  /** Stop fetching for these tasks. Messages that were fetched for them are dropped. */
  async remove(owners: readonly OwnedTask[]): Promise<void> {
    const gone: TopicPartition[] = [];
    for (const owner of owners) {
      if (!this.owners.delete(owner)) continue;
      for (const { topic, partition } of owner.inputs) {
        const route = this.routes.get(topic)?.[partition];
        if (route === undefined) continue;
        this.pausedRoutes.delete(route);
        (this.routes.get(topic) as (Route | undefined)[])[partition] = undefined;
        gone.push({ topic, partition });
      }
    }
    if (gone.length === 0) return;
    // The same partition may come back before these are delivered.
    this.ready = this.ready.filter((message) => this.routes.get(message.topic)?.[message.partition] !== undefined);
    await this.consumer.incrementalUnassign(gone);
  }

  /** Every task starts over from its positions. */
  async reset(): Promise<void> {
    // Awaited, not only ignored: a consume that began before the seeks may bring records from behind them.
    await this.inFlight;
    this.ready = [];
    this.error = undefined;
    this.resume([...this.pausedRoutes]);
    const targets: TopicPartitionOffset[] = [...this.owners].flatMap((owner) => [...owner.positions.values()]);
    for (const { topic, partition, offset } of targets) await this.consumer.seek({ topic, partition, offset });
    this.resets++;
  }

  /** Messages wait to be delivered. */
  get hasReady(): boolean {
    return this.ready.length > 0;
  }

  /** Begin a consume, unless one is under way or enough is buffered. @throws what the last one failed with. */
  pump(now: number): void {
    if (this.error !== undefined) {
      const error = this.error;
      this.error = undefined;
      throw error;
    }
    if (this.inFlight !== undefined || this.ready.length > 0 || this.owners.size === 0 || this.backlog(now) > LOW_BACKLOG) return;
    this.inFlight = this.consumer
      .consume(CONSUME_MAX, this.pollMs)
      .then(
        (messages) => {
          this.ready = messages;
        },
        (error: unknown) => {
          this.error = error;
        },
      )
      .finally(() => {
        this.inFlight = undefined;
        this.wake();
      });
  }

  /** Put fetched messages into their tasks' queues. A promise only when a serde wants to see them first. */
  deliver(): Promise<void> | undefined {
    const messages = this.ready;
    if (messages.length > 0) {
      this.ready = [];
      for (const owner of this.owners) if (owner.task.needsPrepare) return this.prepareAndDeliver(messages);
      this.enqueue(messages);
    }
    this.noteEnds();
    return undefined;
  }

  /** Let go of pauses whose queues have drained. */
  resumeDrained(): void {
    if (this.pausedRoutes.size === 0) return;
    const drained: Route[] = [];
    for (const route of this.pausedRoutes) if (route.owner.task.buffered(route.topic, route.partition) <= this.lowWater) drained.push(route);
    this.resume(drained);
  }

  close(): Promise<void> {
    return this.consumer.close();
  }

  /** Buffered records of tasks that can process them now. */
  private backlog(now: number): number {
    let sum = 0;
    for (const owner of this.owners) if (owner.task.isProcessable(now)) sum += owner.task.bufferedTotal;
    return sum;
  }

  private async prepareAndDeliver(messages: readonly ConsumedMessage[]): Promise<void> {
    const resets = this.resets;
    for (const owner of this.owners) {
      if (!owner.task.needsPrepare) continue;
      const own = messages.filter((message) => this.routes.get(message.topic)?.[message.partition]?.owner === owner);
      if (own.length > 0) await owner.task.prepare(own);
    }
    if (resets !== this.resets) return;
    this.enqueue(messages);
    this.noteEnds();
  }

  private enqueue(messages: readonly ConsumedMessage[]): void {
    let topic = '';
    let partition = -1;
    let route: Route | undefined;
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i] as ConsumedMessage;
      if (message.partition !== partition || message.topic !== topic) {
        if (route !== undefined) this.pauseIfFull(route);
        topic = message.topic;
        partition = message.partition;
        route = this.routes.get(topic)?.[partition];
      }
      // Without a route the task has left while the message was on its way.
      if (route !== undefined) route.owner.task.add(topic, partition, message);
    }
    if (route !== undefined) this.pauseIfFull(route);
  }

  private noteEnds(): void {
    // An end comes with the messages before it: a consume under way may have both and not have handed them over.
    if (this.inFlight !== undefined) return;
    for (const { topic, partition, offset } of this.consumer.takeEndOfPartitions()) {
      this.routes.get(topic)?.[partition]?.owner.task.caughtUp(topic, partition, offset);
    }
  }

  private pauseIfFull(route: Route): void {
    if (route.paused || route.owner.task.buffered(route.topic, route.partition) < this.highWater) return;
    route.paused = true;
    this.pausedRoutes.add(route);
    this.consumer.pause([route]);
  }

  private resume(routes: readonly Route[]): void {
    if (routes.length === 0) return;
    for (const route of routes) {
      route.paused = false;
      this.pausedRoutes.delete(route);
    }
    this.consumer.resume(routes);
  }

  /** Partitions that are paused, for metrics and tests. */
  get paused(): string[] {
    return [...this.pausedRoutes].map(partitionKey);
  }
}

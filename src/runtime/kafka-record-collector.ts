import { StreamsError } from '../errors.ts';
import type { Producer } from '../kafka/contract.ts';
import type { Headers } from '../processor/headers.ts';
import { partitionOfKey } from '../util/murmur2.ts';
import type { RecordCollector } from './record-collector.ts';

/** A record on its way to Kafka. `partition` is -1 while the topic's partition count is not known yet. */
export interface OutgoingRecord {
  readonly topic: string;
  partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number | null;
  readonly headers: Headers;
}

/** What one commit interval produced. */
export interface OutgoingInterval {
  readonly outputs: readonly OutgoingRecord[];
  /** Changelog records. */
  readonly changes: readonly OutgoingRecord[];
}

/** What a record costs besides its key and value, roughly: an object here, a header there. */
const RECORD_OVERHEAD = 120;

export interface KafkaRecordCollectorOptions {
  /** Exactly-once: everything waits for the commit's transaction. */
  readonly transactional: boolean;
  /** Partition counts of the topics that exist. */
  readonly partitionCounts: Map<string, number>;
  /** Changelog topics: their records always wait for the commit, so that a zombie cannot write old state over new. */
  readonly changelogs: ReadonlySet<string>;
  /** At-least-once: asked before each record. False: records wait here, since this member may have been replaced. */
  readonly mayProduce: () => boolean;
}

/**
 * Takes what tasks produce. Under exactly-once, and for changelogs always, records wait in JavaScript until the commit; else outputs go to the producer at once, except
 * while a commit is under way (`hold`), whose flush would otherwise never end. The order within a partition is that of `send`.
 */
export class KafkaRecordCollector implements RecordCollector {
  private readonly transactional: boolean;
  private readonly partitionCounts: Map<string, number>;
  private readonly changelogs: ReadonlySet<string>;
  private readonly mayProduce: () => boolean;
  private producer: Producer | undefined;
  private outputs: OutgoingRecord[] = [];
  private changes: OutgoingRecord[] = [];
  private held = false;
  private bytes = 0;
  private nextNullKeyPartition = 0;
  /** Outputs handed to the producer since the last commit (at-least-once). */
  private direct = 0;
  /** First error of a direct `produce`: for the loop, since a processor is on the stack when it happens. */
  private failure: { readonly record: OutgoingRecord; readonly error: Error } | undefined;

  constructor(options: KafkaRecordCollectorOptions) {
    this.transactional = options.transactional;
    this.partitionCounts = options.partitionCounts;
    this.changelogs = options.changelogs;
    this.mayProduce = options.mayProduce;
  }

  /** The producer changes after a fatal error. */
  useProducer(producer: Producer): void {
    this.producer = producer;
  }

  send(topic: string, partition: number | undefined, key: Buffer | null, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    const record: OutgoingRecord = { topic, partition: partition ?? this.partitionFor(topic, key), key, value, timestamp, headers };
    if (this.changelogs.has(topic)) {
      this.changes.push(record);
    } else {
      if (!this.transactional && !this.held && this.outputs.length === 0 && record.partition >= 0 && this.produceNow(record)) return;
      this.outputs.push(record);
    }
    this.bytes += RECORD_OVERHEAD + (key === null ? 0 : key.length) + (value === null ? 0 : value.length);
  }

  partitionsFor(topic: string): number {
    const count = this.partitionCounts.get(topic);
    if (count === undefined) throw new UnknownTopicError(topic);
    return count;
  }

  /** Bytes that wait here. */
  get pendingBytes(): number {
    return this.bytes;
  }

  /** Whether anything was produced since the last `take`. */
  get hasPending(): boolean {
    return this.outputs.length > 0 || this.changes.length > 0 || this.direct > 0;
  }

  /** True while outputs wait that could go to the producer: its queue was full, or their topic is not known yet. */
  get backedUp(): boolean {
    return !this.transactional && !this.held && this.outputs.length > 0;
  }

  /** Topics of waiting records whose partition count is not known. */
  unknownTopics(): Set<string> {
    const unknown = new Set<string>();
    for (const record of this.outputs) if (record.partition < 0) unknown.add(record.topic);
    return unknown;
  }

  /** At-least-once: keep outputs here until `release`. */
  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
  }

  /** At-least-once: hand waiting outputs to the producer until `deadline` (of `performance.now()`), its queue is full, or a topic is unknown. */
  drain(deadline: number): void {
    if (!this.backedUp) return;
    let done = 0;
    for (const record of this.outputs) {
      if (record.partition < 0) record.partition = this.partitionFor(record.topic, record.key);
      if (record.partition < 0 || !this.produceNow(record)) break;
      this.bytes -= RECORD_OVERHEAD + (record.key?.length ?? 0) + (record.value?.length ?? 0);
      if (++done % 64 === 0 && performance.now() > deadline) break;
    }
    this.outputs.splice(0, done);
  }

  /** What the interval produced; a new interval begins. */
  take(): OutgoingInterval {
    const interval = { outputs: this.outputs, changes: this.changes };
    this.reset();
    return interval;
  }

  /** Forget what waits: the interval was aborted. */
  discard(): void {
    this.reset();
    this.failure = undefined;
  }

  takeFailure(): { readonly record: OutgoingRecord; readonly error: Error } | undefined {
    const failure = this.failure;
    this.failure = undefined;
    return failure;
  }

  /** Java's default partitioner: murmur2 of the key; null keys are spread. -1 when the topic's partition count is not known. */
  partitionFor(topic: string, key: Buffer | null): number {
    const count = this.partitionCounts.get(topic);
    if (count === undefined) return -1;
    if (key !== null) return partitionOfKey(key, count);
    this.nextNullKeyPartition = (this.nextNullKeyPartition + 1) % 0x40000000;
    return this.nextNullKeyPartition % count;
  }

  private reset(): void {
    this.outputs = [];
    this.changes = [];
    this.bytes = 0;
    this.direct = 0;
  }

  /** False: the producer's queue is full, or nothing may go out now. */
  private produceNow(record: OutgoingRecord): boolean {
    if (!this.mayProduce()) return false;
    try {
      if (!(this.producer as Producer).produce(record.topic, record.partition, record.key, record.value, record.timestamp, record.headers)) return false;
    } catch (error) {
      this.failure ??= { record, error: error as Error };
    }
    this.direct++;
    return true;
  }
}

/** A custom partitioner needs the partition count of a topic that is not known: the loop looks it up and repeats the interval. */
export class UnknownTopicError extends StreamsError {
  constructor(topic: string) {
    super('The topic of an output record is not known yet, and its partitioner needs the number of partitions: create the topic', {
      code: 'ERR_UNKNOWN_TOPIC',
      topic,
    });
  }
}

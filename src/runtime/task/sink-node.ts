import type { StreamPartitioner, TopicNameExtractor } from '../../processor/partitioner.ts';
import type { StreamRecord } from '../../processor/record.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { ErrorHandling } from './error-handling.ts';
import type { TaskNode } from './node.ts';
import type { TaskContext } from './task-context.ts';

/** Encodes records and hands them to the record collector. */
export class SinkNode implements TaskNode {
  readonly name: string;
  private readonly topic: string | TopicNameExtractor;
  private readonly keySerde: Serde<unknown>;
  private readonly valueSerde: Serde<unknown>;
  private readonly partitioner: StreamPartitioner | undefined;
  private readonly task: TaskContext;
  private readonly errors: ErrorHandling;

  constructor(
    name: string,
    topic: string | TopicNameExtractor,
    keySerde: Serde<unknown>,
    valueSerde: Serde<unknown>,
    partitioner: StreamPartitioner | undefined,
    task: TaskContext,
    errors: ErrorHandling,
  ) {
    this.name = name;
    this.topic = topic;
    this.keySerde = keySerde;
    this.valueSerde = valueSerde;
    this.partitioner = partitioner;
    this.task = task;
    this.errors = errors;
    const known = typeof topic === 'string' ? topic : undefined;
    task.encodes(known, keySerde);
    task.encodes(known, valueSerde);
  }

  process(record: StreamRecord<unknown, unknown>): void {
    const { key, value, headers } = record;
    const topic = typeof this.topic === 'string' ? this.topic : this.topic(key, value, this.task.recordContext);
    let keyBytes: Buffer | null = null;
    let valueBytes: Buffer | null = null;
    let part = 'key';
    try {
      if (key !== null && key !== undefined) keyBytes = this.keySerde.serialize(topic, key, headers);
      part = 'value';
      if (value !== null && value !== undefined) valueBytes = this.valueSerde.serialize(topic, value, headers);
    } catch (error) {
      const serde = part === 'key' ? this.keySerde : this.valueSerde;
      this.errors.production(error, this.name, `The ${part} cannot be encoded as ${serde.name}`, {
        topic,
        key: keyBytes,
        value: null,
        timestamp: record.timestamp,
        headers,
      });
      return;
    }
    if (this.partitioner === undefined) this.send(topic, undefined, keyBytes, valueBytes, record);
    else this.sendPartitioned(this.partitioner, topic, keyBytes, valueBytes, record);
  }

  private sendPartitioned(
    partitioner: StreamPartitioner,
    topic: string,
    key: Buffer | null,
    value: Buffer | null,
    record: StreamRecord<unknown, unknown>,
  ): void {
    const chosen = partitioner(topic, record.key, record.value, this.task.collector.partitionsFor(topic));
    if (chosen === undefined || typeof chosen === 'number') {
      this.send(topic, chosen, key, value, record);
    } else if (chosen.length === 0) {
      this.task.droppedRecord(`the partitioner of ${this.name} chose no partition of ${topic}`);
    } else {
      for (const partition of chosen) this.send(topic, partition, key, value, record);
    }
  }

  private send(topic: string, partition: number | undefined, key: Buffer | null, value: Buffer | null, record: StreamRecord<unknown, unknown>): void {
    this.task.metrics.sent++;
    this.task.collector.send(topic, partition, key, value, record.timestamp, record.headers);
  }
}

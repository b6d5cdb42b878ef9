import { StreamsError } from '../../errors.ts';
import type { ConsumedMessage } from '../../kafka/contract.ts';
import { messageHeaders } from '../../kafka/headers.ts';
import { type Headers, NO_HEADERS } from '../../processor/headers.ts';
import { StreamRecord } from '../../processor/record.ts';
import { RecordContext } from '../../processor/record-context.ts';
import type { TimestampExtractor } from '../../processor/timestamp-extractor.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { ErrorHandling } from './error-handling.ts';
import type { TaskProcessorContext } from './processor-context.ts';
import type { TaskContext } from './task-context.ts';

/** A message that was decoded before its turn. */
export interface DecodedMessage {
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: Headers;
  readonly timestamp: number;
}

/** Decodes messages and sends them into the sub-topology. */
export class SourceNode {
  readonly name: string;
  readonly keySerde: Serde<unknown>;
  readonly valueSerde: Serde<unknown>;
  /** Undefined: the timestamp that Kafka holds. */
  private readonly extractor: TimestampExtractor | undefined;
  private readonly context: TaskProcessorContext;
  private readonly task: TaskContext;
  private readonly errors: ErrorHandling;

  constructor(
    name: string,
    keySerde: Serde<unknown>,
    valueSerde: Serde<unknown>,
    extractor: TimestampExtractor | undefined,
    context: TaskProcessorContext,
    task: TaskContext,
    errors: ErrorHandling,
  ) {
    this.name = name;
    this.keySerde = keySerde;
    this.valueSerde = valueSerde;
    this.extractor = extractor;
    this.context = context;
    this.task = task;
    this.errors = errors;
  }

  /** True when the order between partitions depends on what is in the messages. */
  get ordersByContents(): boolean {
    return this.extractor !== undefined;
  }

  /** Decode a message at the head of its partition, before its turn. Undefined when that fails: the error then comes again, in its turn. */
  decodeAhead(message: ConsumedMessage, partitionTime: number): DecodedMessage | undefined {
    if (this.extractor === undefined) return undefined;
    const { topic, partition, offset } = message;
    const headers = headersOf(message);
    try {
      const key = message.key === null ? null : this.keySerde.deserialize(topic, message.key, headers);
      const value = message.value === null ? null : this.valueSerde.deserialize(topic, message.value, headers);
      return { key, value, headers, timestamp: this.extractor({ topic, partition, offset, key, value, timestamp: message.timestamp, headers }, partitionTime) };
    } catch {
      return undefined;
    }
  }

  /**
   * Send a message through the nodes below. Returns its event time, or -1 when it was dropped.
   * @param partitionTime highest timestamp of its partition so far.
   * @param ahead what `decodeAhead` returned for this message.
   */
  process(message: ConsumedMessage, partitionTime: number, ahead: DecodedMessage | undefined): number {
    if (ahead !== undefined) return this.emit(message, ahead.key, ahead.value, ahead.timestamp, ahead.headers);
    const topic = message.topic;
    const headers = headersOf(message);
    let part: 'key' | 'value' = 'key';
    let key: unknown = null;
    let value: unknown = null;
    try {
      if (message.key !== null) key = this.keySerde.deserialize(topic, message.key, headers);
      part = 'value';
      if (message.value !== null) value = this.valueSerde.deserialize(topic, message.value, headers);
    } catch (error) {
      this.errors.deserialization(error, this.name, part, part === 'key' ? this.keySerde.name : this.valueSerde.name, message, headers);
      return -1;
    }
    const timestamp = this.extractor === undefined ? message.timestamp : this.extract(this.extractor, message, key, value, headers, partitionTime);
    return this.emit(message, key, value, timestamp, headers);
  }

  private emit(message: ConsumedMessage, key: unknown, value: unknown, timestamp: number, headers: Headers): number {
    if (!(timestamp >= 0)) {
      this.negativeTimestamp(message, timestamp);
      return -1;
    }
    const task = this.task;
    if (timestamp > task.streamTime) task.streamTime = timestamp;
    task.message = message;
    task.recordContext = new RecordContext(message.topic, message.partition, message.offset, timestamp, headers);
    this.context.forward(new StreamRecord(key, value, timestamp, headers));
    return timestamp;
  }

  private extract(extractor: TimestampExtractor, message: ConsumedMessage, key: unknown, value: unknown, headers: Headers, partitionTime: number): number {
    const { topic, partition, offset, timestamp } = message;
    try {
      return extractor({ topic, partition, offset, key, value, timestamp, headers }, partitionTime);
    } catch (error) {
      throw error instanceof StreamsError ? error : this.errors.fatal(error, this.name, 'The timestamp extractor', message);
    }
  }

  private negativeTimestamp(message: ConsumedMessage, timestamp: number): void {
    const { topic, partition, offset } = message;
    if (this.extractor === undefined) {
      throw new StreamsError(
        `A record has the timestamp ${timestamp}, which is no event time: its producer set none, or the topic was written before timestamps existed. Give the source a timestamp extractor that estimates one, or returns a negative number to skip the record`,
        { code: 'ERR_INVALID_TIMESTAMP', taskId: this.task.taskId, operator: this.name, topic, partition, offset },
      );
    }
    this.task.metrics.dropped++;
    this.task.warn('its extracted timestamp is negative or no number', { operator: this.name, topic, partition, offset, timestamp });
  }
}

function headersOf(message: ConsumedMessage): Headers {
  return message.headers === undefined ? NO_HEADERS : messageHeaders(message.headers);
}

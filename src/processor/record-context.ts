import { type Headers, NO_HEADERS } from './headers.ts';

/** Where the record that is being processed came from. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The input record under processing: its origin, time and headers. A fresh object for each input record, so stores may keep it with a cached entry. */
export class RecordContext implements RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly headers: Headers;
  /** False inside a punctuator: there is no input record, and topic, partition and offset mean nothing. */
  readonly hasRecord: boolean;

  constructor(topic: string, partition: number, offset: number, timestamp: number, headers: Headers = NO_HEADERS, hasRecord = true) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.headers = headers;
    this.hasRecord = hasRecord;
  }
}

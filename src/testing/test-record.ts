import { type Header, type Headers, NO_HEADERS } from '../processor/headers.ts';

/** Headers as tests write them: values as text or bytes. */
export type TestHeaders = readonly (readonly [key: string, value: Buffer | string | null])[];

/** A record of a test's input or output topic, with its keys and values decoded. */
export class TestRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** Event time, epoch milliseconds. Input records without one take the time of their topic. */
  readonly timestamp: number | undefined;
  readonly headers: Headers;

  constructor(key: K, value: V, timestamp?: number, headers?: TestHeaders) {
    this.key = key;
    this.value = value;
    this.timestamp = timestamp;
    this.headers = toHeaders(headers);
  }
}

function toHeaders(headers: TestHeaders | undefined): Headers {
  if (headers === undefined || headers.length === 0) return NO_HEADERS;
  return headers.map(([key, value]): Header => [key, typeof value === 'string' ? Buffer.from(value) : value]);
}

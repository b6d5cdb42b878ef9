import { type Headers, NO_HEADERS } from './headers.ts';

/**
 * What flows between processors: a key, a value, an event time and headers. Immutable; the `with…` methods copy.
 * A record that an operator does not change is forwarded as it is, without a copy.
 */
export class StreamRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** Event time, epoch milliseconds. */
  readonly timestamp: number;
  readonly headers: Headers;

  constructor(key: K, value: V, timestamp: number, headers: Headers = NO_HEADERS) {
    this.key = key;
    this.value = value;
    this.timestamp = timestamp;
    this.headers = headers;
  }

  withKey<K2>(key: K2): StreamRecord<K2, V> {
    return new StreamRecord(key, this.value, this.timestamp, this.headers);
  }

  withValue<V2>(value: V2): StreamRecord<K, V2> {
    return new StreamRecord(this.key, value, this.timestamp, this.headers);
  }

  withTimestamp(timestamp: number): StreamRecord<K, V> {
    return new StreamRecord(this.key, this.value, timestamp, this.headers);
  }

  withHeaders(headers: Headers): StreamRecord<K, V> {
    return new StreamRecord(this.key, this.value, this.timestamp, headers);
  }
}

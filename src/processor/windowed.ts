/** A key in a window. `start` is inclusive; `end` is exclusive for time windows, inclusive for sessions, as in Kafka Streams. */
export interface Windowed<K> {
  readonly key: K;
  readonly window: Window;
}

export interface Window {
  /** Epoch milliseconds. */
  readonly start: number;
  /** Epoch milliseconds. */
  readonly end: number;
}

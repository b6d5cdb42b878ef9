/**
 * Bytes that the record caches of several tasks share (`statestoreCacheMaxBytes`). Sizes are estimates as in Kafka Streams: key and value bytes plus
 * a fixed part for the entry; the memory really used is two to three times that.
 * A cache that grows while the budget is used up evicts from itself, as in Kafka Streams.
 */
export class CacheBudget {
  readonly maxBytes: number;
  used = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get exceeded(): boolean {
    return this.used > this.maxBytes;
  }
}

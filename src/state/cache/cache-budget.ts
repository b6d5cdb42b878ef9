/**
 * Bytes that the record caches of several tasks share (`statestoreCacheMaxBytes`). Sizes are estimates: key and value bytes plus what an entry costs in JavaScript.
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

import { IllegalStateError } from '../errors.ts';
import type { Serde } from '../serdes/serde.ts';
import { expectSame } from './mismatch.ts';
import type { ProducedRecord } from './produced-record.ts';
import { recordText } from './record-text.ts';
import { TestRecord } from './test-record.ts';

/** An expected output record: fields that are left out may be anything. */
export interface ExpectedRecord<K, V> {
  key?: K | null;
  value?: V | null;
  timestamp?: number;
  headers?: readonly (readonly [key: string, value: Buffer | null])[];
}

/** Reads what the topology under test wrote to one topic, in order, each record once. */
export class TestOutputTopic<K, V> {
  readonly topic: string;
  private readonly queue: () => ProducedRecord[];
  private readonly keySerde: Serde<K>;
  private readonly valueSerde: Serde<V>;

  /** @internal Use {@link TopologyTestDriver.createOutputTopic}. */
  constructor(topic: string, keySerde: Serde<K>, valueSerde: Serde<V>, queue: () => ProducedRecord[]) {
    this.topic = topic;
    this.keySerde = keySerde;
    this.valueSerde = valueSerde;
    this.queue = queue;
  }

  isEmpty(): boolean {
    return this.queue().length === 0;
  }

  /** Records that are not read yet. */
  getQueueSize(): number {
    return this.queue().length;
  }

  /** @throws IllegalStateError when there is no record left, as all single reads. */
  readRecord(): TestRecord<K | null, V | null> {
    const record = this.queue().shift();
    if (record === undefined) throw new IllegalStateError('There is no more output: nothing was written, or all of it was read', { topic: this.topic });
    return this.decode(record);
  }

  readValue(): V | null {
    return this.readRecord().value;
  }

  readKeyValue(): [K | null, V | null] {
    const { key, value } = this.readRecord();
    return [key, value];
  }

  readRecordsToList(): TestRecord<K | null, V | null>[] {
    const queue = this.queue();
    return queue.splice(0, queue.length).map((record) => this.decode(record));
  }

  readValuesToList(): (V | null)[] {
    return this.readRecordsToList().map(({ value }) => value);
  }

  readKeyValuesToList(): [K | null, V | null][] {
    return this.readRecordsToList().map(({ key, value }) => [key, value]);
  }

  /**
   * The last value of each key. Keys that are objects (windowed ones) are told apart by identity, as in any Map.
   * @throws IllegalStateError when a record has a null key.
   */
  readKeyValuesToMap(): Map<K, V | null> {
    const map = new Map<K, V | null>();
    for (const { key, value } of this.readRecordsToList()) {
      if (key === null) throw new IllegalStateError('A record has a null key: read a list instead of a map', { topic: this.topic });
      map.set(key, value);
    }
    return map;
  }

  /** Read all values and compare; an AssertionError shows the difference record by record. */
  expectValues(expected: readonly (V | null)[]): void {
    expectSame(`Topic ${this.topic}`, this.readValuesToList(), expected);
  }

  /** Read all records and compare their `[key, value]` pairs; an AssertionError shows the difference record by record. */
  expectKeyValues(expected: readonly (readonly [K | null, V | null])[]): void {
    expectSame(`Topic ${this.topic}`, this.readKeyValuesToList(), expected);
  }

  /** Read all records and compare the fields that are given; an AssertionError shows the difference record by record. */
  expectRecords(expected: readonly ExpectedRecord<K, V>[]): void {
    const actual = this.readRecordsToList().map((record, i) => {
      const fields = Object.keys(expected[i] ?? record) as (keyof ExpectedRecord<K, V>)[];
      return Object.fromEntries(fields.map((field) => [field, record[field]]));
    });
    expectSame(`Topic ${this.topic}`, actual, expected);
  }

  /**
   * Read all records, as text for a snapshot: a record a line, key, value, `@` and timestamp, headers; the same for the same records.
   *
   * @example
   * t.assert.snapshot(output.toText());
   */
  toText(): string {
    return this.readRecordsToList()
      .map(({ key, value, timestamp, headers }) => recordText(key, value, timestamp, headers))
      .join('\n');
  }

  /** Fail when there is a record that was not read. */
  expectEmpty(): void {
    this.expectKeyValues([]);
  }

  /** Reads until the topic is empty. */
  *[Symbol.iterator](): IterableIterator<TestRecord<K | null, V | null>> {
    while (!this.isEmpty()) yield this.readRecord();
  }

  /** As the plain iterator, for tests that are written against an asynchronous source. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<TestRecord<K | null, V | null>> {
    // Delegating to `this` would choose this very method.
    for (const record of this) yield record;
  }

  private decode({ key, value, timestamp, headers }: ProducedRecord): TestRecord<K | null, V | null> {
    return new TestRecord(
      key === null ? null : this.keySerde.deserialize(this.topic, key, headers),
      value === null ? null : this.valueSerde.deserialize(this.topic, value, headers),
      timestamp ?? undefined,
      headers,
    );
  }
}

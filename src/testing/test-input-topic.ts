import type { Serde } from '../serdes/serde.ts';
import { type Duration, toMillis } from '../time.ts';
import { type TestHeaders, TestRecord } from './test-record.ts';
import type { TopologyTestDriver } from './topology-test-driver.ts';

export interface InputTopicOptions {
  /** Event time of the first record that is given none. @default the driver's wall clock when the topic is created */
  startTimestamp?: number;
  /** Added to the topic's time after each record that took it. @default 0 */
  autoAdvance?: Duration;
}

/** Sends records into the topology under test. Each call processes all that follows from the record before it returns. */
export class TestInputTopic<K, V> {
  readonly topic: string;
  private readonly driver: TopologyTestDriver;
  private readonly keySerde: Serde<K>;
  private readonly valueSerde: Serde<V>;
  private readonly autoAdvance: number;
  private time: number;

  /** @internal Use {@link TopologyTestDriver.createInputTopic}. */
  constructor(driver: TopologyTestDriver, topic: string, keySerde: Serde<K>, valueSerde: Serde<V>, startTimestamp: number, autoAdvance: Duration) {
    this.driver = driver;
    this.topic = topic;
    this.keySerde = keySerde;
    this.valueSerde = valueSerde;
    this.time = startTimestamp;
    this.autoAdvance = toMillis(autoAdvance, 'autoAdvance');
  }

  /** Move the topic's time on. */
  advanceTime(duration: Duration): void {
    this.time += toMillis(duration);
  }

  /** Send one record. Without a timestamp it takes the topic's time, and the topic's time moves on by `autoAdvance`. */
  pipeInput(record: TestRecord<K | null, V | null>): void;
  pipeInput(key: K | null, value: V | null, timestamp?: number, headers?: TestHeaders): void;
  pipeInput(first: TestRecord<K | null, V | null> | K | null, value?: V | null, timestamp?: number, headers?: TestHeaders): void {
    const record = first instanceof TestRecord ? first : new TestRecord(first as K | null, value ?? null, timestamp, headers);
    let time = record.timestamp;
    if (time === undefined) {
      time = this.time;
      this.time += this.autoAdvance;
    }
    const key = record.key === null ? null : this.keySerde.serialize(this.topic, record.key as K, record.headers);
    const data = record.value === null ? null : this.valueSerde.serialize(this.topic, record.value as V, record.headers);
    this.driver.pipeRaw(this.topic, key, data, time, record.headers);
  }

  /** As `pipeInput`, for topologies with asynchronous operators: resolves when all that follows from the record is processed, see {@link TopologyTestDriver.drain}. */
  pipeInputAsync(record: TestRecord<K | null, V | null>): Promise<void>;
  pipeInputAsync(key: K | null, value: V | null, timestamp?: number, headers?: TestHeaders): Promise<void>;
  async pipeInputAsync(first: TestRecord<K | null, V | null> | K | null, value?: V | null, timestamp?: number, headers?: TestHeaders): Promise<void> {
    if (first instanceof TestRecord) this.pipeInput(first);
    else this.pipeInput(first as K | null, value ?? null, timestamp, headers);
    await this.driver.drain();
  }

  /** Send values with null keys. */
  pipeValueList(values: Iterable<V | null>): void {
    for (const value of values) this.pipeInput(null, value);
  }

  /** Send `[key, value]` pairs. */
  pipeKeyValueList(pairs: Iterable<readonly [K | null, V | null]>): void {
    for (const [key, value] of pairs) this.pipeInput(key, value);
  }

  pipeRecordList(records: Iterable<TestRecord<K | null, V | null>>): void {
    for (const record of records) this.pipeInput(record);
  }
}

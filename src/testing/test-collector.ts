import type { Headers } from '../processor/headers.ts';
import type { RecordCollector } from '../runtime/record-collector.ts';
import type { ProducedRecord } from './produced-record.ts';

/** Keeps what a task produces. Every topic has one partition. */
export class TestCollector implements RecordCollector {
  private records: ProducedRecord[] = [];

  send(topic: string, partition: number | undefined, key: Buffer | null, value: Buffer | null, timestamp: number | null, headers: Headers): void {
    this.records.push({ topic, partition, key, value, timestamp, headers });
  }

  partitionsFor(): number {
    return 1;
  }

  /** Records since the last call, in the order of production. */
  take(): ProducedRecord[] {
    const records = this.records;
    this.records = [];
    return records;
  }
}

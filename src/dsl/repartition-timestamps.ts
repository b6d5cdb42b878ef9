import { StreamsError } from '../errors.ts';
import type { ConsumedRecord } from '../processor/timestamp-extractor.ts';

/** Records of repartition topics carry their event time; whatever extractor the application has configured is for its inputs. */
export function failOnInvalidTimestamp(record: ConsumedRecord): number {
  if (record.timestamp < 0) {
    throw new StreamsError(`Record of an internal topic has the negative timestamp ${record.timestamp}: something else than this application writes to it`, {
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
    });
  }
  return record.timestamp;
}

import type { Logger } from 'pino';
import type { RecordCollector } from '../record-collector.ts';

/**
 * The collector of global tables and stores. Their processors have no sinks and their stores no changelogs, so only dead letters come here: as in Kafka
 * Streams they cannot be sent, and the first of a topic is logged.
 */
export function globalCollector(logger: Logger): RecordCollector {
  const told = new Set<string>();
  return {
    send(topic) {
      if (told.has(topic)) return;
      told.add(topic);
      logger.warn({ topic }, 'Dead letters of global tables and stores cannot be sent: the record is only counted as dropped');
    },
    partitionsFor: () => 0,
  };
}

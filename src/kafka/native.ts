import { createRequire } from 'node:module';
import type * as RdKafka from '@confluentinc/kafka-javascript';
import { StreamsError } from '../errors.ts';

/*
 * The client library is loaded at the first use, not at import: it is native code, and a program that only uses
 * the TopologyTestDriver, or only builds a topology, runs without it.
 */

export type { RdKafka };

let loaded: typeof RdKafka | undefined;

/** The callback API of the client library. @throws StreamsError when its native part was not built for this Node.js. */
export function rdKafka(): typeof RdKafka {
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)('@confluentinc/kafka-javascript') as typeof RdKafka;
    } catch (cause) {
      const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? cause.message) : String(cause);
      throw new StreamsError(
        `The Kafka client @confluentinc/kafka-javascript cannot be loaded: ${reason}. ` +
          'Its native part has to be installed or built for this version of Node.js: run `npm rebuild @confluentinc/kafka-javascript` ' +
          '(in a clone of Millrace: `npm run setup`)',
        { code: 'ERR_KAFKA_CLIENT_LOAD', cause },
      );
    }
  }
  return loaded;
}

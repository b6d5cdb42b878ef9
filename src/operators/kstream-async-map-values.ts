import { StreamRecord } from '../processor/record.ts';
import type { AsyncSettings } from './async/async-options.ts';
import { AsyncProcessor } from './async/async-processor.ts';
import type { AsyncValueMapper, Supplier } from './functions.ts';

/** A new value for each record, when it has come. */
export function kstreamMapValuesAsync<K, V, VR>(mapper: AsyncValueMapper<K, V, VR>, settings: AsyncSettings): Supplier<K, V, K, VR> {
  return () =>
    new AsyncProcessor<K, V, K, VR, VR>(settings, {
      call: (record, context) => mapper(record.value, record.key, context),
      deliver: (record, value, context) => context.forward(new StreamRecord(record.key, value, record.timestamp, record.headers)),
    });
}

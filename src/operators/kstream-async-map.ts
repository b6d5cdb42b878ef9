import { StreamRecord } from '../processor/record.ts';
import type { AsyncSettings } from './async/async-options.ts';
import { AsyncProcessor } from './async/async-processor.ts';
import type { AsyncKeyValueMapper, Supplier } from './functions.ts';

/** A new key and value for each record, when they have come. */
export function kstreamMapAsync<K, V, KR, VR>(mapper: AsyncKeyValueMapper<K, V, readonly [KR, VR]>, settings: AsyncSettings): Supplier<K, V, KR, VR> {
  return () =>
    new AsyncProcessor<K, V, KR, VR, readonly [KR, VR]>(settings, {
      call: (record, context) => mapper(record.key, record.value, context),
      deliver(record, pair, context) {
        if (pair == null)
          throw new TypeError('the mapper of mapAsync returned nothing: it must return [key, value]; use flatMapAsync or filterAsync to drop records');
        context.forward(new StreamRecord(pair[0], pair[1], record.timestamp, record.headers));
      },
    });
}

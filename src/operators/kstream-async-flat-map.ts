import { StreamRecord } from '../processor/record.ts';
import type { AsyncSettings } from './async/async-options.ts';
import { AsyncProcessor } from './async/async-processor.ts';
import type { AsyncKeyValueMapper, Supplier } from './functions.ts';

/** Any number of records for each record, all at once when they have come. */
export function kstreamFlatMapAsync<K, V, KR, VR>(
  mapper: AsyncKeyValueMapper<K, V, Iterable<readonly [KR, VR]>>,
  settings: AsyncSettings,
): Supplier<K, V, KR, VR> {
  return () =>
    new AsyncProcessor<K, V, KR, VR, Iterable<readonly [KR, VR]>>(settings, {
      call: (record, context) => mapper(record.key, record.value, context),
      deliver(record, pairs, context) {
        if (pairs == null) throw new TypeError('the mapper of flatMapAsync returned nothing: return an iterable of [key, value], [] for no record');
        for (const pair of pairs) context.forward(new StreamRecord(pair[0], pair[1], record.timestamp, record.headers));
      },
    });
}

import type { AsyncSettings } from './async/async-options.ts';
import { AsyncProcessor } from './async/async-processor.ts';
import type { AsyncPredicate, Supplier } from './functions.ts';

/** Forwards the records for which the predicate comes to true. */
export function kstreamFilterAsync<K, V>(predicate: AsyncPredicate<K, V>, settings: AsyncSettings): Supplier<K, V> {
  return () =>
    new AsyncProcessor<K, V, K, V, boolean>(settings, {
      call: (record, context) => predicate(record.key, record.value, context),
      deliver(record, keep, context) {
        if (keep) context.forward(record);
      },
    });
}

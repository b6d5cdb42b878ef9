import type { AsyncSettings } from './async/async-options.ts';
import { AsyncProcessor } from './async/async-processor.ts';
import type { AsyncForeachAction, Supplier } from './functions.ts';

/** Calls the action; nothing goes on, but a commit waits for it. */
export function kstreamForEachAsync<K, V>(action: AsyncForeachAction<K, V>, settings: AsyncSettings): Supplier<K, V, never, never> {
  return () =>
    new AsyncProcessor<K, V, never, never, unknown>(settings, {
      call: (record, context) => action(record.key, record.value, context),
      deliver() {},
    });
}

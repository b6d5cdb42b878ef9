import type { Supplier } from './functions.ts';
import { kstreamFilter } from './kstream-filter.ts';

/** Before a repartition topic: a null key has no partition, so its record cannot be grouped or joined. Not counted as dropped, as in Java. */
export function kstreamRepartitionFilter<K, V>(): Supplier<K, V> {
  return kstreamFilter<K, V>((key) => key != null, false);
}

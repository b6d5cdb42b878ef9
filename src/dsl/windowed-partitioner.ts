import { TopologyError } from '../errors.ts';
import type { StreamPartitioner } from '../processor/partitioner.ts';
import type { Windowed } from '../processor/windowed.ts';
import type { Serde } from '../serdes/serde.ts';
import { isWindowedSerde } from '../serdes/windowed.ts';
import { partitionOfKey } from '../util/murmur2.ts';

/**
 * Partitions windowed keys by their inner key, so that all windows of a key stay together; undefined for other keys.
 * @throws TopologyError when the windowed serde has no inner serde: its bytes decide the partition.
 */
export function windowedPartitioner(keySerde: Serde<unknown> | undefined): StreamPartitioner<never, never> | undefined {
  if (!isWindowedSerde(keySerde)) return undefined;
  if (keySerde.inner === null)
    throw new TopologyError(
      'The windowed key serde of a sink needs its inner serde, which decides the partition: give it, as in serdes.timeWindowed(serdes.string, size)',
    );
  return ((topic: string, key: Windowed<unknown> | null, _value: unknown, partitions: number) =>
    key === null ? undefined : partitionOfKey(keySerde.serializeBaseKey(topic, key), partitions)) as StreamPartitioner<never, never>;
}

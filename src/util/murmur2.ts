const SEED = 0x9747b28c | 0;
const M = 0x5bd1e995;

/**
 * 32-bit MurmurHash2 of `data`, as a signed integer, with the seed of Kafka's Java client. Source: Austin Appleby's MurmurHash2, as used by
 * Kafka's default partitioner (`org.apache.kafka.common.utils.Utils.murmur2`).
 */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  let h = SEED ^ length;
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) {
    let k = (data[i] as number) | ((data[i + 1] as number) << 8) | ((data[i + 2] as number) << 16) | ((data[i + 3] as number) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length & 3;
  if (rest > 2) h ^= (data[end + 2] as number) << 16;
  if (rest > 1) h ^= (data[end + 1] as number) << 8;
  if (rest > 0) h = Math.imul(h ^ (data[end] as number), M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/** The partition that Java's default partitioner gives a record with this key, of `partitions` in all. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

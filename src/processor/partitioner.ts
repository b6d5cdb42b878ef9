/**
 * The partition of an output record: a number, several (multicast), `[]` to drop it, or undefined for the default
 * (murmur2 of the key bytes as in Java; null keys are spread).
 */
export type StreamPartitioner<K = unknown, V = unknown> = (topic: string, key: K, value: V, numPartitions: number) => number | readonly number[] | undefined;

/** The topic an output record goes to, decided for each record. The topic must exist. */
export type TopicNameExtractor<K = unknown, V = unknown> = (key: K, value: V, context: import('./record-context.ts').RecordContext) => string;

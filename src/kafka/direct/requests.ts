import type { TopicPartition } from '../contract.ts';
import { type Reader, Writer } from './wire.ts';

/*
 * The requests that a consumer without a group makes, each in the newest version without compact fields: brokers from 2.3 on take them, Kafka 4 too.
 */

/** A request's number, the version that is spoken here, and what is read out of its answer. */
export interface Api {
  readonly name: string;
  readonly key: number;
  readonly version: number;
}

export const API_VERSIONS: Api = { name: 'ApiVersions', key: 18, version: 0 };
export const SASL_HANDSHAKE: Api = { name: 'SaslHandshake', key: 17, version: 1 };
export const SASL_AUTHENTICATE: Api = { name: 'SaslAuthenticate', key: 36, version: 1 };
export const METADATA: Api = { name: 'Metadata', key: 3, version: 7 };
export const LIST_OFFSETS: Api = { name: 'ListOffsets', key: 2, version: 5 };
export const FETCH: Api = { name: 'Fetch', key: 1, version: 11 };
export const OFFSET_FOR_LEADER_EPOCH: Api = { name: 'OffsetForLeaderEpoch', key: 23, version: 3 };

export interface ApiRange {
  readonly key: number;
  readonly min: number;
  readonly max: number;
}

export function readApiVersions(response: Reader): { readonly error: number; readonly apis: readonly ApiRange[] } {
  return { error: response.int16(), apis: response.array(() => ({ key: response.int16(), min: response.int16(), max: response.int16() })) };
}

export interface BrokerAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionMetadata {
  readonly partition: number;
  readonly error: number;
  /** -1: none at the moment. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface ClusterMetadata {
  readonly brokers: readonly BrokerAddress[];
  readonly topics: readonly { readonly topic: string; readonly error: number; readonly partitions: readonly PartitionMetadata[] }[];
}

export function metadataRequest(topics: readonly string[]): Buffer {
  const writer = new Writer();
  writer.array(topics, (topic) => writer.string(topic));
  // Topics do not come to be because somebody asks for them.
  return writer.int8(0).finish();
}

export function readMetadata(response: Reader): ClusterMetadata {
  response.int32();
  const brokers = response.array(() => {
    const broker = { id: response.int32(), host: response.string(), port: response.int32() };
    response.nullableString();
    return broker;
  });
  response.nullableString();
  response.int32();
  const topics = response.array(() => {
    const error = response.int16();
    const topic = response.string();
    response.int8();
    const partitions = response.array(() => {
      const partition = { error: response.int16(), partition: response.int32(), leader: response.int32(), leaderEpoch: response.int32() };
      for (let replicas = 0; replicas < 3; replicas++) response.array(() => response.int32());
      return partition;
    });
    return { topic, error, partitions };
  });
  return { brokers, topics };
}

/** Where a partition is to be read from, as its leader is asked. */
export interface Place extends TopicPartition {
  readonly leaderEpoch: number;
}

export type Isolation = 'read_committed' | 'read_uncommitted';

function byTopic<P extends TopicPartition>(places: readonly P[]): [string, P[]][] {
  const topics = new Map<string, P[]>();
  for (const place of places) {
    const known = topics.get(place.topic);
    if (known === undefined) topics.set(place.topic, [place]);
    else known.push(place);
  }
  return [...topics];
}

const isolationLevel = (isolation: Isolation): number => (isolation === 'read_committed' ? 1 : 0);

/** `timestamp`: -2 the beginning, -1 the end. */
export function listOffsetsRequest(places: readonly (Place & { readonly timestamp: number })[], isolation: Isolation): Buffer {
  const writer = new Writer().int32(-1).int8(isolationLevel(isolation));
  writer.array(byTopic(places), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, leaderEpoch, timestamp }) => {
      writer.int32(partition).int32(leaderEpoch).int64(timestamp);
    });
  });
  return writer.finish();
}

export interface ListedOffset extends TopicPartition {
  readonly error: number;
  readonly offset: number;
}

export function readListOffsets(response: Reader): ListedOffset[] {
  response.int32();
  return response
    .array(() => {
      const topic = response.string();
      return response.array(() => {
        const partition = response.int32();
        const error = response.int16();
        response.int64();
        const offset = response.int64();
        response.int32();
        return { topic, partition, error, offset };
      });
    })
    .flat();
}

/** `lastEpoch`: that of the leader under whom the last record before the position was written. */
export function offsetForLeaderEpochRequest(places: readonly (Place & { readonly lastEpoch: number })[]): Buffer {
  const writer = new Writer().int32(-1);
  writer.array(byTopic(places), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, leaderEpoch, lastEpoch }) => {
      writer.int32(partition).int32(leaderEpoch).int32(lastEpoch);
    });
  });
  return writer.finish();
}

/** `offset`: where the records of that leader end in the log as it is now; -1 when it does not know of one. */
export function readOffsetForLeaderEpoch(response: Reader): ListedOffset[] {
  response.int32();
  return response
    .array(() => {
      const topic = response.string();
      return response.array(() => {
        const error = response.int16();
        const partition = response.int32();
        response.int32();
        return { topic, partition, error, offset: response.int64() };
      });
    })
    .flat();
}

export interface FetchLimits {
  /** How long the broker holds an answer that would be empty, milliseconds. */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
}

export function fetchRequest(places: readonly (Place & { readonly offset: number })[], isolation: Isolation, limits: FetchLimits): Buffer {
  const writer = new Writer().int32(-1).int32(limits.maxWaitMs).int32(limits.minBytes).int32(limits.maxBytes).int8(isolationLevel(isolation));
  // No fetch session: each request names all that it wants, which is little.
  writer.int32(0).int32(-1);
  writer.array(byTopic(places), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, leaderEpoch, offset }) => {
      writer.int32(partition).int32(leaderEpoch).int64(offset).int64(-1).int32(limits.partitionMaxBytes);
    });
  });
  return writer.int32(0).string('').finish();
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchedPartition extends TopicPartition {
  readonly error: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Broker that the leader would rather have it read from; -1: none. */
  readonly preferredReadReplica: number;
  /** Whole record batches, the last of them perhaps cut off. A view of the response. */
  readonly records: Buffer;
}

export interface FetchResponse {
  readonly throttleMs: number;
  readonly error: number;
  readonly partitions: readonly FetchedPartition[];
}

export function readFetch(response: Reader): FetchResponse {
  const throttleMs = response.int32();
  const error = response.int16();
  response.int32();
  const partitions = response
    .array(() => {
      const topic = response.string();
      return response.array(() => {
        const partition = response.int32();
        const failure = response.int16();
        const highWatermark = response.int64();
        const lastStableOffset = response.int64();
        response.int64();
        const aborted = response.array(() => ({ producerId: response.int64(), firstOffset: response.int64() }));
        const preferredReadReplica = response.int32();
        return { topic, partition, error: failure, highWatermark, lastStableOffset, aborted, preferredReadReplica, records: response.bytes() };
      });
    })
    .flat();
  return { throttleMs, error, partitions };
}

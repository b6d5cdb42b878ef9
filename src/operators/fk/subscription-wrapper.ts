import { SerializationError } from '../../errors.ts';
import type { Headers } from '../../processor/headers.ts';
import type { PrepareItem, Serde } from '../../serdes/serde.ts';
import { type EncodedElsewhere, prepareAll, withDefaultSerdes } from './encoded-elsewhere.ts';
import { type TopicName, topicName } from './topic-name.ts';

/** What the right side does with a subscription. The numbers are those on the wire. */
export const Instruction = {
  /** Unsubscribe, answer nothing. */
  DELETE_NO_PROPAGATE: 0,
  /** Unsubscribe, answer null. */
  DELETE_AND_PROPAGATE: 1,
  /** Subscribe; answer the row, or null when there is none. */
  PROPAGATE_NULL_IF_MISSING: 2,
  /** Subscribe; answer the row if there is one. */
  PROPAGATE_ONLY_IF_FOUND: 3,
} as const;
export type Instruction = (typeof Instruction)[keyof typeof Instruction];

const CURRENT_VERSION = 1;
const HASH_IS_NULL = 0x80;
const HASH_LENGTH = 16;

/** A left row's subscription to a foreign key. */
export interface SubscriptionWrapper<K> {
  /** Murmur3 hash of the serialised left value, 16 bytes; null for a deleted row. */
  readonly hash: Buffer | null;
  readonly instruction: Instruction;
  readonly primaryKey: K;
  /** Partition of the left row, to which the answer goes; null in version 0. */
  readonly primaryPartition: number | null;
  readonly version: number;
}

export function subscriptionWrapper<K>(hash: Buffer | null, instruction: Instruction, primaryKey: K, primaryPartition: number): SubscriptionWrapper<K> {
  return { hash, instruction, primaryKey, primaryPartition, version: CURRENT_VERSION };
}

/**
 * Bytes: version (its top bit set when there is no hash), instruction, hash (16), primary key, primary partition (4, big-endian; not in version 0).
 * An undefined serde is the configuration's default key serde.
 */
export function subscriptionWrapperSerde<K>(
  primaryKeySerde: Serde<K> | undefined,
  primaryKeyTopic: TopicName,
  elsewhere: readonly EncodedElsewhere[] = [],
): Serde<SubscriptionWrapper<K>> {
  return new SubscriptionWrapperSerde(primaryKeySerde, primaryKeyTopic, elsewhere);
}

class SubscriptionWrapperSerde<K> implements Serde<SubscriptionWrapper<K>> {
  readonly name: string;
  readonly prepare?: (batch: readonly PrepareItem[]) => Promise<void>;
  readonly #inner: Serde<K> | undefined;
  readonly prepareEncode: ((topics: readonly string[]) => Promise<void>) | undefined;
  readonly #topic: TopicName;
  readonly #elsewhere: readonly EncodedElsewhere[];

  constructor(inner: Serde<K> | undefined, topic: TopicName, elsewhere: readonly EncodedElsewhere[]) {
    this.#inner = inner;
    this.#topic = topic;
    this.#elsewhere = elsewhere;
    this.prepareEncode = prepareAll(inner, () => [topicName(topic)], elsewhere);
    this.name = `subscription(${inner?.name ?? 'default'})`;
    if (inner?.prepare !== undefined) {
      this.prepare = (batch) =>
        (inner.prepare as NonNullable<typeof inner.prepare>)(
          batch.map(({ topic: from, data }) => ({ topic: topicName(this.#topic), data: primaryKeyOf(from, data) })),
        );
    }
  }

  withDefaults(defaultKey: Serde<unknown> | undefined, defaultValue: Serde<unknown> | undefined): Serde<SubscriptionWrapper<K>> {
    const inner = this.#inner ?? (defaultKey as Serde<K> | undefined);
    return new SubscriptionWrapperSerde(
      inner?.withDefaults?.(defaultKey, defaultValue) ?? inner,
      this.#topic,
      withDefaultSerdes(this.#elsewhere, defaultKey, defaultValue),
    );
  }

  serialize(topic: string, wrapper: SubscriptionWrapper<K>, headers?: Headers): Buffer {
    const key = this.#serde(topic).serialize(topicName(this.#topic), wrapper.primaryKey, headers);
    const { hash, version, instruction, primaryPartition } = wrapper;
    const keyAt = hash === null ? 2 : 2 + HASH_LENGTH;
    const data = Buffer.allocUnsafe(keyAt + key.length + (version === 0 ? 0 : 4));
    data[0] = hash === null ? version | HASH_IS_NULL : version;
    data[1] = instruction;
    hash?.copy(data, 2);
    key.copy(data, keyAt);
    if (version !== 0) data.writeInt32BE(primaryPartition as number, keyAt + key.length);
    return data;
  }

  deserialize(topic: string, data: Buffer, headers?: Headers): SubscriptionWrapper<K> {
    const key = primaryKeyOf(topic, data);
    const first = data[0] as number;
    const version = first & ~HASH_IS_NULL;
    return {
      version,
      hash: (first & HASH_IS_NULL) === 0 ? Buffer.from(data.subarray(2, 2 + HASH_LENGTH)) : null,
      instruction: data[1] as Instruction,
      primaryKey: this.#serde(topic).deserialize(topicName(this.#topic), key, headers),
      primaryPartition: version === 0 ? null : data.readInt32BE(data.length - 4),
    };
  }

  #serde(topic: string): Serde<K> {
    if (this.#inner === undefined)
      throw new SerializationError('a foreign-key join has no key serde: give one where the left table is made, or set defaultKeySerde', { topic });
    return this.#inner;
  }
}

/** The primary key's bytes, after a check of everything around them. */
function primaryKeyOf(topic: string, data: Buffer): Buffer {
  const first = data[0] ?? -1;
  const version = first & ~HASH_IS_NULL;
  if (first < 0 || version > CURRENT_VERSION)
    throw new SerializationError(`a subscription of version ${version} is not known; the highest is ${CURRENT_VERSION}`, { topic });
  const instruction = data[1] ?? -1;
  if (instruction < 0 || instruction > Instruction.PROPAGATE_ONLY_IF_FOUND)
    throw new SerializationError(`a subscription with instruction ${instruction} is not known`, { topic });
  const start = (first & HASH_IS_NULL) === 0 ? 2 + HASH_LENGTH : 2;
  const end = data.length - (version === 0 ? 0 : 4);
  if (end < start) throw new SerializationError(`a subscription of ${data.length} bytes is too short`, { topic });
  return data.subarray(start, end);
}

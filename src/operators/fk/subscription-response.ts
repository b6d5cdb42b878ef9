import { SerializationError } from '../../errors.ts';
import type { Headers } from '../../processor/headers.ts';
import type { StreamPartitioner } from '../../processor/partitioner.ts';
import type { PrepareItem, Serde } from '../../serdes/serde.ts';
import { type EncodedElsewhere, prepareAll, withDefaultSerdes } from './encoded-elsewhere.ts';

const CURRENT_VERSION = 0;
const HASH_IS_NULL = 0x80;
const HASH_LENGTH = 16;

/** The right side's answer to a subscription. */
export interface SubscriptionResponse<VO> {
  /** Hash of the left value that the subscription was made for; null for a deleted row. */
  readonly originalHash: Buffer | null;
  /** The right row; null when there is none. */
  readonly foreignValue: VO | null;
  /** Partition of the left row, where known. Not on the wire. */
  readonly primaryPartition: number | null;
}

/** Sends an answer to the partition its subscription came from. */
export function responsePartitioner<K, VO>(): StreamPartitioner<K, SubscriptionResponse<VO>> {
  return (_topic, _key, response) => response.primaryPartition ?? undefined;
}

/**
 * Bytes: version (its top bit set when there is no hash), hash (16), value (nothing for null).
 * An undefined serde is the configuration's default value serde.
 */
export function subscriptionResponseSerde<VO>(
  foreignValueSerde: Serde<VO> | undefined,
  elsewhere: readonly EncodedElsewhere[] = [],
): Serde<SubscriptionResponse<VO>> {
  return new SubscriptionResponseSerde(foreignValueSerde, elsewhere);
}

class SubscriptionResponseSerde<VO> implements Serde<SubscriptionResponse<VO>> {
  readonly name: string;
  readonly prepare?: (batch: readonly PrepareItem[]) => Promise<void>;
  readonly prepareEncode: ((topics: readonly string[]) => Promise<void>) | undefined;
  readonly #inner: Serde<VO> | undefined;
  readonly #elsewhere: readonly EncodedElsewhere[];

  constructor(inner: Serde<VO> | undefined, elsewhere: readonly EncodedElsewhere[]) {
    this.#inner = inner;
    this.#elsewhere = elsewhere;
    this.prepareEncode = prepareAll(inner, (topics) => topics, elsewhere);
    this.name = `subscription-response(${inner?.name ?? 'default'})`;
    if (inner?.prepare !== undefined) {
      this.prepare = (batch) =>
        (inner.prepare as NonNullable<typeof inner.prepare>)(
          batch.map(({ topic, data }) => ({ topic, data: data.subarray(valueStart(topic, data)) })).filter(({ data }) => data.length > 0),
        );
    }
  }

  withDefaults(defaultKey: Serde<unknown> | undefined, defaultValue: Serde<unknown> | undefined): Serde<SubscriptionResponse<VO>> {
    const inner = this.#inner ?? (defaultValue as Serde<VO> | undefined);
    return new SubscriptionResponseSerde(
      inner?.withDefaults?.(defaultKey, defaultValue) ?? inner,
      withDefaultSerdes(this.#elsewhere, defaultKey, defaultValue),
    );
  }

  serialize(topic: string, response: SubscriptionResponse<VO>, headers?: Headers): Buffer {
    const { originalHash, foreignValue } = response;
    const value = foreignValue == null ? null : this.#serde(topic).serialize(topic, foreignValue, headers);
    const start = originalHash === null ? 1 : 1 + HASH_LENGTH;
    const data = Buffer.allocUnsafe(start + (value === null ? 0 : value.length));
    data[0] = originalHash === null ? CURRENT_VERSION | HASH_IS_NULL : CURRENT_VERSION;
    originalHash?.copy(data, 1);
    value?.copy(data, start);
    return data;
  }

  deserialize(topic: string, data: Buffer, headers?: Headers): SubscriptionResponse<VO> {
    const start = valueStart(topic, data);
    return {
      originalHash: start === 1 ? null : Buffer.from(data.subarray(1, start)),
      foreignValue: data.length === start ? null : this.#serde(topic).deserialize(topic, data.subarray(start), headers),
      primaryPartition: null,
    };
  }

  #serde(topic: string): Serde<VO> {
    if (this.#inner === undefined)
      throw new SerializationError('a foreign-key join has no value serde: give one where the right table is made, or set defaultValueSerde', { topic });
    return this.#inner;
  }
}

function valueStart(topic: string, data: Buffer): number {
  const first = data[0] ?? -1;
  const version = first & ~HASH_IS_NULL;
  if (first < 0 || version > CURRENT_VERSION)
    throw new SerializationError(`a subscription response of version ${version} is not known; the highest is ${CURRENT_VERSION}`, { topic });
  const start = (first & HASH_IS_NULL) === 0 ? 1 + HASH_LENGTH : 1;
  if (data.length < start) throw new SerializationError(`a subscription response of ${data.length} bytes is too short`, { topic });
  return start;
}

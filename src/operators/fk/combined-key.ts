import type { Headers } from '../../processor/headers.ts';
import type { InternalProcessorContext } from '../../processor/processor.ts';
import type { Serde } from '../../serdes/serde.ts';
import { resolveSerde } from './resolve-serde.ts';
import { type TopicName, topicName } from './topic-name.ts';

/** A row of the left table under the foreign key it subscribes to. */
export interface CombinedKey<KO, K> {
  /** Null where a left row refers to nothing. */
  readonly foreignKey: KO | null;
  readonly primaryKey: K;
}

export interface CombinedKeySchemaOptions<KO, K> {
  readonly foreignKeySerde: Serde<KO> | undefined;
  readonly foreignKeyTopic: TopicName;
  readonly primaryKeySerde: Serde<K> | undefined;
  readonly primaryKeyTopic: TopicName;
}

/** Bytes of the subscription store's keys: length of the foreign key (4, big-endian), foreign key, primary key. */
export class CombinedKeySchema<KO, K> {
  readonly #options: CombinedKeySchemaOptions<KO, K>;

  constructor(options: CombinedKeySchemaOptions<KO, K>) {
    this.#options = options;
  }

  /** Fix serdes and names for a task. */
  bind(context: InternalProcessorContext<never, never>): BoundCombinedKeySchema<KO, K> {
    const { foreignKeySerde, foreignKeyTopic, primaryKeySerde, primaryKeyTopic } = this.#options;
    return new BoundCombinedKeySchema(
      resolveSerde(foreignKeySerde, context, 'key'),
      topicName(foreignKeyTopic),
      resolveSerde(primaryKeySerde, context, 'key'),
      topicName(primaryKeyTopic),
    );
  }
}

export function combinedKeySchema<KO, K>(options: CombinedKeySchemaOptions<KO, K>): CombinedKeySchema<KO, K> {
  return new CombinedKeySchema(options);
}

export class BoundCombinedKeySchema<KO, K> {
  readonly #foreignKeySerde: Serde<KO>;
  readonly #foreignKeyTopic: string;
  readonly #primaryKeySerde: Serde<K>;
  readonly #primaryKeyTopic: string;

  constructor(foreignKeySerde: Serde<KO>, foreignKeyTopic: string, primaryKeySerde: Serde<K>, primaryKeyTopic: string) {
    this.#foreignKeySerde = foreignKeySerde;
    this.#foreignKeyTopic = foreignKeyTopic;
    this.#primaryKeySerde = primaryKeySerde;
    this.#primaryKeyTopic = primaryKeyTopic;
  }

  toBytes(foreignKey: KO, primaryKey: K, headers: Headers): Buffer {
    return Buffer.concat([this.prefix(foreignKey, headers), this.#primaryKeySerde.serialize(this.#primaryKeyTopic, primaryKey, headers)]);
  }

  /** What the keys of all subscriptions to a foreign key start with, and no other keys do. */
  prefix(foreignKey: KO, headers: Headers): Buffer {
    const key = this.#foreignKeySerde.serialize(this.#foreignKeyTopic, foreignKey, headers);
    const prefix = Buffer.allocUnsafe(4 + key.length);
    prefix.writeInt32BE(key.length, 0);
    key.copy(prefix, 4);
    return prefix;
  }

  primaryKey(combined: Buffer, headers: Headers): K {
    return this.#primaryKeySerde.deserialize(this.#primaryKeyTopic, combined.subarray(4 + combined.readInt32BE(0)), headers);
  }
}

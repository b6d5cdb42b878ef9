import type { InternalProcessorContext, Processor, ProcessorContext } from '../../processor/processor.ts';
import { StreamRecord } from '../../processor/record.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Change } from '../change.ts';
import type { ForeignKeyExtractor, Supplier } from '../functions.ts';
import type { VersionedSemantics } from '../ktable-supplier.ts';
import { murmur3Hash128 } from './murmur3.ts';
import { resolveSerde } from './resolve-serde.ts';
import { Instruction, type SubscriptionWrapper, subscriptionWrapper } from './subscription-wrapper.ts';
import { type TopicName, topicName } from './topic-name.ts';

export interface SubscriptionSendOptions<K, V, KO> {
  readonly extractor: ForeignKeyExtractor<K, V, KO>;
  readonly foreignKeySerde: Serde<KO> | undefined;
  readonly foreignKeySerdeTopic: TopicName;
  /** Of the left table's values: the hash is over their bytes. */
  readonly valueSerde: Serde<V> | undefined;
  readonly valueSerdeTopic: TopicName;
  readonly leftJoin: boolean;
}

/** Sends a left row's subscription to the partition of the foreign key it refers to, and takes back the one it had. Needs old values. */
export function subscriptionSend<K, V, KO>(
  options: SubscriptionSendOptions<K, V, KO>,
): { get: Supplier<K, Change<V>, KO | null, SubscriptionWrapper<K>> } & VersionedSemantics {
  let versioned = false;
  return {
    get: () => new SubscriptionSendProcessor(options, versioned),
    setUseVersionedSemantics(use) {
      versioned = use;
    },
  };
}

class SubscriptionSendProcessor<K, V, KO> implements Processor<K, Change<V>, KO | null, SubscriptionWrapper<K>> {
  readonly #options: SubscriptionSendOptions<K, V, KO>;
  readonly #versioned: boolean;
  #context!: InternalProcessorContext<KO | null, SubscriptionWrapper<K>>;
  #foreignKeySerde!: Serde<KO>;
  #foreignKeyTopic = '';
  #valueSerde!: Serde<V>;
  #valueTopic = '';

  constructor(options: SubscriptionSendOptions<K, V, KO>, versioned: boolean) {
    this.#options = options;
    this.#versioned = versioned;
  }

  init(context: ProcessorContext<KO | null, SubscriptionWrapper<K>>): void {
    this.#context = context as InternalProcessorContext<KO | null, SubscriptionWrapper<K>>;
    const { foreignKeySerde, foreignKeySerdeTopic, valueSerde, valueSerdeTopic } = this.#options;
    const internal = this.#context as InternalProcessorContext<never, never>;
    this.#foreignKeySerde = resolveSerde(foreignKeySerde, internal, 'key');
    this.#foreignKeyTopic = topicName(foreignKeySerdeTopic);
    this.#valueSerde = resolveSerde(valueSerde, internal, 'value');
    this.#valueTopic = topicName(valueSerdeTopic);
  }

  process(record: StreamRecord<K, Change<V>>): void {
    if (this.#versioned && !record.value.isLatest) {
      this.#context.droppedRecord('out-of-order update of a versioned table');
      return;
    }
    if (this.#options.leftJoin) this.#processLeft(record);
    else this.#processInner(record);
  }

  /** Every change gets an answer, a null foreign key and a deletion too: the result depends on it. */
  #processLeft(record: StreamRecord<K, Change<V>>): void {
    const { newValue, oldValue } = record.value;
    if (newValue === null && oldValue === null) return;
    const oldKey = this.#foreignKey(record, oldValue);
    const newKey = this.#foreignKey(record, newValue);
    const hash = this.#hash(record);
    if (oldKey !== null && this.#differ(oldKey, newKey, record)) this.#send(record, oldKey, hash, Instruction.DELETE_NO_PROPAGATE);
    this.#send(record, newKey, hash, Instruction.PROPAGATE_NULL_IF_MISSING);
  }

  #processInner(record: StreamRecord<K, Change<V>>): void {
    const oldKey = this.#foreignKey(record, record.value.oldValue);
    const newKey = this.#foreignKey(record, record.value.newValue);
    if (newKey === null) {
      if (record.value.newValue !== null) this.#context.droppedRecord('null foreign key');
      if (oldKey !== null) this.#send(record, oldKey, this.#hash(record), Instruction.DELETE_AND_PROPAGATE);
      return;
    }
    const hash = this.#hash(record);
    if (oldKey !== null && this.#differ(oldKey, newKey, record)) {
      // The answer to the new subscription takes the old result back if there is no new one.
      this.#send(record, oldKey, hash, Instruction.DELETE_NO_PROPAGATE);
      this.#send(record, newKey, hash, Instruction.PROPAGATE_NULL_IF_MISSING);
    } else {
      // Same key or first one: without a right row there was no result either.
      this.#send(record, newKey, hash, Instruction.PROPAGATE_ONLY_IF_FOUND);
    }
  }

  #foreignKey(record: StreamRecord<K, Change<V>>, value: V | null): KO | null {
    return value === null ? null : (this.#options.extractor(value, record.key) ?? null);
  }

  #hash(record: StreamRecord<K, Change<V>>): Buffer | null {
    const { newValue } = record.value;
    return newValue === null ? null : murmur3Hash128(this.#valueSerde.serialize(this.#valueTopic, newValue, record.headers));
  }

  /** Keys are compared as bytes, which is what decides about partitions. */
  #differ(oldKey: KO, newKey: KO | null, record: StreamRecord<K, Change<V>>): boolean {
    if (newKey === null) return true;
    const serde = this.#foreignKeySerde;
    return !serde.serialize(this.#foreignKeyTopic, oldKey, record.headers).equals(serde.serialize(this.#foreignKeyTopic, newKey, record.headers));
  }

  #send(record: StreamRecord<K, Change<V>>, foreignKey: KO | null, hash: Buffer | null, instruction: Instruction): void {
    const wrapper = subscriptionWrapper(hash, instruction, record.key, this.#context.recordContext.partition);
    this.#context.forward(new StreamRecord(foreignKey, wrapper, record.timestamp, record.headers));
  }
}

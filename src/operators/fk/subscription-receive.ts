import type { InternalProcessorContext, Processor, ProcessorContext } from '../../processor/processor.ts';
import { StreamRecord } from '../../processor/record.ts';
import type { HeadersKeyValueStore } from '../../state/contract/stores.ts';
import type { Supplier } from '../functions.ts';
import { storedValue } from '../table-store.ts';
import type { BoundCombinedKeySchema, CombinedKey, CombinedKeySchema } from './combined-key.ts';
import { Instruction, type SubscriptionWrapper } from './subscription-wrapper.ts';

export interface SubscriptionReceiveOptions<K, KO> {
  /** A timestamped key-value store of subscriptions by combined key bytes. */
  readonly storeName: string;
  readonly keySchema: CombinedKeySchema<KO, K>;
}

/** Notes a subscription on the side of the right table, or takes it out, and passes it on to be answered. */
export function subscriptionReceive<K, KO>(
  options: SubscriptionReceiveOptions<K, KO>,
): Supplier<KO | null, SubscriptionWrapper<K>, CombinedKey<KO, K>, SubscriptionWrapper<K>> {
  return () => new SubscriptionReceiveProcessor(options);
}

class SubscriptionReceiveProcessor<K, KO> implements Processor<KO | null, SubscriptionWrapper<K>, CombinedKey<KO, K>, SubscriptionWrapper<K>> {
  readonly #options: SubscriptionReceiveOptions<K, KO>;
  #context!: InternalProcessorContext<CombinedKey<KO, K>, SubscriptionWrapper<K>>;
  #store!: HeadersKeyValueStore<Buffer, SubscriptionWrapper<K>>;
  #schema!: BoundCombinedKeySchema<KO, K>;

  constructor(options: SubscriptionReceiveOptions<K, KO>) {
    this.#options = options;
  }

  init(context: ProcessorContext<CombinedKey<KO, K>, SubscriptionWrapper<K>>): void {
    this.#context = context as InternalProcessorContext<CombinedKey<KO, K>, SubscriptionWrapper<K>>;
    this.#store = context.getStateStore(this.#options.storeName);
    this.#schema = this.#options.keySchema.bind(this.#context as InternalProcessorContext<never, never>);
  }

  process(record: StreamRecord<KO | null, SubscriptionWrapper<K>>): void {
    const { key: foreignKey, value: wrapper, timestamp, headers } = record;
    if (foreignKey == null) {
      // A left join's row without a foreign key subscribes to nothing and is answered all the same.
      if (wrapper.instruction !== Instruction.PROPAGATE_NULL_IF_MISSING) {
        this.#context.droppedRecord('null foreign key');
        return;
      }
    } else {
      const key = this.#schema.toBytes(foreignKey, wrapper.primaryKey, headers);
      if (wrapper.instruction === Instruction.DELETE_AND_PROPAGATE || wrapper.instruction === Instruction.DELETE_NO_PROPAGATE) this.#store.delete(key);
      else this.#store.put(key, storedValue(wrapper, timestamp, headers));
    }
    this.#context.forward(new StreamRecord({ foreignKey, primaryKey: wrapper.primaryKey }, wrapper, timestamp, headers));
  }
}

import type { InternalProcessorContext, Processor, ProcessorContext } from '../../processor/processor.ts';
import { StreamRecord } from '../../processor/record.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { TimestampedKeyValueStore } from '../../state/contract/stores.ts';
import type { Change } from '../change.ts';
import type { Supplier } from '../functions.ts';
import type { VersionedSemantics } from '../ktable-supplier.ts';
import type { BoundCombinedKeySchema, CombinedKeySchema } from './combined-key.ts';
import type { SubscriptionResponse } from './subscription-response.ts';
import type { SubscriptionWrapper } from './subscription-wrapper.ts';

export interface ForeignTableJoinOptions<K, KO> {
  /** The subscription store. */
  readonly storeName: string;
  readonly keySchema: CombinedKeySchema<KO, K>;
}

/** Answers every subscription to a right row that has changed, in the order of the primary keys' bytes; the answer's timestamp is the change's. */
export function foreignTableJoin<K, KO, VO>(
  options: ForeignTableJoinOptions<K, KO>,
): { get: Supplier<KO, Change<VO>, K, SubscriptionResponse<VO>> } & VersionedSemantics {
  let versioned = false;
  return {
    get: () => new ForeignTableJoinProcessor(options, versioned),
    setUseVersionedSemantics(use) {
      versioned = use;
    },
  };
}

/** Prefixes are bytes already. */
const RAW: Serde<Buffer> = { name: 'raw', serialize: (_topic, data) => data, deserialize: (_topic, data) => data };

class ForeignTableJoinProcessor<K, KO, VO> implements Processor<KO, Change<VO>, K, SubscriptionResponse<VO>> {
  readonly #options: ForeignTableJoinOptions<K, KO>;
  readonly #versioned: boolean;
  #context!: InternalProcessorContext<K, SubscriptionResponse<VO>>;
  #store!: TimestampedKeyValueStore<Buffer, SubscriptionWrapper<K>>;
  #schema!: BoundCombinedKeySchema<KO, K>;

  constructor(options: ForeignTableJoinOptions<K, KO>, versioned: boolean) {
    this.#options = options;
    this.#versioned = versioned;
  }

  init(context: ProcessorContext<K, SubscriptionResponse<VO>>): void {
    this.#context = context as InternalProcessorContext<K, SubscriptionResponse<VO>>;
    this.#store = context.getStateStore(this.#options.storeName);
    this.#schema = this.#options.keySchema.bind(this.#context as InternalProcessorContext<never, never>);
  }

  process(record: StreamRecord<KO, Change<VO>>): void {
    const { key, value: change, timestamp, headers } = record;
    if (key == null) {
      this.#context.droppedRecord('null key');
      return;
    }
    if (this.#versioned && !change.isLatest) {
      this.#context.droppedRecord('out-of-order update of a versioned table');
      return;
    }
    for (const [combinedKey, { value: wrapper }] of this.#store.prefixScan(this.#schema.prefix(key, headers), RAW)) {
      const response = { originalHash: wrapper.hash, foreignValue: change.newValue, primaryPartition: wrapper.primaryPartition };
      this.#context.forward(new StreamRecord(this.#schema.primaryKey(combinedKey, headers), response, timestamp, headers));
    }
  }
}

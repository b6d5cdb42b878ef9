import type { InternalProcessorContext, Processor, ProcessorContext } from '../../processor/processor.ts';
import { StreamRecord } from '../../processor/record.ts';
import type { Supplier } from '../functions.ts';
import type { KTableValueGetter, KTableValueGetterSupplier } from '../ktable-supplier.ts';
import type { CombinedKey } from './combined-key.ts';
import type { SubscriptionResponse } from './subscription-response.ts';
import { Instruction, type SubscriptionWrapper } from './subscription-wrapper.ts';

export interface SubscriptionJoinOptions<KO, VO> {
  /** The right table. */
  readonly table: KTableValueGetterSupplier<KO, VO>;
}

/** Answers a new subscription with the right row it refers to; the answer's timestamp is the higher of both. */
export function subscriptionJoin<K, KO, VO>(
  options: SubscriptionJoinOptions<KO, VO>,
): Supplier<CombinedKey<KO, K>, SubscriptionWrapper<K>, K, SubscriptionResponse<VO>> {
  return () => new SubscriptionJoinProcessor(options.table.get());
}

class SubscriptionJoinProcessor<K, KO, VO> implements Processor<CombinedKey<KO, K>, SubscriptionWrapper<K>, K, SubscriptionResponse<VO>> {
  readonly #rows: KTableValueGetter<KO, VO>;
  #context!: InternalProcessorContext<K, SubscriptionResponse<VO>>;

  constructor(rows: KTableValueGetter<KO, VO>) {
    this.#rows = rows;
  }

  init(context: ProcessorContext<K, SubscriptionResponse<VO>>): void {
    this.#context = context as InternalProcessorContext<K, SubscriptionResponse<VO>>;
    this.#rows.init(this.#context as InternalProcessorContext<never, never>);
  }

  process(record: StreamRecord<CombinedKey<KO, K>, SubscriptionWrapper<K>>): void {
    const { foreignKey, primaryKey } = record.key;
    const { instruction, hash, primaryPartition } = record.value;
    if (instruction === Instruction.DELETE_NO_PROPAGATE) return;
    const row = foreignKey == null ? null : this.#rows.get(foreignKey);
    if (row === null && instruction === Instruction.PROPAGATE_ONLY_IF_FOUND) return;
    const foreignValue = row === null || instruction === Instruction.DELETE_AND_PROPAGATE ? null : row.value;
    const timestamp = row === null ? record.timestamp : Math.max(record.timestamp, row.timestamp);
    this.#context.forward(new StreamRecord(primaryKey, { originalHash: hash, foreignValue, primaryPartition }, timestamp, record.headers));
  }

  close(): void {
    this.#rows.close();
  }
}

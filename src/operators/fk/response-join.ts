import type { InternalProcessorContext, Processor, ProcessorContext } from '../../processor/processor.ts';
import { StreamRecord } from '../../processor/record.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Supplier, ValueJoiner } from '../functions.ts';
import type { KTableValueGetter, KTableValueGetterSupplier } from '../ktable-supplier.ts';
import { murmur3Hash128 } from './murmur3.ts';
import { resolveSerde } from './resolve-serde.ts';
import type { SubscriptionResponse } from './subscription-response.ts';
import { type TopicName, topicName } from './topic-name.ts';

export interface ResponseJoinOptions<K, V, VO, VR> {
  /** The left table. */
  readonly table: KTableValueGetterSupplier<K, V>;
  readonly valueSerde: Serde<V> | undefined;
  /** As in `subscriptionSend`: both hash the same bytes. */
  readonly valueSerdeTopic: TopicName;
  readonly joiner: ValueJoiner<V, VO, VR, K>;
  readonly leftJoin: boolean;
}

/** Joins an answer with the left row it was asked for. Answers for a value that the row no longer has are dropped and counted: the answer for the current one is on its way. */
export function responseJoin<K, V, VO, VR>(options: ResponseJoinOptions<K, V, VO, VR>): Supplier<K, SubscriptionResponse<VO>, K, VR | null> {
  return () => new ResponseJoinProcessor(options);
}

class ResponseJoinProcessor<K, V, VO, VR> implements Processor<K, SubscriptionResponse<VO>, K, VR | null> {
  readonly #options: ResponseJoinOptions<K, V, VO, VR>;
  readonly #rows: KTableValueGetter<K, V>;
  #context!: InternalProcessorContext<K, VR | null>;
  #valueSerde!: Serde<V>;
  #valueTopic = '';

  constructor(options: ResponseJoinOptions<K, V, VO, VR>) {
    this.#options = options;
    this.#rows = options.table.get();
  }

  init(context: ProcessorContext<K, VR | null>): void {
    this.#context = context as InternalProcessorContext<K, VR | null>;
    const internal = this.#context as InternalProcessorContext<never, never>;
    this.#rows.init(internal);
    this.#valueSerde = resolveSerde(this.#options.valueSerde, internal, 'value');
    this.#valueTopic = topicName(this.#options.valueSerdeTopic);
  }

  process(record: StreamRecord<K, SubscriptionResponse<VO>>): void {
    const { key, value: response, headers } = record;
    const row = this.#rows.get(key);
    const hash = row === null ? null : murmur3Hash128(this.#valueSerde.serialize(this.#valueTopic, row.value, headers));
    if (!sameHash(response.originalHash, hash)) {
      this.#context.droppedRecord('answer of a foreign-key join for an outdated row');
      return;
    }
    const { joiner, leftJoin } = this.#options;
    const joins = row !== null && (response.foreignValue !== null || leftJoin);
    this.#context.forward(new StreamRecord(key, joins ? (joiner(row.value, response.foreignValue as VO, key) ?? null) : null, record.timestamp, headers));
  }

  close(): void {
    this.#rows.close();
  }
}

function sameHash(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

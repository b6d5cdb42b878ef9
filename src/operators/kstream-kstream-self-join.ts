import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { WindowStore } from '../state/contract/stores.ts';
import type { Supplier, ValueJoiner } from './functions.ts';
import type { JoinWindowSpec } from './windows.ts';

export interface KStreamKStreamSelfJoinOptions<K, V, VO> {
  readonly windows: JoinWindowSpec;
  readonly joiner: ValueJoiner<V, V, VO, K>;
  /** Filled by the `kstreamJoinWindow` before this one. */
  readonly windowStoreName: string;
}

/** An inner windowed join of a stream with itself over one store (`topology.optimization=single.store.self.join`). Results come in the order of the join over two stores. */
export function kstreamKStreamSelfJoin<K, V, VO>(options: KStreamKStreamSelfJoinOptions<K, V, VO>): Supplier<K, V, K, VO> {
  return () => new SelfJoinProcessor(options);
}

class SelfJoinProcessor<K, V, VO> implements Processor<K, V, K, VO> {
  readonly #options: KStreamKStreamSelfJoinOptions<K, V, VO>;
  #context!: InternalProcessorContext<K, VO>;
  #store!: WindowStore<K, V>;
  #streamTime = -1;

  constructor(options: KStreamKStreamSelfJoinOptions<K, V, VO>) {
    this.#options = options;
  }

  init(context: ProcessorContext<K, VO>): void {
    this.#context = context as InternalProcessorContext<K, VO>;
    this.#streamTime = this.#context.keepTime('stream time', () => this.#streamTime);
    this.#store = context.getStateStore(this.#options.windowStoreName);
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestamp } = record;
    if (key == null || value == null) {
      this.#context.droppedRecord('null key or value');
      return;
    }
    const { joiner, windows } = this.#options;
    const { beforeMs, afterMs, graceMs } = windows;
    if (timestamp > this.#streamTime) this.#streamTime = timestamp;
    // Over two stores an expired record would not find itself.
    let joinsItself = timestamp > this.#streamTime - (beforeMs + afterMs + graceMs) + 1;

    for (const [otherTimestamp, other] of this.#fetch(key, timestamp - beforeMs, timestamp + afterMs)) {
      this.#emit(record, joiner(value, other, key), Math.max(timestamp, otherTimestamp));
    }
    for (const [otherTimestamp, other] of this.#fetch(key, timestamp - afterMs, timestamp + beforeMs)) {
      // Its pair with itself stands where its own timestamp puts it.
      if (joinsItself && otherTimestamp > timestamp) {
        joinsItself = false;
        this.#emit(record, joiner(value, value, key), timestamp);
      }
      this.#emit(record, joiner(other, value, key), Math.max(timestamp, otherTimestamp));
    }
    if (joinsItself) this.#emit(record, joiner(value, value, key), timestamp);
  }

  #fetch(key: K, from: number, to: number): Iterable<[number, V]> {
    return this.#store.fetchRange(key, Math.max(0, from), Math.max(0, to));
  }

  #emit(record: StreamRecord<K, V>, value: VO, timestamp: number): void {
    this.#context.forward(new StreamRecord(record.key, value, timestamp, record.headers));
  }
}

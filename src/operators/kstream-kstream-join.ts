import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { OuterJoinStore, UnmatchedRecord } from '../state/contract/special-stores.ts';
import type { WindowStore } from '../state/contract/stores.ts';
import type { Supplier, ValueJoiner } from './functions.ts';
import { sameKey } from './same-key.ts';
import type { StreamJoinTimeTracker, TimeTrackers } from './stream-join-time-trackers.ts';
import { emitIntervalMs } from './window-close-emitter.ts';
import type { JoinWindowSpec } from './windows.ts';

export interface KStreamKStreamJoinOptions<K, VL, VR, VO> {
  /** Which side's records this processor takes. */
  readonly leftSide: boolean;
  readonly windows: JoinWindowSpec;
  /** Always as the user gave it: (left, right, key). */
  readonly joiner: ValueJoiner<VL, VR, VO, K>;
  /** This side's records are emitted also without a partner. */
  readonly outer: boolean;
  /** Records of the other side. */
  readonly otherWindowStoreName: string;
  /** Unmatched records of both sides; null for an inner join. */
  readonly outerJoinStoreName: string | null;
  readonly timeTrackers: TimeTrackers;
}

/**
 * One side of a windowed join of two streams: joins each record with the other side's records in the window, the result timestamp the higher of the two.
 * On an outer side an unmatched record waits in the outer-join store until its window has closed (`streamTime > ts + after|before + grace`) and then leaves, with its own timestamp and
 * the headers of the record that set it free, at most once an emit interval of wall clock. One that is already past its probe range is emitted at once.
 * Null keys and null values are dropped and counted; on an outer side a null key with a value is emitted at once instead.
 */
export function kstreamKStreamJoin<K, VL, VR, VO>(options: KStreamKStreamJoinOptions<K, VL, VR, VO>): Supplier<K, VL | VR, K, VO> {
  return () => new JoinProcessor(options);
}

class JoinProcessor<K, VL, VR, VO> implements Processor<K, VL | VR, K, VO> {
  readonly #options: KStreamKStreamJoinOptions<K, VL, VR, VO>;
  readonly #beforeMs: number;
  readonly #afterMs: number;
  #context!: InternalProcessorContext<K, VO>;
  #otherStore!: WindowStore<K, VL | VR>;
  #outerStore: OuterJoinStore<K, VL, VR> | null = null;
  #time!: StreamJoinTimeTracker;
  #emitIntervalMs = 0;

  constructor(options: KStreamKStreamJoinOptions<K, VL, VR, VO>) {
    const { windows, leftSide } = options;
    this.#options = options;
    this.#beforeMs = leftSide ? windows.beforeMs : windows.afterMs;
    this.#afterMs = leftSide ? windows.afterMs : windows.beforeMs;
  }

  init(context: ProcessorContext<K, VO>): void {
    const { otherWindowStoreName, outerJoinStoreName, timeTrackers, leftSide } = this.#options;
    this.#context = context as InternalProcessorContext<K, VO>;
    this.#otherStore = context.getStateStore(otherWindowStoreName);
    this.#outerStore = outerJoinStoreName === null ? null : context.getStateStore<OuterJoinStore<K, VL, VR>>(outerJoinStoreName);
    this.#time = timeTrackers.take(context.taskId, leftSide);
    this.#time.advance(this.#context.keepTime('stream time', () => this.#time.streamTime));
    if (this.#outerStore !== null && leftSide) this.#keepMinTime(this.#outerStore);
    this.#emitIntervalMs = emitIntervalMs(this.#context);
  }

  process(record: StreamRecord<K, VL | VR>): void {
    const { key, value, timestamp, headers } = record;
    const time = this.#time;
    time.advance(timestamp);
    const { outer } = this.#options;
    if (key == null || value == null) {
      if (outer && value != null) this.#context.forward(new StreamRecord(key, this.#join(value, null, key), timestamp, headers));
      else this.#context.droppedRecord('null key or value');
      return;
    }
    const outerStore = this.#outerStore;
    if (outerStore !== null && timestamp === time.streamTime) this.#emitUnmatched(outerStore, record);

    const to = Math.max(0, timestamp + this.#afterMs);
    let matched = false;
    for (const [otherTimestamp, otherValue] of this.#otherStore.fetchRange(key, Math.max(0, timestamp - this.#beforeMs), to)) {
      matched = true;
      outerStore?.removeIfPresent(key, otherTimestamp, !this.#options.leftSide);
      this.#context.forward(new StreamRecord(key, this.#join(value, otherValue, key), Math.max(timestamp, otherTimestamp), headers));
    }
    if (!outer || matched) return;
    if (outerStore === null || to < time.streamTime) {
      this.#context.forward(new StreamRecord(key, this.#join(value, null, key), timestamp, headers));
    } else {
      time.added(timestamp);
      outerStore.add(key, timestamp, this.#options.leftSide, value);
    }
  }

  /** What an interrupted run left waiting leaves when it would have without the interruption. */
  #keepMinTime(store: OuterJoinStore<K, VL, VR>): void {
    const kept = this.#context.keepTime('min time', () => (Number.isFinite(this.#time.minTime) ? this.#time.minTime : -1));
    this.#time.added(kept === -1 ? store.oldest : kept);
  }

  #join(thisValue: VL | VR, otherValue: VL | VR | null, key: K): VO {
    const { joiner, leftSide } = this.#options;
    return leftSide ? joiner(thisValue as VL, otherValue as VR, key) : joiner(otherValue as VL, thisValue as VR, key);
  }

  /** Emit what waits in vain, oldest first. */
  #emitUnmatched(store: OuterJoinStore<K, VL, VR>, trigger: StreamRecord<K, VL | VR>): void {
    const time = this.#time;
    if (!time.mayBeDue(this.#afterMs + this.#options.windows.graceMs)) return;
    const now = this.#context.currentSystemTimeMs();
    if (now < time.nextScanAt) return;
    time.nextScanAt = now + this.#emitIntervalMs;

    time.minTime = Number.POSITIVE_INFINITY;
    let leftOpen = false;
    let rightOpen = false;
    let previous: UnmatchedRecord<K, VL | VR> | null = null;
    for (const entry of store.all()) {
      time.minTime = entry.timestamp;
      // The two sides may close at different times: go on until both have reached an open window.
      if (leftOpen && rightOpen) break;
      if (this.#isOpen(entry)) {
        if (entry.leftSide) leftOpen = true;
        else rightOpen = true;
        continue;
      }
      const value = entry.leftSide
        ? this.#options.joiner(entry.value as VL, null as VR, entry.key)
        : this.#options.joiner(null as VL, entry.value as VR, entry.key);
      this.#context.forward(new StreamRecord(entry.key, value, entry.timestamp, trigger.headers));
      // A list is removed only when all its values are out: a failure in between must not lose the rest.
      if (previous !== null && !sameList(previous, entry)) store.remove(previous.key, previous.timestamp, previous.leftSide);
      previous = entry;
    }
    if (previous !== null) store.remove(previous.key, previous.timestamp, previous.leftSide);
  }

  #isOpen(entry: UnmatchedRecord<K, unknown>): boolean {
    const { windows } = this.#options;
    return entry.timestamp + (entry.leftSide ? windows.afterMs : windows.beforeMs) + windows.graceMs >= this.#time.streamTime;
  }
}

function sameList(a: UnmatchedRecord<unknown, unknown>, b: UnmatchedRecord<unknown, unknown>): boolean {
  return a.timestamp === b.timestamp && a.leftSide === b.leftSide && sameKey(a.key, b.key);
}

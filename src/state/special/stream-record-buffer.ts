import { NO_HEADERS } from '../../processor/headers.ts';
import type { RecordContext } from '../../processor/record-context.ts';
import type { Serde } from '../../serdes/serde.ts';
import { BufferedTable } from '../buffer/buffered-table.ts';
import { FrozenTables } from '../buffer/frozen-tables.ts';
import { keyId, readInt64, writeInt64 } from '../bytes.ts';
import type { EvictionCallback, StreamRecordBuffer } from '../contract/special-stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { Engine, StoreShape } from '../engine/engine.ts';
import { EngineStore, type StoreSettings } from '../engine-store.ts';
import type { FrozenStore } from '../task/managed-store.ts';
import { decodeBufferValue, encodeBufferValue } from './buffer-value.ts';

const MAX_SEQUENCE = 0x7fffffff;

/**
 * The buffer of a stream-table join with grace; see {@link StreamRecordBuffer}. A row is `0 | time8 | key | sequence4`, as in Kafka Streams, so rows stand in the order of time.
 */
export class EngineStreamRecordBuffer<K, V> extends EngineStore<K, V> implements StreamRecordBuffer<K, V> {
  readonly #graceMs: number;
  #table!: BufferedTable;
  #keySerde!: Serde<K>;
  #valueSerde!: Serde<V>;
  #sequence = 0;
  #streamTime = -1;
  #committedTime = -1;
  /** Lowest time in the buffer, Infinity when it is empty; null: to be looked up. */
  #minTime: number | null = null;
  #count: number | null = null;

  constructor(settings: StoreSettings<K, V>, graceMs: number) {
    super(settings);
    this.#graceMs = graceMs;
  }

  put(_streamTime: number, key: K, value: V, context: RecordContext): boolean {
    this.requireKey(key);
    if (this.#streamTime - this.#graceMs > context.timestamp) return false;
    this.#sequence = (this.#sequence + 1) & MAX_SEQUENCE;
    const bytes = rowKey(this.#keySerde.serialize(this.topic, key), context.timestamp, this.#sequence);
    const encoded = encodeBufferValue({ context, prior: null, old: null, new: this.#valueSerde.serialize(this.topic, value) }, 0);
    this.#table.put(keyId(bytes), bytes, encoded, 0, undefined);
    if (this.settings.logging) this.context.logChange(this.name, bytes, encoded, null, NO_HEADERS);
    if (this.#count !== null) this.#count++;
    if (this.#minTime !== null) this.#minTime = Math.min(this.#minTime, context.timestamp);
    if (context.timestamp > this.#streamTime) this.#streamTime = context.timestamp;
    return true;
  }

  evict(callback: EvictionCallback<K, V>): void {
    const due = this.#streamTime - this.#graceMs;
    if (this.#minTime !== null && this.#minTime > due) return;
    let next = Number.POSITIVE_INFINITY;
    for (const row of this.#table.scan(null, null, false)) {
      const time = readInt64(row.key, 1);
      if (time > due) {
        next = time;
        break;
      }
      const { value } = decodeBufferValue(row.value);
      const key = this.#keySerde.deserialize(this.topic, row.key.subarray(9, row.key.length - 4));
      callback(key, this.#valueSerde.deserialize(this.topic, value.new as Buffer), value.context);
      this.#table.put(row.id, row.key, null, 0, undefined);
      if (this.settings.logging) this.context.logChange(this.name, row.key, null, null, NO_HEADERS);
      if (this.#count !== null) this.#count--;
    }
    this.#minTime = next;
  }

  get numRecords(): number {
    this.#count ??= this.#table.count();
    return this.#count;
  }

  get activeBytes(): number {
    return this.#table.activeBytes;
  }

  freeze(): FrozenStore | null {
    const layer = this.#table.freeze();
    if (layer === null) return null;
    const sequence = this.#sequence;
    const time = this.#streamTime;
    return new FrozenTables(
      [{ table: this.#table, layer }],
      () => this.#storeFacts(sequence, time),
      () => {
        this.#committedTime = time;
      },
    );
  }

  discard(): void {
    this.#table.discardActive();
    this.#sequence = Number(this.engine.getFact(this.name, 'sequence') ?? 0);
    this.#streamTime = this.#committedTime;
    this.#forget();
  }

  restore(records: readonly ChangelogRecord[]): void {
    const table = this.#table.engineTable;
    for (const { key, value } of records) {
      if (value === null) table.delete(keyId(key), key);
      else table.put(keyId(key), key, value, 0, undefined);
      this.#streamTime = Math.max(this.#streamTime, readInt64(key, 1));
      this.#sequence = Math.max(this.#sequence, key.readInt32BE(key.length - 4));
    }
    this.#committedTime = this.#streamTime;
    this.#storeFacts(this.#sequence, this.#streamTime);
    this.#forget();
  }

  cleared(): void {
    this.#table.discardActive();
    this.#sequence = 0;
    this.#streamTime = this.#committedTime = -1;
    this.#forget();
  }

  protected shape(): StoreShape {
    return { kind: 'time-ordered-buffer', segmentInterval: 0, keySuffix: 0, timeOrdered: false };
  }

  protected attached(engine: Engine): void {
    this.#table = new BufferedTable(engine.table(this.name, null));
    this.#sequence = Number(engine.getFact(this.name, 'sequence') ?? 0);
    this.#streamTime = this.#committedTime = Number(engine.getFact(this.name, 'stream-time') ?? -1);
  }

  protected useSerdes(key: Serde<K>, value: Serde<V>): void {
    this.#keySerde = key;
    this.#valueSerde = value;
  }

  #storeFacts(sequence: number, time: number): void {
    this.engine.setFact(this.name, 'sequence', String(sequence));
    this.engine.setFact(this.name, 'stream-time', String(time));
  }

  #forget(): void {
    this.#minTime = null;
    this.#count = null;
  }
}

function rowKey(key: Buffer, time: number, sequence: number): Buffer {
  const result = Buffer.allocUnsafe(key.length + 13);
  result[0] = 0;
  writeInt64(result, time, 1);
  key.copy(result, 9);
  result.writeInt32BE(sequence, key.length + 9);
  return result;
}

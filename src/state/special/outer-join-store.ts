import { NO_HEADERS } from '../../processor/headers.ts';
import type { Serde } from '../../serdes/serde.ts';
import { BufferedTable, type StoredRow } from '../buffer/buffered-table.ts';
import { FrozenTables } from '../buffer/frozen-tables.ts';
import { keyId, readInt64, writeInt64 } from '../bytes.ts';
import type { StateStoreContext } from '../contract/context.ts';
import type { OuterJoinStore, UnmatchedRecord } from '../contract/special-stores.ts';
import type { StoreIterator } from '../contract/stores.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { Engine, StoreShape } from '../engine/engine.ts';
import { EngineStore, type StoreSettings } from '../engine-store.ts';
import type { FrozenStore } from '../task/managed-store.ts';

/** Lists of entries of any size, as Java's ListSerializer marks them. */
const VARIABLE_SIZE = 1;

/** Records of a left or outer stream join without a partner; see {@link OuterJoinStore}. Values are lists: `1 | count4 | (length4 | side1 | value)*`. */
export class EngineOuterJoinStore<K, VL, VR> extends EngineStore<K, VL> implements OuterJoinStore<K, VL, VR> {
  readonly #rightOption: Serde<VR> | undefined;
  #table!: BufferedTable;
  #keySerde!: Serde<K>;
  #leftSerde!: Serde<VL>;
  #rightSerde!: Serde<VR>;

  constructor(settings: StoreSettings<K, VL>, rightSerde: Serde<VR> | undefined) {
    super(settings);
    this.#rightOption = rightSerde;
  }

  override init(context: StateStoreContext): void {
    const right = (this.#rightOption ?? context.defaultValueSerde) as Serde<VR> | undefined;
    this.#rightSerde = (right?.withDefaults?.(context.defaultKeySerde, context.defaultValueSerde) ?? right) as Serde<VR>;
    super.init(context);
    if (this.settings.logging) context.encodes?.(this.topic, this.#rightSerde as Serde<unknown>);
  }

  add(key: K, timestamp: number, leftSide: boolean, value: VL | VR): void {
    const bytes = this.#bytes(key, timestamp, leftSide);
    const id = keyId(bytes);
    const encoded = leftSide ? this.#leftSerde.serialize(this.topic, value as VL) : this.#rightSerde.serialize(this.topic, value as VR);
    const list = append(this.#table.get(id, bytes)?.value ?? null, encoded, leftSide);
    this.#table.put(id, bytes, list, 0, undefined);
    this.#log(bytes, list);
  }

  remove(key: K, timestamp: number, leftSide: boolean): void {
    this.#remove(this.#bytes(key, timestamp, leftSide));
  }

  removeIfPresent(key: K, timestamp: number, leftSide: boolean): void {
    const bytes = this.#bytes(key, timestamp, leftSide);
    if (this.#table.get(keyId(bytes), bytes) !== null) this.#remove(bytes);
  }

  get oldest(): number {
    for (const row of this.#table.scan(null, null, false)) return readInt64(row.key, 0);
    return Number.POSITIVE_INFINITY;
  }

  all(): StoreIterator<UnmatchedRecord<K, VL | VR>> {
    return this.#typed(this.#table.scan(null, null, false));
  }

  get activeBytes(): number {
    return this.#table.activeBytes;
  }

  freeze(): FrozenStore | null {
    const layer = this.#table.freeze();
    return layer === null ? null : new FrozenTables([{ table: this.#table, layer }]);
  }

  discard(): void {
    this.#table.discardActive();
  }

  restore(records: readonly ChangelogRecord[]): void {
    const table = this.#table.engineTable;
    for (const { key, value } of records) {
      if (value === null) table.delete(keyId(key), key);
      else table.put(keyId(key), key, value, 0, undefined);
    }
  }

  cleared(): void {
    this.#table.discardActive();
  }

  protected shape(): StoreShape {
    return { kind: 'join-outer', segmentInterval: 0, keySuffix: 0, timeOrdered: false };
  }

  protected attached(engine: Engine): void {
    this.#table = new BufferedTable(engine.table(this.name, null));
  }

  protected useSerdes(key: Serde<K>, value: Serde<VL>): void {
    this.#keySerde = key;
    this.#leftSerde = value;
  }

  *#typed(rows: IterableIterator<StoredRow>): StoreIterator<UnmatchedRecord<K, VL | VR>> {
    for (const row of rows) {
      const timestamp = readInt64(row.key, 0);
      const key = this.#keySerde.deserialize(this.topic, row.key.subarray(9));
      for (const entry of entriesOf(row.value)) {
        const leftSide = entry[0] === 1;
        const bytes = entry.subarray(1);
        yield { key, timestamp, leftSide, value: leftSide ? this.#leftSerde.deserialize(this.topic, bytes) : this.#rightSerde.deserialize(this.topic, bytes) };
      }
    }
  }

  #remove(bytes: Buffer): void {
    this.#table.put(keyId(bytes), bytes, null, 0, undefined);
    this.#log(bytes, null);
  }

  #log(bytes: Buffer, value: Buffer | null): void {
    if (this.settings.logging) this.context.logChange(this.name, bytes, value, this.context.recordContext.timestamp, NO_HEADERS);
  }

  #bytes(key: K, timestamp: number, leftSide: boolean): Buffer {
    this.requireKey(key);
    const encoded = this.#keySerde.serialize(this.topic, key);
    const result = Buffer.allocUnsafe(encoded.length + 9);
    writeInt64(result, timestamp, 0);
    result[8] = leftSide ? 1 : 0;
    encoded.copy(result, 9);
    return result;
  }
}

function append(list: Buffer | null, value: Buffer, leftSide: boolean): Buffer {
  const before = list === null ? 5 : list.length;
  const result = Buffer.allocUnsafe(before + 5 + value.length);
  if (list === null) result[0] = VARIABLE_SIZE;
  else list.copy(result);
  result.writeInt32BE((list === null ? 0 : list.readInt32BE(1)) + 1, 1);
  result.writeInt32BE(value.length + 1, before);
  result[before + 4] = leftSide ? 1 : 0;
  value.copy(result, before + 5);
  return result;
}

function* entriesOf(list: Buffer): IterableIterator<Buffer> {
  for (let at = 5; at < list.length; ) {
    const length = list.readInt32BE(at);
    yield list.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

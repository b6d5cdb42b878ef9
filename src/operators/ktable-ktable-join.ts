import type { InternalProcessorContext, Processor, ProcessorContext } from '../processor/processor.ts';
import { StreamRecord } from '../processor/record.ts';
import type { ValueAndTimestamp } from '../state/contract/values.ts';
import { Change } from './change.ts';
import type { ValueJoiner } from './functions.ts';
import type { KTableProcessorSupplier, KTableValueGetter, KTableValueGetterSupplier, TableParent, VersionedSemantics } from './ktable-supplier.ts';
import { storedValue } from './table-store.ts';

export interface KTableKTableJoinOptions<K, V1, V2, VO> {
  /** The table whose updates this side takes. */
  readonly table1: TableParent<K, V1>;
  /** The table that is looked up. */
  readonly table2: TableParent<K, V2>;
  /** (value of table1, value of table2, key); null for a missing side. */
  readonly joiner: ValueJoiner<V1, V2, VO, K>;
}

export type KTableKTableJoinSupplier<K, V1, VO> = KTableProcessorSupplier<K, V1, K, VO> & VersionedSemantics;

/**
 * When a result row exists. Each joiner gets the row of this side and the one found on the other; null where there is none.
 *
 * | | a result needs | an update forwards nothing when |
 * |---|---|---|
 * | inner | both sides | the other side has no row |
 * | left  | this side  | the other side has no row and this one neither has nor had one |
 * | right | the other side | the other side has no row |
 * | outer | any side   | as left |
 */
interface JoinKind {
  readonly needsThis: boolean;
  readonly needsOther: boolean;
}

const INNER: JoinKind = { needsThis: true, needsOther: true };
const LEFT: JoinKind = { needsThis: true, needsOther: false };
const RIGHT: JoinKind = { needsThis: false, needsOther: true };
const OUTER: JoinKind = { needsThis: false, needsOther: false };

/** One side of an inner join of two tables; the other side is one too, with the tables and the joiner the other way round. */
export function ktableInnerJoin<K, V1, V2, VO>(options: KTableKTableJoinOptions<K, V1, V2, VO>): KTableKTableJoinSupplier<K, V1, VO> {
  return new JoinSupplier(options, INNER);
}

/** The left side of a left join of two tables; its other side is {@link ktableRightJoin}. */
export function ktableLeftJoin<K, V1, V2, VO>(options: KTableKTableJoinOptions<K, V1, V2, VO>): KTableKTableJoinSupplier<K, V1, VO> {
  return new JoinSupplier(options, LEFT);
}

/** The right side of a left join of two tables: `table1` is the right table, `joiner` the reversed one. */
export function ktableRightJoin<K, V1, V2, VO>(options: KTableKTableJoinOptions<K, V1, V2, VO>): KTableKTableJoinSupplier<K, V1, VO> {
  return new JoinSupplier(options, RIGHT);
}

/** One side of an outer join of two tables; the other side is one too, with the tables and the joiner the other way round. */
export function ktableOuterJoin<K, V1, V2, VO>(options: KTableKTableJoinOptions<K, V1, V2, VO>): KTableKTableJoinSupplier<K, V1, VO> {
  return new JoinSupplier(options, OUTER);
}

class JoinSupplier<K, V1, V2, VO> implements KTableProcessorSupplier<K, V1, K, VO>, VersionedSemantics {
  readonly #options: KTableKTableJoinOptions<K, V1, V2, VO>;
  readonly #kind: JoinKind;
  readonly #rows1: KTableValueGetterSupplier<K, V1>;
  readonly #rows2: KTableValueGetterSupplier<K, V2>;
  #sendOldValues = false;
  #versioned = false;

  constructor(options: KTableKTableJoinOptions<K, V1, V2, VO>, kind: JoinKind) {
    this.#options = options;
    this.#kind = kind;
    this.#rows1 = options.table1.valueGetterSupplier();
    this.#rows2 = options.table2.valueGetterSupplier();
  }

  setUseVersionedSemantics(use: boolean): void {
    this.#versioned = use;
  }

  get(): Processor<K, Change<V1>, K, Change<VO>> {
    return new JoinProcessor(this.#options.joiner, this.#kind, this.#rows2.get(), this.#sendOldValues, this.#versioned);
  }

  view(): KTableValueGetterSupplier<K, VO> {
    const rows1 = this.#rows1;
    const rows2 = this.#rows2;
    return {
      get: () => new JoinGetter(this.#options.joiner, this.#kind, rows1.get(), rows2.get()),
      get storeNames() {
        return [...new Set([...rows1.storeNames, ...rows2.storeNames])];
      },
    };
  }

  enableSendingOldValues(): boolean {
    // A join needs both rows anyway.
    this.#options.table1.enableSendingOldValues(true);
    this.#options.table2.enableSendingOldValues(true);
    this.#sendOldValues = true;
    return true;
  }
}

class JoinProcessor<K, V1, V2, VO> implements Processor<K, Change<V1>, K, Change<VO>> {
  readonly #joiner: ValueJoiner<V1, V2, VO, K>;
  readonly #kind: JoinKind;
  readonly #rows: KTableValueGetter<K, V2>;
  readonly #sendOldValues: boolean;
  readonly #versioned: boolean;
  #context!: InternalProcessorContext<K, Change<VO>>;

  constructor(joiner: ValueJoiner<V1, V2, VO, K>, kind: JoinKind, rows: KTableValueGetter<K, V2>, sendOldValues: boolean, versioned: boolean) {
    this.#joiner = joiner;
    this.#kind = kind;
    this.#rows = rows;
    this.#sendOldValues = sendOldValues;
    this.#versioned = versioned;
  }

  init(context: ProcessorContext<K, Change<VO>>): void {
    this.#context = context as InternalProcessorContext<K, Change<VO>>;
    this.#rows.init(this.#context as InternalProcessorContext<never, never>);
  }

  process(record: StreamRecord<K, Change<V1>>): void {
    const { key, value: change } = record;
    if (key == null) {
      this.#context.droppedRecord('null key');
      return;
    }
    if (this.#versioned && !change.isLatest) {
      this.#context.droppedRecord('out-of-order update of a versioned table');
      return;
    }
    const other = this.#rows.get(key);
    if (other === null && (this.#kind.needsOther || (change.newValue === null && change.oldValue === null))) return;
    const newValue = this.#join(key, change.newValue, other);
    const oldValue = this.#sendOldValues ? this.#join(key, change.oldValue, other) : null;
    const timestamp = other === null ? record.timestamp : Math.max(record.timestamp, other.timestamp);
    this.#context.forward(new StreamRecord(key, new Change(newValue, oldValue, change.isLatest), timestamp, record.headers));
  }

  close(): void {
    this.#rows.close();
  }

  #join(key: K, value: V1 | null, other: ValueAndTimestamp<V2> | null): VO | null {
    if (value === null && (this.#kind.needsThis || other === null)) return null;
    return this.#joiner(value as V1, (other === null ? null : other.value) as V2, key) ?? null;
  }
}

class JoinGetter<K, V1, V2, VO> implements KTableValueGetter<K, VO> {
  /** The result of a join counts as unversioned, whatever its inputs are (KIP-914). */
  readonly versioned = false;
  readonly #joiner: ValueJoiner<V1, V2, VO, K>;
  readonly #kind: JoinKind;
  readonly #rows1: KTableValueGetter<K, V1>;
  readonly #rows2: KTableValueGetter<K, V2>;

  constructor(joiner: ValueJoiner<V1, V2, VO, K>, kind: JoinKind, rows1: KTableValueGetter<K, V1>, rows2: KTableValueGetter<K, V2>) {
    this.#joiner = joiner;
    this.#kind = kind;
    this.#rows1 = rows1;
    this.#rows2 = rows2;
  }

  init(context: InternalProcessorContext<never, never>): void {
    this.#rows1.init(context);
    this.#rows2.init(context);
  }

  get(key: K): ValueAndTimestamp<VO> | null {
    const row1 = this.#rows1.get(key);
    if (row1 === null && this.#kind.needsThis) return null;
    const row2 = this.#rows2.get(key);
    if (row2 === null && (this.#kind.needsOther || row1 === null)) return null;
    const value = this.#joiner((row1 === null ? null : row1.value) as V1, (row2 === null ? null : row2.value) as V2, key);
    return value == null ? null : storedValue(value, Math.max(row1 === null ? -1 : row1.timestamp, row2 === null ? -1 : row2.timestamp));
  }

  getAsOf(): never {
    throw new Error('the result of a table join is not versioned');
  }

  close(): void {
    this.#rows1.close();
    this.#rows2.close();
  }
}

import type { Deadline, FrozenStore } from '../task/managed-store.ts';
import type { BufferedTable } from './buffered-table.ts';
import type { BufferedWrite, WriteLayer } from './write-layer.ts';

/** Rows between two looks at the clock. */
const STRETCH = 64;

/** Frozen layers of one store's tables, written row by row so that a large interval does not hold up the event loop. */
export class FrozenTables implements FrozenStore {
  readonly bytes: number;
  readonly #layers: { table: BufferedTable; layer: WriteLayer }[];
  readonly #finish: () => void;
  readonly #onApplied: () => void;
  #at = 0;
  #rows: Iterator<BufferedWrite> | null = null;
  #finished = false;

  /** `finish` writes what belongs to the store beside its rows; it runs inside the transaction, after them. */
  constructor(layers: { table: BufferedTable; layer: WriteLayer }[], finish: () => void = () => {}, onApplied: () => void = () => {}) {
    this.#layers = layers;
    this.#finish = finish;
    this.#onApplied = onApplied;
    this.bytes = layers.reduce((sum, { layer }) => sum + layer.bytes, 0);
  }

  write(deadline: Deadline): boolean {
    let stretch = STRETCH;
    while (this.#at < this.#layers.length) {
      const { table, layer } = this.#layers[this.#at] as { table: BufferedTable; layer: WriteLayer };
      this.#rows ??= layer.values();
      const engine = table.engineTable;
      for (let next = this.#rows.next(); !next.done; next = this.#rows.next()) {
        const row = next.value;
        if (row.value === null) engine.delete(row.id, row.key);
        else engine.put(row.id, row.key, row.value, row.timestamp, row.object);
        if (--stretch === 0) {
          if (deadline()) return false;
          stretch = STRETCH;
        }
      }
      this.#rows = null;
      this.#at++;
    }
    if (!this.#finished) {
      this.#finished = true;
      this.#finish();
    }
    return true;
  }

  applied(): void {
    for (const { table, layer } of this.#layers) table.release(layer);
    this.#onApplied();
  }

  dropped(): void {
    for (const { table, layer } of this.#layers) table.release(layer);
  }
}

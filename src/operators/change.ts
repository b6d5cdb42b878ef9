/** An update of a table row as it flows between table operators. */
export class Change<V> {
  /** Null: the row was deleted. */
  readonly newValue: V | null;
  /** Null when there was no row, or nobody downstream asked for old values. */
  readonly oldValue: V | null;
  /** False for an out-of-order update of a versioned table: a newer row exists. */
  readonly isLatest: boolean;

  constructor(newValue: V | null, oldValue: V | null, isLatest = true) {
    // A user's function that returns undefined means null.
    this.newValue = newValue ?? null;
    this.oldValue = oldValue ?? null;
    this.isLatest = isLatest;
  }
}

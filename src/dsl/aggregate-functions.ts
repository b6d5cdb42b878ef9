/** How the values of a key become one result. */
export interface AggregateFunctions<K, V, VA> {
  /** The result of a key that has none. */
  initializer: () => VA;
  /**
   * The result with one more value. Null deletes it. Must return a new object, never `aggregate` changed in place: results stay objects in the record cache, and the old value
   * that is sent downstream, to be subtracted there, would be changed too. The test driver throws a TypeError for it.
   */
  aggregator: (key: K, value: V, aggregate: NoInfer<VA>) => NoInfer<VA> | null;
}

/** As {@link AggregateFunctions}, for sessions, which merge. */
export interface SessionAggregateFunctions<K, V, VA> extends AggregateFunctions<K, V, VA> {
  /** The result of two sessions that a record has joined: a new object, never one of the two changed in place. */
  merger: (key: K, left: NoInfer<VA>, right: NoInfer<VA>) => NoInfer<VA>;
}

/** How the rows of a table become one result for each group: rows are taken out again when they change. */
export interface TableAggregateFunctions<K, V, VA> {
  /** The result of a key that has none. */
  initializer: () => VA;
  /** The result with one more row: a new object, never `aggregate` changed in place. */
  adder: (key: K, value: V, aggregate: NoInfer<VA>) => NoInfer<VA> | null;
  /** The result with one row less: a new object, never `aggregate` changed in place. */
  subtractor: (key: K, value: V, aggregate: NoInfer<VA>) => NoInfer<VA> | null;
}

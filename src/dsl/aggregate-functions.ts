/** How the values of a key become one result. */
export interface AggregateFunctions<K, V, VA> {
  /** The result of a key that has none. */
  initializer: () => VA;
  /** The result with one more value. Null deletes it. Must not change `aggregate` in place. */
  aggregator: (key: K, value: V, aggregate: NoInfer<VA>) => NoInfer<VA> | null;
}

/** As {@link AggregateFunctions}, for sessions, which merge. */
export interface SessionAggregateFunctions<K, V, VA> extends AggregateFunctions<K, V, VA> {
  /** The result of two sessions that a record has joined. */
  merger: (key: K, left: NoInfer<VA>, right: NoInfer<VA>) => NoInfer<VA>;
}

/** How the rows of a table become one result for each group: rows are taken out again when they change. */
export interface TableAggregateFunctions<K, V, VA> {
  /** The result of a key that has none. */
  initializer: () => VA;
  /** The result with one more row. */
  adder: (key: K, value: V, aggregate: NoInfer<VA>) => NoInfer<VA> | null;
  /** The result with one row less. */
  subtractor: (key: K, value: V, aggregate: NoInfer<VA>) => NoInfer<VA> | null;
}

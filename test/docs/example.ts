import type { StreamsBuilder } from 'millrace';

/** A documented example: its source is what `docs/operators.md` shows, and it is run. */
export interface Example {
  readonly topology: (builder: StreamsBuilder) => void;
  /**
   * What goes in and what comes out, a record a line, columns apart by two spaces: `topic  key  value  @timestamp`, `→` before what comes out. Values are JSON;
   * `key[0,10)` is a key in a time window, `key[0,10]` a session. `clock  +1s` moves the wall clock.
   */
  readonly trace: string;
}

export type Examples = { readonly [name: string]: Example };

/** What the examples are about. */
export interface Order {
  customer: string;
  total: number;
}

export interface Customer {
  name: string;
  country: string;
}

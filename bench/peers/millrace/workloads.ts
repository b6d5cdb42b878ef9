import { StreamsBuilder, type Topology } from 'millrace';
import { fkJoin, streamJoin, tableJoin } from './workloads/joins.ts';
import { count, repartition, sessions, stateless, suppress, windows } from './workloads/page-views.ts';

/*
 * The workloads; bench/peers/kafka-streams holds the same ones in Java, with the same operators, windows and store names. JSON
 * properties are in the order of the Java records, so that the outputs of both are equal byte by byte.
 */

/** Defines a workload. A second input topic is called `<input>-<what it holds>`. */
export type Define = (builder: StreamsBuilder, input: string, output: string) => void;

const WORKLOADS: { readonly [name: string]: Define } = {
  stateless,
  count,
  windows,
  sessions,
  repartition,
  suppress,
  'stream-join': streamJoin,
  'table-join': tableJoin,
  'fk-join': fkJoin,
};

export function buildWorkload(name: string, input: string, output: string): Topology {
  const define = WORKLOADS[name];
  if (define === undefined) throw new Error(`workload is '${name}': give one of ${Object.keys(WORKLOADS).join(', ')}`);
  const builder = new StreamsBuilder();
  define(builder, input, output);
  return builder.build();
}

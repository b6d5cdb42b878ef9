import type { OutputKind } from './outputs.ts';

/** The workloads of both peers, and how their outputs are compared. */
export const OUTPUT_KINDS: { readonly [workload: string]: OutputKind } = {
  stateless: 'records',
  count: 'table',
  windows: 'table',
  sessions: 'table',
  repartition: 'table',
};

export const WORKLOADS: readonly string[] = Object.keys(OUTPUT_KINDS);

/**
 * Share of page views that come 10 to 40 minutes late. A windowed count drops them. To sessions they are not always too late, and then Kafka Streams joins
 * them to an expired session as long as its cache happens to hold it: its results depend on timing, so none are sent.
 */
export function lateShare(workload: string): number {
  return workload === 'sessions' ? 0 : 0.001;
}

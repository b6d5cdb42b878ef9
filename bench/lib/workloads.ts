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

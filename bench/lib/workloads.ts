import { ordersAndCustomers } from './inputs/orders-and-customers.ts';
import { pageViews } from './inputs/page-views.ts';
import { profilesAndBalances } from './inputs/profiles-and-balances.ts';
import type { Traffic } from './inputs/traffic.ts';
import { viewsAndClicks } from './inputs/views-and-clicks.ts';
import type { OutputKind } from './outputs.ts';

export interface Workload {
  /** How the outputs of both peers are compared. */
  readonly output: OutputKind;
  readonly input: Traffic;
  /** Its topics beside the input topic: what they add to its name. */
  readonly further?: readonly string[];
}

/** One in a thousand comes 10 to 40 minutes late: a windowed count drops those. */
const WITH_LATE_VIEWS = pageViews(0.001);
/**
 * To sessions late records are not always too late, and then Kafka Streams joins them to an expired session as long as its cache happens to hold it: its results depend on
 * timing, so none are sent.
 */
const WITHOUT_LATE_VIEWS = pageViews(0);

/** What both peers run. */
export const WORKLOADS: { readonly [name: string]: Workload } = {
  stateless: { output: 'records', input: WITH_LATE_VIEWS },
  count: { output: 'table', input: WITH_LATE_VIEWS },
  windows: { output: 'table', input: WITH_LATE_VIEWS },
  sessions: { output: 'table', input: WITHOUT_LATE_VIEWS },
  repartition: { output: 'table', input: WITH_LATE_VIEWS },
  // A closed window has one result, however caches delay its updates.
  suppress: { output: 'records', input: WITH_LATE_VIEWS },
  'stream-join': { output: 'records', input: viewsAndClicks, further: ['clicks'] },
  'table-join': { output: 'table', input: profilesAndBalances, further: ['balances'] },
  // A result that an update of a customer makes has the time of that update alone: timestamps depend on which of the two topics is read first.
  'fk-join': { output: 'values', input: ordersAndCustomers, further: ['customers'] },
};

/** All input topics of a workload. */
export function topicsOf(workload: Workload, input: string): string[] {
  return [input, ...(workload.further ?? []).map((what) => `${input}-${what}`)];
}

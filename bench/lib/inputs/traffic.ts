import type { InputRecord } from '../input.ts';

/** What decides an input: the same options give the same records. */
export interface TrafficOptions {
  /** Name of the input topic; further topics of a workload are `<topic>-<what they hold>`. */
  readonly topic: string;
  /** How many records will be taken: the last ones are of this hour. */
  readonly records: number;
  readonly users: number;
  readonly seed: number;
}

/** The records of a workload's topics in the order in which they are written, without end. */
export type Traffic = (options: TrafficOptions) => Iterator<InputRecord>;

/** Records in a second of event time, of all topics together. */
export const RECORDS_PER_SECOND = 100;
const HOUR = 3_600_000;
const OUT_OF_ORDER_SHARE = 0.05;
const OUT_OF_ORDER_MS = 20_000;

/** Event time of the first record, so that the last is of this hour: nothing is old enough to be deleted, nothing is of the future. */
export function startOf(records: number): number {
  const hours = Math.ceil(((records / RECORDS_PER_SECOND) * 1000) / HOUR) + 1;
  return (Math.floor(Date.now() / HOUR) - hours) * HOUR;
}

/** Event time of the record with this index: a twentieth is up to 20 seconds out of order. */
export function eventTime(start: number, index: number, random: () => number): number {
  const time = start + Math.floor((index * 1000) / RECORDS_PER_SECOND);
  return random() < OUT_OF_ORDER_SHARE ? time - Math.floor(random() * OUT_OF_ORDER_MS) : time;
}

import { GAP_MS, SESSION_GRACE_MS, type Tally } from '../service/shapes.ts';
import type { Expected, Table } from './oracle.ts';

const EXAMPLES = 5;

/** Counts of what is not as it must be, and the first examples in words. */
export class Verdict {
  lost = 0;
  duplicated = 0;
  wrong = 0;
  /** Results that were looked at. */
  expected = 0;
  readonly examples: string[] = [];
  /** By what was checked and what is not right with it. */
  readonly counts = new Map<string, number>();

  /** Every id once. */
  checkThrough(times: Uint16Array, events: number): void {
    this.expected += events;
    for (let id = 0; id < Math.max(events, times.length); id += 1) {
      const seen = times[id] ?? 0;
      if (id >= events) this.#note(seen, 'wrong', `through: id ${id} was never written`);
      else if (seen === 0) this.#note(1, 'lost', `through: id ${id} is missing`);
      else this.#note(seen - 1, 'duplicated', `through: id ${id} is there ${seen} times`);
    }
  }

  /** A window of n events has the updates 1, 2, … n, once each. */
  checkUpdates(updates: ReadonlyMap<string, readonly number[]>, windows: Table): void {
    for (const [key, { count }] of windows) {
      this.expected += count;
      const seen = new Uint16Array(count + 1);
      for (const update of updates.get(key) ?? []) {
        if (update <= count) seen[update] = (seen[update] as number) + 1;
        else this.#note(1, 'wrong', `windows: ${key} had an update to ${update}, of ${count} events`);
      }
      for (let update = 1; update <= count; update += 1) {
        const times = seen[update] as number;
        if (times === 0) this.#note(1, 'lost', `windows: ${key} has no update to ${update}`);
        else this.#note(times - 1, 'duplicated', `windows: ${key} has the update to ${update} ${times} times`);
      }
    }
  }

  /** The final table that follows from an output topic. */
  checkTable(name: string, table: Table, expected: Table): void {
    this.expected += expected.size;
    for (const [key, tally] of expected) this.#checkTally(name, key, table.get(key), tally);
    for (const key of table.keys()) if (!expected.has(key)) this.#note(1, 'wrong', `${name}: ${key} must not be there`);
  }

  /**
   * The stores of all instances together. Sessions beyond the retention may be gone; no other may, and none may differ.
   * @param stores entries of each instance
   */
  checkStores(name: string, stores: readonly Table[], expected: Expected, what: 'sessions' | 'windows'): void {
    const all: Table = new Map();
    for (const store of stores) {
      for (const [key, tally] of store) {
        if (all.has(key)) this.#note(1, 'wrong', `${name}: ${key} is in the stores of two instances`);
        all.set(key, tally);
      }
    }
    this.expected += all.size;
    for (const [key, tally] of expected[what]) {
      if (!all.has(key) && what === 'sessions' && mayBeExpired(key, expected)) continue;
      this.#checkTally(name, key, all.get(key), tally);
    }
    for (const key of all.keys()) if (!expected[what].has(key)) this.#note(1, 'wrong', `${name}: ${key} must not be there`);
  }

  #checkTally(name: string, key: string, tally: Tally | undefined, expected: Tally): void {
    const text = (each: Tally): string => `${each.count} events with sum ${each.sum}`;
    if (tally === undefined) this.#note(expected.count, 'lost', `${name}: ${key} is missing, of ${text(expected)}`);
    else if (tally.count < expected.count) this.#note(expected.count - tally.count, 'lost', `${name}: ${key} has ${text(tally)}, expected ${text(expected)}`);
    else if (tally.count > expected.count)
      this.#note(tally.count - expected.count, 'duplicated', `${name}: ${key} has ${text(tally)}, expected ${text(expected)}`);
    else if (tally.sum !== expected.sum) this.#note(1, 'wrong', `${name}: ${key} has ${text(tally)}, expected ${text(expected)}`);
  }

  #note(count: number, kind: 'lost' | 'duplicated' | 'wrong', example: string): void {
    if (count <= 0) return;
    this[kind] += count;
    const check = `${kind}: ${example.slice(0, example.indexOf(':'))}`;
    const before = this.counts.get(check);
    this.counts.set(check, (before ?? 0) + count);
    if (this.examples.filter((each) => each.startsWith(check)).length < EXAMPLES) this.examples.push(`${kind}: ${example}`);
  }
}

function mayBeExpired(key: string, expected: Expected): boolean {
  const [user, , end] = key.split('|') as [string, string, string];
  return Number(end) <= expected.streamTimeOfUser(user) - GAP_MS - SESSION_GRACE_MS;
}

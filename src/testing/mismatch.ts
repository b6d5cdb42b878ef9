import { AssertionError } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';

/** Equal lines shown before and after a difference. */
const CONTEXT = 3;

/**
 * Compare lists of records, and throw an AssertionError that shows where they differ, a record a line.
 *
 *     Topic counts: 3 records, expected 2; first difference at record 1
 *         0  [ 'a', 1 ]
 *       - 1  [ 'a', 2 ]
 *       + 1  [ 'b', 1 ]
 *       + 2  [ 'a', 2 ]
 */
export function expectSame(what: string, actual: readonly unknown[], expected: readonly unknown[]): void {
  const length = Math.max(actual.length, expected.length);
  const same = (i: number): boolean => i < actual.length && i < expected.length && isDeepStrictEqual(actual[i], expected[i]);
  let first = 0;
  while (first < length && same(first)) first++;
  if (first === length) return;
  const lines: string[] = [];
  for (let i = Math.max(0, first - CONTEXT); i < length; i++) {
    if (same(i)) {
      lines.push(`    ${i}  ${show(actual[i])}`);
      continue;
    }
    if (i < expected.length) lines.push(`  - ${i}  ${show(expected[i])}`);
    if (i < actual.length) lines.push(`  + ${i}  ${show(actual[i])}`);
  }
  const count = actual.length === expected.length ? `${actual.length} records` : `${actual.length} records, expected ${expected.length}`;
  const message = `${what}: ${count}; first difference at record ${first} (- expected, + actual)\n${lines.join('\n')}`;
  throw new AssertionError({ message, actual, expected, operator: 'expectSame', stackStartFn: expectSame });
}

function show(value: unknown): string {
  return inspect(value, { depth: 8, breakLength: Number.POSITIVE_INFINITY, compact: true });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { SessionWindows } from '../../../src/dsl/windows/session-windows.ts';
import { TimeWindows } from '../../../src/dsl/windows/time-windows.ts';
import { serdes } from '../../../src/serdes/serdes.ts';
import type { Topology } from '../../../src/topology/topology.ts';
import { TaskHarness } from '../../support/task-harness.ts';

/*
 * An aggregator that changes its aggregate in place, which it must not, still cannot carry anything out of an interval that was aborted: values are read from their bytes again.
 */

interface Total {
  sum: number;
}

const WITH = { key: serdes.string, value: serdes.json<Total>() };
const functions = {
  initializer: (): Total => ({ sum: 0 }),
  aggregator: (_key: string, value: Total, total: Total): Total => {
    total.sum += value.sum;
    return total;
  },
  merger: (_key: string, _left: Total, right: Total): Total => right,
};

const KINDS: { readonly [kind: string]: (engine: 'sqlite' | 'memory') => Topology } = {
  'a table': (engine) => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, Total>('in', WITH)
      .groupByKey()
      .aggregate(functions, { store: 'totals', engine, ...WITH });
    return builder.build();
  },
  windows: (engine) => {
    const builder = new StreamsBuilder();
    const grouped = builder.stream<string, Total>('in', WITH).groupByKey();
    grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(1000)).aggregate(functions, { store: 'totals', engine, ...WITH });
    return builder.build();
  },
  sessions: (engine) => {
    const builder = new StreamsBuilder();
    const grouped = builder.stream<string, Total>('in', WITH).groupByKey();
    grouped.windowedBy(SessionWindows.ofInactivityGapWithNoGrace(1000)).aggregate(functions, { store: 'totals', engine, ...WITH });
    return builder.build();
  },
};

for (const [kind, topology] of Object.entries(KINDS)) {
  for (const engine of ['sqlite', 'memory'] as const) {
    for (const statestoreCacheMaxBytes of [0, 1_000_000]) {
      for (const fate of ['abort', 'abortFrozen'] as const) {
        test(`${kind} in ${engine}, ${statestoreCacheMaxBytes === 0 ? 'no cache' : 'a cache'}: ${fate}`, () => {
          const harness = new TaskHarness(topology(engine), { commitEvery: 100, config: { statestoreCacheMaxBytes } });
          try {
            const pipe = (sum: number): void => harness.pipe('in', Buffer.from('k'), serdes.json().serialize('in', { sum }), 10);
            pipe(1);
            harness.run();
            pipe(10);
            assert.equal(harness.step(), true);
            harness[fate]();
            harness.run();
            const [last] = harness
              .records('topology-test-driver-totals-changelog')
              .filter(({ value }) => value !== null)
              .slice(-1);
            assert.equal(last?.value?.toString(), '{"sum":11}');
          } finally {
            harness.close();
          }
        });
      }
    }
  }
}

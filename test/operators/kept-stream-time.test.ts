import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EmitStrategy, StreamsBuilder, serdes, TimeWindows, type Topology } from 'millrace';
import { type Fate, TaskHarness } from '../support/task-harness.ts';

const WITH = { key: serdes.string, value: serdes.string };

function windows(final: boolean): Topology {
  const builder = new StreamsBuilder();
  const windowed = builder.stream<string, string>('in', WITH).groupByKey(WITH).windowedBy(TimeWindows.ofSizeAndGrace(10, 5));
  (final ? windowed.emitStrategy(EmitStrategy.onWindowClose()) : windowed)
    .count({ store: 'counts' })
    .toStream(({ window }) => String(window.start))
    .to('out', { key: serdes.string, value: serdes.long });
  return builder.build();
}

function counts(harness: TaskHarness): string[] {
  return harness.records('out').map(({ key, value }) => `${key}=${value?.readBigInt64BE()}`);
}

for (const fate of ['abort', 'crash', 'lose'] as const satisfies readonly Fate[]) {
  test(`a record that was late stays late after ${fate}`, () => {
    const harness = new TaskHarness(windows(false), { commitEvery: 1, config: { statestoreCacheMaxBytes: 0 } });
    try {
      harness.pipe('in', Buffer.from('a'), Buffer.from('x'), 5);
      harness.pipe('in', Buffer.from('a'), Buffer.from('x'), 20);
      harness.run();
      harness[fate]();
      harness.pipe('in', Buffer.from('b'), Buffer.from('late'), 6);
      harness.run();
      assert.deepEqual(counts(harness), ['0=1', '20=1']);
      assert.equal(harness.metrics.dropped, 1);
    } finally {
      harness.close();
    }
  });
}

for (const [keepUnsentWindows, expected] of [
  [false, []],
  [true, ['0=1']],
] as const) {
  test(`keepUnsentWindows ${keepUnsentWindows}: stream time jumps past the retention of a window that was not sent`, () => {
    const config = { statestoreCacheMaxBytes: 0, keepUnsentWindows, emitIntervalMs: 0 };
    const harness = new TaskHarness(windows(true), { commitEvery: 1, config });
    try {
      harness.pipe('in', Buffer.from('a'), Buffer.from('x'), 5);
      harness.pipe('in', Buffer.from('a'), Buffer.from('x'), 500_000);
      harness.run();
      assert.deepEqual(counts(harness), expected);
    } finally {
      harness.close();
    }
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferConfig, StreamsBuilder, Suppressed, serdes } from 'millrace';
import { TaskHarness } from '../support/task-harness.ts';

test('a key that left the buffer and came back within an interval is restored at its new place', () => {
  const builder = new StreamsBuilder();
  const withSerdes = { key: serdes.string, value: serdes.string };
  builder.table<string, string>('in', withSerdes).suppress(Suppressed.untilTimeLimit(10, BufferConfig.unbounded())).toStream().to('out', withSerdes);
  const outputs = (times: readonly number[], crashAt: number): (string | undefined)[] => {
    const harness = new TaskHarness(builder.build(), { commitEvery: 2, config: { statestoreCacheMaxBytes: 0 } });
    try {
      times.forEach((time, index) => {
        harness.pipe('in', Buffer.from('k'), Buffer.from(`v${index}`), time);
      });
      let crashed = false;
      harness.run(() => {
        if (crashed || harness.processed < crashAt) return;
        crashed = true;
        harness.crash();
      });
      return harness.records('out').map(({ value }) => value?.toString());
    } finally {
      harness.close();
    }
  };
  // In the second interval 0 and 12 leave, and 13 comes.
  const times = [0, 1, 12, 13, 14, 24];
  assert.deepEqual(outputs(times, 4), outputs(times, 1000));
});

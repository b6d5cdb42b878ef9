import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type StateStore, type StoreBuilder, serdes, Topology } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import { type Fate, TaskHarness } from '../support/task-harness.ts';
import { type leaderboard, topology } from './custom-store.ts';

const SCORES: readonly (readonly [player: string, points: number])[] = [
  ['ann', 5],
  ['bob', 7],
  ['ann', 3],
  ['eve', 6],
  ['ann', 9],
  ['dan', 1],
];
const LEADERS = ['ann', 'bob ann', 'bob eve ann', 'ann bob eve', 'ann bob eve'];

test('the documented store, in the driver', () => {
  const driver = new TopologyTestDriver(topology);
  const input = driver.createInputTopic('scores', serdes.string, serdes.long);
  SCORES.forEach(([player, points], time) => {
    input.pipeInput(player, points, time);
  });
  driver.createOutputTopic('leaders', serdes.string, serdes.string).expectValues(LEADERS);
  const changelog = driver.createOutputTopic('topology-test-driver-leaderboard-changelog', serdes.string, serdes.long);
  changelog.expectKeyValues(SCORES.filter((_score, index) => index !== 2));
  assert.deepEqual(driver.getStateStore<ReturnType<typeof leaderboard.build>>('leaderboard').top(2), ['ann', 'bob']);
  driver.close();
});

for (const fate of ['abort', 'abortFrozen', 'crash', 'crashBeforeApply', 'lose'] as const satisfies readonly Fate[]) {
  for (const at of [1, 2, 4]) {
    test(`after ${fate} at record ${at} it has what was committed`, () => {
      const harness = new TaskHarness(topology, { commitEvery: 3 });
      try {
        SCORES.forEach(([player, points], time) => {
          harness.pipe('scores', Buffer.from(player), serdes.long.serialize('', points), time);
        });
        let struck = false;
        harness.run(() => {
          if (struck || harness.processed < at) return;
          struck = true;
          harness[fate]();
        });
        assert.equal(struck, true);
        assert.deepEqual(
          harness.records('leaders').map(({ value }) => value?.toString()),
          LEADERS,
        );
      } finally {
        harness.close();
      }
    });
  }
}

test('a store with a changelog, but without restore and clear, says so', () => {
  const store: StateStore = { name: 's', persistent: false, isOpen: false, init() {}, close() {} };
  const build = (loggingEnabled: boolean): Topology => {
    const builder: StoreBuilder = { name: 's', kind: 'custom', loggingEnabled, logConfig: {}, cachingEnabled: false, build: () => store };
    const made = new Topology();
    made.addSource('source', ['in'], { key: serdes.string, value: serdes.string });
    made.addProcessor('processor', () => ({ process() {} }), 'source');
    made.addStateStore(builder, 'processor');
    return made;
  };
  assert.throws(() => new TopologyTestDriver(build(true)), {
    code: 'ERR_STATE_STORE',
    message: /restore\(records\) and clear\(\), or its builder loggingEnabled: false .*store s/,
  });
  const driver = new TopologyTestDriver(build(false));
  assert.equal(driver.getStateStore('s'), store);
  driver.close();
});

test('docs/custom-stores.md shows the store as it is', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const [, source] = /\/\/ <custom-store>\n([\s\S]*?)\/\/ <\/custom-store>/.exec(read('./custom-store.ts')) ?? [];
  const [, shown] = /```ts\n([\s\S]*?)```/.exec(read('../../docs/custom-stores.md')) ?? [];
  const imports = /^import [\s\S]*? from 'millrace';\n\n/;
  assert.equal(shown?.replace(imports, ''), source);
});

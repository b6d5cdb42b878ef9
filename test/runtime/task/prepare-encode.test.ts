import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Serde } from '../../../src/serdes/serde.ts';
import type { StateStoreContext } from '../../../src/state/contract/context.ts';
import type { StateStore } from '../../../src/state/contract/stores.ts';
import { Harness, sink, source, text } from './harness.ts';

function recording(): { serde: Serde<unknown>; topics: string[][] } {
  const topics: string[][] = [];
  return { serde: { ...text, prepareEncode: async (given: readonly string[]) => void topics.push([...given]) } as Serde<unknown>, topics };
}

test('serdes of sinks and stores prepare for the topics they will encode for, each serde once', async () => {
  const { serde, topics } = recording();
  const dynamic = recording();
  const store: StateStore = {
    name: 's',
    persistent: false,
    isOpen: true,
    init: (context: StateStoreContext) => context.encodes?.(context.changelogTopic('s'), serde),
    close: () => {},
  };
  const builder = { name: 's', kind: 'custom' as const, loggingEnabled: true, logConfig: {}, cachingEnabled: false, build: () => store };
  const nodes = [source('in', ['a'], ['out', 'chosen']), sink('out', 'b', { valueSerde: serde }), sink('chosen', () => 'c', { keySerde: dynamic.serde })];
  const { task } = new Harness(nodes, ['a'], { stores: [{ builder, changelogTopic: 'app-s-changelog', changelogIsSource: false }] }).start();
  assert.equal(task.needsPrepareEncode, true);
  await task.prepareEncode();
  assert.deepEqual(topics, [['b', 'app-s-changelog']]);
  assert.deepEqual(dynamic.topics, [[]], 'asked too, for the topics it was told of by option');
});

test('without such serdes there is nothing to await', () => {
  const { task } = new Harness([source('in', ['a'], ['out']), sink('out', 'b')], ['a']).start();
  assert.equal(task.needsPrepareEncode, false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InternalTopicPlan, NodePlan, SubtopologyPlan } from '../../../src/runtime/plan.ts';
import { layOut } from '../../../src/runtime/topics/topic-layout.ts';

const sub = (id: number, parts: Partial<SubtopologyPlan>): SubtopologyPlan => ({
  id,
  nodes: [],
  stores: [],
  sourceTopics: [],
  repartitionSources: [],
  sinkTopics: [],
  internalTopics: [],
  copartitionGroups: [],
  fingerprint: `f${id}`,
  ...parts,
});
const repartition = (name: string, partitions?: number): InternalTopicPlan => ({
  name,
  kind: 'repartition',
  config: {},
  ...(partitions !== undefined && { partitions }),
});
const changelog = (name: string): InternalTopicPlan => ({ name, kind: 'changelog', config: {} });
const ids = (layout: ReturnType<typeof layOut>): string => layout.tasks.map((task) => task.id).join(' ');

test('a repartition topic takes the highest count upstream, changelogs the task count', () => {
  const plan = {
    subtopologies: [
      sub(0, { sourceTopics: ['a', 'b'], sinkTopics: ['x-rep'], internalTopics: [changelog('x-s-changelog')] }),
      sub(1, { repartitionSources: ['x-rep'], internalTopics: [repartition('x-rep'), changelog('x-t-changelog')] }),
    ],
  };
  const layout = layOut(
    plan,
    new Map([
      ['a', 1],
      ['b', 3],
    ]),
  );
  assert.equal(ids(layout), '0_0 0_1 0_2 1_0 1_1 1_2');
  assert.deepEqual(
    [...layout.internal].map(([name, { partitions }]) => [name, partitions]),
    [
      ['x-s-changelog', 3],
      ['x-rep', 3],
      ['x-t-changelog', 3],
    ],
  );
});

test('counts go through chains of repartition topics, whatever their order; a fixed count stays', () => {
  const plan = {
    subtopologies: [
      sub(0, { repartitionSources: ['r2'], internalTopics: [repartition('r2')] }),
      sub(1, { repartitionSources: ['r1'], sinkTopics: ['r2'], internalTopics: [repartition('r1', 5)] }),
      sub(2, { sourceTopics: ['a'], sinkTopics: ['r1'] }),
    ],
  };
  const layout = layOut(plan, new Map([['a', 2]]));
  assert.equal(layout.partitions.get('r1'), 5);
  assert.equal(layout.partitions.get('r2'), 5);
});

test('the topics of a foreign-key join are upstream of each other: each takes the count of the table that reads it', () => {
  const plan = {
    subtopologies: [
      sub(0, {
        sourceTopics: ['orders'],
        repartitionSources: ['response'],
        sinkTopics: ['registration', 'out'],
        internalTopics: [repartition('response')],
        copartitionGroups: [['orders', 'response']],
      }),
      sub(1, {
        sourceTopics: ['customers'],
        repartitionSources: ['registration'],
        sinkTopics: ['response'],
        internalTopics: [repartition('registration')],
        copartitionGroups: [['customers', 'registration']],
      }),
    ],
  };
  const layout = layOut(
    plan,
    new Map([
      ['orders', 3],
      ['customers', 2],
    ]),
  );
  assert.equal(layout.partitions.get('response'), 3);
  assert.equal(layout.partitions.get('registration'), 2);
  assert.equal(ids(layout), '0_0 0_1 0_2 1_0 1_1');
});

test('topics with nothing but each other upstream are an error', () => {
  const plan = {
    subtopologies: [
      sub(0, { repartitionSources: ['b'], sinkTopics: ['a'], internalTopics: [repartition('b')] }),
      sub(1, { repartitionSources: ['a'], sinkTopics: ['b'], internalTopics: [repartition('a')] }),
    ],
  };
  assert.throws(() => layOut(plan, new Map()), /The partition counts of a, b depend on each other/);
});

test('in a co-partition group a repartition topic takes the count of the others', () => {
  const plan = {
    subtopologies: [
      sub(0, { sourceTopics: ['wide'], sinkTopics: ['r'] }),
      sub(1, { sourceTopics: ['narrow'], repartitionSources: ['r'], internalTopics: [repartition('r')], copartitionGroups: [['narrow', 'r']] }),
    ],
  };
  const layout = layOut(
    plan,
    new Map([
      ['wide', 8],
      ['narrow', 2],
    ]),
  );
  assert.equal(layout.partitions.get('r'), 2);
  assert.equal(ids(layout).split(' ').length, 10);
});

test('co-partitioned topics that differ are an error that names topics and counts', () => {
  const plan = { subtopologies: [sub(0, { sourceTopics: ['a', 'b'], copartitionGroups: [['a', 'b']] })] };
  assert.throws(
    () =>
      layOut(
        plan,
        new Map([
          ['a', 2],
          ['b', 3],
        ]),
      ),
    { code: 'ERR_NOT_COPARTITIONED', message: /a has 2, b has 3/ },
  );
  const fixed = {
    subtopologies: [
      sub(0, { sourceTopics: ['a'], sinkTopics: ['r'] }),
      sub(1, { sourceTopics: ['a'], repartitionSources: ['r'], internalTopics: [repartition('r', 4)], copartitionGroups: [['a', 'r']] }),
    ],
  };
  assert.throws(() => layOut(fixed, new Map([['a', 2]])), /a has 2, r has 4/);
});

test('missing source topics are named, global ones too', () => {
  const plan = { subtopologies: [sub(0, { sourceTopics: ['here', 'gone'] })], global: { nodes: [], stores: [], sourceTopics: ['globe'] } };
  assert.throws(() => layOut(plan, new Map([['here', 1]])), { code: 'ERR_MISSING_SOURCE_TOPICS', message: /globe, gone/ });
});

test('a pattern matches existing topics, never internal ones', () => {
  const source: NodePlan = { kind: 'source', name: 's', topics: [], pattern: /^(?:in-.*|x-.*|__.*)$/, children: [] };
  const plan = {
    subtopologies: [sub(0, { nodes: [source], sinkTopics: ['x-r'] }), sub(1, { repartitionSources: ['x-r'], internalTopics: [repartition('x-r')] })],
  };
  const layout = layOut(
    plan,
    new Map([
      ['in-1', 2],
      ['in-2', 3],
      ['x-r', 3],
      ['__consumer_offsets', 50],
      ['other', 9],
    ]),
  );
  assert.deepEqual(layout.inputs.get(0), ['in-1', 'in-2']);
  assert.equal(layout.partitions.get('x-r'), 3);
});

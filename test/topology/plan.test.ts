import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { BufferConfig, Suppressed } from '../../src/dsl/suppressed.ts';
import { JoinWindows } from '../../src/dsl/windows/join-windows.ts';
import { SessionWindows } from '../../src/dsl/windows/session-windows.ts';
import { SlidingWindows } from '../../src/dsl/windows/sliding-windows.ts';
import { TimeWindows } from '../../src/dsl/windows/time-windows.ts';
import { UnlimitedWindows } from '../../src/dsl/windows/unlimited-windows.ts';
import type { InternalTopicPlan, SubtopologyPlan, TopologyPlan } from '../../src/runtime/plan.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { Stores } from '../../src/state/stores.ts';
import { Topology } from '../../src/topology/topology.ts';

const S = { key: serdes.string, value: serdes.string };
const MINUTE = 60_000;
const DAY = 86_400_000;
const REPARTITION = { 'cleanup.policy': 'delete', 'message.timestamp.type': 'CreateTime', 'retention.ms': '-1', 'segment.bytes': '52428800' };
const COMPACT = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' };
const windowed = (retention: number) => ({
  'cleanup.policy': 'compact,delete',
  'message.timestamp.type': 'CreateTime',
  'retention.ms': String(retention + DAY),
});
const joined = (retention: number) => ({ ...windowed(retention), 'cleanup.policy': 'delete' });

function internalTopics(plan: TopologyPlan): Map<string, InternalTopicPlan> {
  return new Map(plan.subtopologies.flatMap((part) => part.internalTopics.map((topic) => [topic.name, topic])));
}

function configs(plan: TopologyPlan): { [name: string]: { readonly [key: string]: string } } {
  return Object.fromEntries([...internalTopics(plan)].map(([name, topic]) => [name, topic.config]));
}

describe('plan: internal topics', () => {
  it('have the names and configs that Kafka Streams 4.3.0 gave them on a broker', () => {
    const builder = new StreamsBuilder();
    const input = builder.stream('in', S);
    const other = builder.stream('in2', S);
    const grouped = input.groupByKey();
    grouped.count({ store: 'kv' });
    grouped.windowedBy(TimeWindows.ofSizeAndGrace('5m', '10m')).count({ store: 'win' });
    grouped.windowedBy(SessionWindows.ofInactivityGapAndGrace('30m', '1m')).count({ store: 'ses' });
    grouped.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace('2m', '1m')).count({ store: 'sli' });
    input.groupBy((_key, value) => value, { ...S, name: 'rep' }).count({ store: 'repkv' });
    const windows = JoinWindows.ofTimeDifferenceAndGrace('3m', '1m');
    input.join(other, (left) => left, windows, { name: 'sj', store: 'sj' });
    input.leftJoin(other, (left) => left, windows, { name: 'slj', store: 'slj' });
    const table = builder.table('tab', { ...S, store: 'tab' });
    const table2 = other.toTable({ store: 'tab2', ...S });
    table.join(
      table2,
      (value) => value,
      (left) => left,
      { name: 'fk', store: 'fkres', ...S },
    );
    other.toTable({ store: Stores.persistentVersionedKeyValueStore('ver', '10m'), ...S });
    grouped
      .windowedBy(TimeWindows.ofSizeAndGrace('5m', '1m'))
      .count({ store: 'swin' })
      .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded(), { name: 'sup' }));
    input.repartition({ name: 'rp', partitions: 3 }).to('out');

    const plan = builder.build().plan({ applicationId: 'cfg' });
    assert.deepEqual(configs(plan), {
      'cfg-fk-subscription-registration-topic': REPARTITION,
      'cfg-fk-subscription-response-topic': REPARTITION,
      'cfg-fk-subscription-store-changelog': COMPACT,
      'cfg-fkres-changelog': COMPACT,
      'cfg-kv-changelog': COMPACT,
      'cfg-rep-repartition': REPARTITION,
      'cfg-repkv-changelog': COMPACT,
      'cfg-rp-repartition': REPARTITION,
      'cfg-ses-changelog': windowed(31 * MINUTE),
      'cfg-sj-other-join-store-changelog': joined(7 * MINUTE),
      'cfg-sj-this-join-store-changelog': joined(7 * MINUTE),
      'cfg-sli-changelog': windowed(5 * MINUTE),
      'cfg-slj-left-shared-join-store-changelog': COMPACT,
      'cfg-slj-outer-other-join-store-changelog': joined(7 * MINUTE),
      'cfg-slj-this-join-store-changelog': joined(7 * MINUTE),
      'cfg-sup-store-changelog': COMPACT,
      'cfg-swin-changelog': windowed(6 * MINUTE),
      'cfg-tab-changelog': COMPACT,
      'cfg-tab2-changelog': COMPACT,
      'cfg-ver-changelog': { ...COMPACT, 'min.compaction.lag.ms': String(10 * MINUTE + DAY) },
      'cfg-win-changelog': windowed(15 * MINUTE),
    });
    const topics = internalTopics(plan);
    assert.equal(topics.get('cfg-rp-repartition')?.partitions, 3);
    assert.equal(topics.get('cfg-rep-repartition')?.partitions, undefined);
    assert.equal(topics.get('cfg-win-changelog')?.retentionPeriod, 15 * MINUTE);
    assert.equal(topics.get('cfg-sj-this-join-store-changelog')?.retentionPeriod, 7 * MINUTE);
    assert.equal(topics.get('cfg-kv-changelog')?.retentionPeriod, undefined);
  });

  it('take the user’s changelog configs, but never a retention below the store’s', () => {
    const builder = new StreamsBuilder();
    const grouped = builder.stream('in', S).groupByKey();
    grouped.count({ store: 'kv', logging: { 'segment.ms': '1000', 'cleanup.policy': 'compact,delete' } });
    grouped.windowedBy(TimeWindows.ofSizeWithNoGrace('1m')).count({ store: 'win', retention: '10m', logging: { 'retention.ms': '1' } });
    grouped.windowedBy(UnlimitedWindows.of()).count({ store: 'all' });
    grouped.reduce((first) => first, { store: 'unlogged', logging: false });
    assert.deepEqual(configs(builder.build().plan({ applicationId: 'a' })), {
      'a-kv-changelog': { ...COMPACT, 'segment.ms': '1000', 'cleanup.policy': 'compact,delete' },
      'a-win-changelog': windowed(10 * MINUTE),
      'a-all-changelog': { ...windowed(0), 'retention.ms': '9223372036854775807' },
    });
  });
});

describe('plan: sub-topologies', () => {
  it('have final topic names, and co-partition groups of all topics that are joined', () => {
    const builder = new StreamsBuilder();
    const table = builder.table('users', { ...S, store: 'users' });
    const keyed = builder.stream(['clicks', 'views'], S).selectKey((_key, value) => value);
    keyed.join(table, (left) => left, { name: 'by-user' }).to('joined');
    keyed.groupByKey({ name: 'counted' }).count({ store: 'counts' });
    const [first, second, third] = builder.build().plan({ applicationId: 'app' }).subtopologies as [SubtopologyPlan, SubtopologyPlan, SubtopologyPlan];
    assert.deepEqual([first.sourceTopics, first.repartitionSources, first.sinkTopics], [['users'], ['app-by-user-repartition'], ['joined']]);
    assert.deepEqual(
      first.copartitionGroups.map((group) => [...group].sort()),
      [['app-by-user-repartition', 'users']],
    );
    assert.deepEqual(
      first.stores.map((store) => [store.builder.name, store.changelogTopic, store.changelogIsSource]),
      [['users', 'app-users-changelog', false]],
    );
    assert.deepEqual(second.sourceTopics, ['clicks', 'views']);
    assert.deepEqual([...second.sinkTopics].sort(), ['app-by-user-repartition', 'app-counted-repartition']);
    assert.deepEqual(second.copartitionGroups, []);
    assert.deepEqual(third.repartitionSources, ['app-counted-repartition']);
  });

  it('use a table’s source topic as changelog when that optimisation is on', () => {
    const builder = new StreamsBuilder();
    builder
      .table('users', { ...S, store: 'users' })
      .toStream()
      .to('out');
    const [part] = builder.build({ topologyOptimization: 'reuse.ktable.source.topics' }).plan({ applicationId: 'app' }).subtopologies as [SubtopologyPlan];
    assert.deepEqual(part.internalTopics, []);
    assert.deepEqual(
      part.stores.map((store) => [store.changelogTopic, store.changelogIsSource, store.builder.loggingEnabled]),
      [['users', true, false]],
    );
  });

  it('number global stores too, as Kafka Streams, and keep them apart', () => {
    const builder = new StreamsBuilder();
    const countries = builder.globalTable('countries', { ...S, store: 'countries' });
    builder
      .stream('in', S)
      .join(
        countries,
        (key) => key,
        (left) => left,
      )
      .to('out');
    const plan = builder.build().plan({ applicationId: 'app' });
    assert.deepEqual(
      plan.subtopologies.map((part) => part.id),
      [1],
    );
    assert.deepEqual(plan.global?.sourceTopics, ['countries']);
    assert.deepEqual(
      plan.global?.stores.map((store) => [store.builder.name, store.changelogTopic, store.builder.loggingEnabled]),
      [['countries', 'countries', false]],
    );
    assert.deepEqual(plan.subtopologies[0]?.internalTopics, []);
  });

  it('match patterns against the whole name', () => {
    const builder = new StreamsBuilder();
    builder.stream(/views-\d/, S).to('out');
    const source = builder.build().plan({ applicationId: 'app' }).subtopologies[0]?.nodes[0];
    assert.ok(source?.kind === 'source' && source.pattern !== undefined);
    assert.deepEqual(
      ['views-1', 'views-12', 'my-views-1'].map((topic) => source.pattern?.test(topic)),
      [true, false, false],
    );
  });

  it('have a fingerprint that follows nodes, topics and stores, and nothing else', () => {
    const fingerprint = (change: { topic?: string; store?: string; suffix?: string; size?: string }) => {
      const builder = new StreamsBuilder();
      builder
        .stream(change.topic ?? 'in', S)
        .mapValues((value) => value + (change.suffix ?? ''))
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace((change.size ?? '5m') as '5m'))
        .count({ store: change.store ?? 'store' });
      return builder.build().plan({ applicationId: 'app' }).subtopologies[0]?.fingerprint;
    };
    assert.equal(fingerprint({}), fingerprint({ suffix: 'other function' }));
    assert.equal(new Set([fingerprint({}), fingerprint({ topic: 'other' }), fingerprint({ store: 'other' }), fingerprint({ size: '6m' })]).size, 4);
  });

  it('partition windowed keys by the inner key', () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', S)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .count()
      .toStream()
      .to('out', { key: serdes.timeWindowed(serdes.string, 10), value: serdes.long });
    const sink = builder
      .build()
      .plan({ applicationId: 'app' })
      .subtopologies[0]?.nodes.find((node) => node.kind === 'sink');
    assert.ok(sink?.kind === 'sink' && sink.partitioner !== undefined);
    const partitioner = sink.partitioner as (topic: string, key: unknown, value: unknown, partitions: number) => number;
    const partitions = [0, 10, 990].map((start) => partitioner('out', { key: 'user-7', window: { start, end: start + 10 } }, 1, 32));
    assert.equal(new Set(partitions).size, 1);
    assert.notEqual(partitioner('out', { key: 'user-8', window: { start: 0, end: 10 } }, 1, 32), partitions[0]);
  });

  it('refuse an empty topology', () => {
    assert.throws(() => new Topology().plan({ applicationId: 'app' }), /empty: add at least one source/);
  });
});

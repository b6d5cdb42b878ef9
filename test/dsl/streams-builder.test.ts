import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TopologyConfig } from '../../src/dsl/build-config.ts';
import type { KStream } from '../../src/dsl/kstream.ts';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { BufferConfig, type BufferLimits, Suppressed } from '../../src/dsl/suppressed.ts';
import { EmitStrategy } from '../../src/dsl/windows/emit-strategy.ts';
import { JoinWindows } from '../../src/dsl/windows/join-windows.ts';
import { SessionWindows } from '../../src/dsl/windows/session-windows.ts';
import { SlidingWindows } from '../../src/dsl/windows/sliding-windows.ts';
import { TimeWindows } from '../../src/dsl/windows/time-windows.ts';
import { UnlimitedWindows } from '../../src/dsl/windows/unlimited-windows.ts';
import { ConfigError, type StreamsError, TopologyError } from '../../src/errors.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { Stores } from '../../src/state/stores.ts';

const S = { key: serdes.string, value: serdes.string };

type Build = (builder: StreamsBuilder, stream: KStream<string, string>) => void;

function build(define: Build, config: TopologyConfig = {}) {
  const builder = new StreamsBuilder(config);
  define(builder, builder.stream('in', S));
  return builder.build();
}

function refuses(define: Build, message: RegExp, config: TopologyConfig = {}, kind: typeof StreamsError = TopologyError): void {
  assert.throws(
    () => build(define, config),
    (error) => error instanceof kind && message.test(error.message),
    String(message),
  );
}

function nodeNames(define: Build): string[] {
  return build(define)
    .describe()
    .subtopologies.flatMap((part) => part.nodes.map((node) => node.name))
    .sort();
}

describe('StreamsBuilder.build', () => {
  it('can be called again: after more operators, and with another configuration', () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', S).selectKey((key) => key);
    stream.groupByKey().count({ store: 'c' });
    stream.groupByKey().reduce((first) => first, { store: 'r' });
    builder.table('t', { ...S, store: 't' });
    const first = String(builder.build().describe());
    const optimised = builder.build({ topologyOptimization: 'all' });
    assert.equal(optimised.describe().subtopologies.length, 3);
    assert.equal(String(builder.build().describe()), first);
    stream.to('out');
    assert.match(String(builder.build().describe()), /KSTREAM-SINK-\d+ \(topic: out\)/);
  });

  it('takes configuration from the constructor and from build, which overrides', () => {
    const builder = new StreamsBuilder({ topologyOptimization: 'all' });
    builder.table('t', { ...S, store: 't' });
    const changelog = (config?: TopologyConfig) => builder.build(config).plan({ applicationId: 'a' }).subtopologies[0]?.stores[0]?.changelogTopic;
    assert.equal(changelog(), 't');
    assert.equal(changelog({ topologyOptimization: 'none' }), 'a-t-changelog');
    assert.equal(changelog({ topologyOptimization: ['merge.repartition.topics', 'reuse.ktable.source.topics'] }), 't');
  });

  it('wraps processors where it is told to', () => {
    const wrapped: string[] = [];
    build((_builder, stream) => stream.filter(() => true).to('out'), {
      processorWrapper: (name, supplier) => {
        wrapped.push(name);
        return supplier as never;
      },
    });
    assert.deepEqual(wrapped, ['KSTREAM-FILTER-0000000001']);
  });

  it('merges streams of the same topics or pattern into one source', () => {
    const names = nodeNames((builder) => {
      builder.stream(/x.*/, S).to('a');
      builder.stream(/x.*/, S).to('b');
      builder.stream(['t2', 't1'], S).to('c');
      builder.stream(['t1', 't2'], S).to('d');
    });
    assert.equal(names.filter((name) => name.includes('SOURCE')).length, 3);
    refuses((builder) => void builder.stream(['in', 'other'], S), /share topic in but not all topics/);
    refuses((builder) => void builder.stream('in', { ...S, offsetReset: 'latest' }), /different offsetReset/);
  });
});

describe('names', () => {
  it('take an index also where the user gave one, and a spare one for a store without a name', () => {
    assert.deepEqual(
      nodeNames((_builder, stream) => stream.filter(() => true, { name: 'mine' }).to('out')),
      ['KSTREAM-SINK-0000000002', 'KSTREAM-SOURCE-0000000000', 'mine'],
    );
    assert.ok(nodeNames((_builder, stream) => void stream.groupByKey().count()).includes('KSTREAM-AGGREGATE-0000000002'));
    assert.ok(nodeNames((_builder, stream) => void stream.groupByKey().count(S as never)).includes('KSTREAM-AGGREGATE-0000000003'));
    assert.ok(nodeNames((_builder, stream) => void stream.groupByKey().count({ store: 's' })).includes('KSTREAM-AGGREGATE-0000000001'));
  });

  it('must be able to stand in a topic', () => {
    for (const name of ['', 'a b', 'ä', '.', '..', 'x'.repeat(250)])
      refuses((_builder, stream) => void stream.filter(() => true, { name }), /a name has 1 to 249 characters/);
    refuses((_builder, stream) => void stream.groupByKey().count({ store: 'a/b' }), /Name of a store is "a\/b"/);
  });

  it('of the user’s own are asked for with ensureExplicitInternalResourceNaming', () => {
    const explicit = { ensureExplicitInternalResourceNaming: true };
    refuses(
      (_builder, stream) => void stream.groupBy((key) => key).count(),
      /changelog topics without a name: KSTREAM-AGGREGATE-STATE-STORE-0000000002-changelog; state stores .*; repartition topics /,
      explicit,
    );
    refuses((_builder, stream) => void stream.repartition(), /repartition topics without a name: KSTREAM-REPARTITION-0000000001-repartition/, explicit);
    assert.doesNotThrow(() => build((_builder, stream) => void stream.groupBy((key) => key, { name: 'by-key' }).count({ store: 'counts' }), explicit));
    assert.doesNotThrow(() => build((_builder, stream) => void stream.groupBy((key) => key).count({ store: 'counts' }), explicit));
  });
});

describe('windows', () => {
  it('refuse what cannot be', () => {
    const wrong: [() => unknown, RegExp][] = [
      [() => TimeWindows.ofSizeWithNoGrace(0), /Window size is 0 ms: it must be positive/],
      [() => TimeWindows.ofSizeAndGrace(10, -1), /Grace period is -1 ms/],
      [() => TimeWindows.ofSizeWithNoGrace(10).advanceBy(11), /Window advance is 11 ms.*not more than the window size of 10 ms/],
      [() => TimeWindows.ofSizeWithNoGrace(10).advanceBy(0), /Window advance is 0 ms/],
      [() => SlidingWindows.ofTimeDifferenceWithNoGrace(-1), /Time difference of sliding windows is -1 ms/],
      [() => SessionWindows.ofInactivityGapWithNoGrace(0), /Inactivity gap is 0 ms/],
      [() => UnlimitedWindows.of().startOn(-1), /must not be before the epoch/],
      [() => JoinWindows.ofTimeDifferenceWithNoGrace(5).before(-6), /Join window ends before it starts/],
      [() => BufferConfig.maxRecords(-1), /maxRecords of a suppress buffer is -1/],
      [() => Suppressed.untilWindowCloses(BufferConfig.maxBytes(1) as unknown as BufferLimits<true>), /needs a buffer that never emits early/],
      [() => Suppressed.untilTimeLimit(-1, BufferConfig.unbounded()), /Time limit of suppress is -1 ms/],
    ];
    for (const [make, message] of wrong) assert.throws(make, (error) => error instanceof TopologyError && message.test(error.message), String(message));
    assert.throws(() => TimeWindows.ofSizeWithNoGrace('5 min' as never), ConfigError);
    assert.throws(
      () => build((_builder, stream) => void stream.groupByKey().windowedBy(UnlimitedWindows.of()).emitStrategy(EmitStrategy.onWindowClose())),
      /never close/,
    );
  });

  it('take durations with units, and negative sides of a join window', () => {
    assert.equal(TimeWindows.ofSizeAndGrace('5m', '30s').graceMs, 30_000);
    const windows = JoinWindows.ofTimeDifferenceAndGrace('8ms', '1s').after(-2);
    assert.deepEqual([windows.beforeMs, windows.afterMs, windows.sizeMs, windows.graceMs], [8, -2, 6, 1000]);
  });

  it('must be kept for as long as they are open', () => {
    const retention = { store: 's', retention: 12 };
    refuses(
      (_b, stream) => void stream.groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(10, 5)).count(retention),
      /Retention of window store s is 12 ms.*window size of 10 ms plus the grace period of 5 ms/,
    );
    refuses(
      (_b, stream) => void stream.groupByKey().windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(5, 5)).count(retention),
      /twice the time difference of 5 ms/,
    );
    refuses((_b, stream) => void stream.groupByKey().windowedBy(SessionWindows.ofInactivityGapAndGrace(10, 5)).count(retention), /inactivity gap of 10 ms/);
  });
});

describe('operators', () => {
  it('refuse stores of another kind', () => {
    refuses(
      (_b, stream) => void stream.groupByKey().count({ store: Stores.persistentWindowStore('w', 10, 10, false) }),
      /Store w is a window store, but this table needs/,
    );
    refuses(
      (_b, stream) =>
        void stream
          .groupByKey()
          .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
          .count({ store: Stores.inMemoryKeyValueStore('k') }),
      /Store k is a key-value store, but a windowed/,
    );
    refuses(
      (_b, stream) =>
        void stream
          .groupByKey()
          .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10))
          .count({ store: Stores.inMemoryKeyValueStore('k') }),
      /needs a session store/,
    );
    refuses((builder) => void builder.globalTable('g', { ...S, store: Stores.persistentVersionedKeyValueStore('v', '1h') }), /cannot have a versioned store/);
  });

  it('join streams only with stores that fit the windows', () => {
    const windows = JoinWindows.ofTimeDifferenceAndGrace(10, 5);
    const fitting = (name: string) => Stores.persistentWindowStore(name, 25, 20, true);
    const join =
      (thisStore: ReturnType<typeof fitting>, otherStore: ReturnType<typeof fitting>): Build =>
      (builder, stream) => {
        stream.join(builder.stream('other', S), (left) => left, windows, { thisStore, otherStore });
      };
    assert.doesNotThrow(() => build(join(fitting('a'), fitting('b'))));
    refuses(join(fitting('a'), fitting('a')), /Both store suppliers of a stream-stream join are named a/);
    refuses(join(Stores.persistentWindowStore('a', 25, 20, false), fitting('b')), /must retain duplicates/);
    refuses(join(Stores.persistentWindowStore('a', 30, 20, true), fitting('b')), /needs size 20 ms and retention 25 ms/);
  });

  it('join with grace only versioned tables whose history is long enough', () => {
    const join =
      (history: number | undefined): Build =>
      (builder, stream) => {
        const store = history === undefined ? 't' : Stores.persistentVersionedKeyValueStore('t', history);
        stream.join(builder.table('t', { ...S, store }), (left) => left, { grace: 10 });
      };
    assert.doesNotThrow(() => build(join(10)));
    refuses(join(undefined), /for which its table must be versioned/);
    const derived =
      (options: { store?: string }): Build =>
      (builder, stream) => {
        const table = builder.table('t', { ...S, store: Stores.persistentVersionedKeyValueStore('t', 10) });
        stream.join(
          table.filter(() => true, options),
          (left) => left,
          { grace: 10 },
        );
      };
    assert.doesNotThrow(() => build(derived({})));
    refuses(derived({ store: 'unversioned' }), /for which its table must be versioned/);
    refuses(join(5), /grace period of 10 ms but its table keeps only 5 ms/);
  });

  it('suppress until windows close only behind windows, and never a versioned table', () => {
    const untilClose = Suppressed.untilWindowCloses(BufferConfig.unbounded());
    refuses(
      (builder) =>
        void builder
          .table('t', S)
          .filter(() => true)
          .suppress(untilClose),
      /only defined for windowed computations.*KTABLE-SOURCE-\d+ -> KTABLE-FILTER/,
    );
    const versioned = { ...S, store: Stores.persistentVersionedKeyValueStore('v', '1h') };
    const forAWhile = Suppressed.untilTimeLimit(5, BufferConfig.unbounded());
    refuses((builder) => void builder.table('t', versioned).suppress(forAWhile), /only tables that are not versioned/);
    refuses(
      (builder) =>
        void builder
          .table('t', versioned)
          .filter(() => true)
          .suppress(forAWhile),
      /follows a versioned table/,
    );
  });

  it('wait for the longest grace of the windows upstream', () => {
    const windowed = (stream: KStream<string, string>, grace: number, store: string) =>
      stream.groupByKey().windowedBy(SessionWindows.ofInactivityGapAndGrace(10, grace)).count({ store });
    assert.doesNotThrow(() =>
      build((_b, stream) => {
        windowed(stream, 5, 'a')
          .join(windowed(stream, 7, 'b'), (left) => left)
          .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()));
      }),
    );
  });

  it('refuse repartition counts that differ where they must not', () => {
    refuses((_b, stream) => void stream.repartition({ partitions: 0 }), /partitions of repartition .* is 0/);
    refuses((_b, stream) => {
      const first = stream.repartition({ name: 'first', partitions: 2 });
      first.join(stream.repartition({ name: 'second', partitions: 3 }), (left) => left, JoinWindows.ofTimeDifferenceWithNoGrace(5));
    }, /first-repartition has 2, second-repartition has 3/);
  });

  it('refuse a windowed key serde without an inner one at a sink', () => {
    refuses((_b, stream) => {
      const counts = stream.groupByKey().windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5)).count().toStream();
      counts.to('out', { key: serdes.sessionWindowed<string>() });
    }, /needs its inner serde, which decides the partition/);
  });

  it('refuse configuration that is not allowed', () => {
    refuses(() => {}, /topologyOptimization is "some": allowed are 'none', 'all'/, { topologyOptimization: 'some' }, ConfigError);
    refuses(() => {}, /'all' and 'none' stand alone/, { topologyOptimization: 'all,merge.repartition.topics' }, ConfigError);
    refuses(() => {}, /dslStoreSuppliers is "rocksdb": allowed are sqlite, memory/, { dslStoreSuppliers: 'rocksdb' as never }, ConfigError);
  });

  it('put branches into the map under the splitter’s name, with what chain returns, without what consumer takes', () => {
    const builder = new StreamsBuilder();
    const taken: unknown[] = [];
    const branches = builder
      .stream('in', S)
      .split({ name: 'x-' })
      .branch(() => true, { name: 'fn', chain: (stream) => stream.mapValues((value) => value) })
      .branch(() => true, { chain: () => null })
      .branch(() => true, { consumer: (stream) => taken.push(stream) })
      .defaultBranch();
    assert.deepEqual([...branches.keys()], ['x-fn', 'x-0']);
    assert.equal(taken.length, 1);
  });
});

import fc from 'fast-check';
import type { AnyStream, AnyTable } from '../../src/dsl/erased.ts';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { BufferConfig, Suppressed } from '../../src/dsl/suppressed.ts';
import { EmitStrategy } from '../../src/dsl/windows/emit-strategy.ts';
import { JoinWindows } from '../../src/dsl/windows/join-windows.ts';
import { SessionWindows } from '../../src/dsl/windows/session-windows.ts';
import { SlidingWindows } from '../../src/dsl/windows/sliding-windows.ts';
import { TimeWindows } from '../../src/dsl/windows/time-windows.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import type { Windowed } from '../../src/state/contract/values.ts';
import type { Topology } from '../../src/topology/topology.ts';

export const STREAM_TOPICS = ['s0', 's1'] as const;
export const TABLE_TOPICS = ['t0', 't1'] as const;
const KEYS = ['a', 'b', 'c', 'd'] as const;

/** One operator: which, on which of the streams or tables there are, and with which numbers. All are taken modulo what there is. */
export interface Operation {
  readonly verb: (typeof VERBS)[number];
  readonly on: number;
  readonly other: number;
  readonly option: number;
  /** Results of table operators get a store of their own. */
  readonly store: boolean;
}

export interface InputRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: number | null;
  readonly timestamp: number;
}

const VERBS = [
  'filter',
  'mapValues',
  'selectKey',
  'merge',
  'repartition',
  'toTable',
  'aggregate',
  'window',
  'session',
  'closedWindow',
  'suppressClosed',
  'streamTableJoin',
  'streamJoin',
  'tableFilter',
  'tableMapValues',
  'toStream',
  'tableGroupBy',
  'tableJoin',
  'foreignKeyJoin',
  'suppress',
  'cogroup',
] as const;

/**
 * What may be said of a stream or table when record caches are on, which let only the last of several updates of a key through:
 *
 * - of a `sequence`, every update comes, in the same order: streams from topics, and what is made of them record by record;
 * - of the others only what they end with is the same. Such a stream cannot be filtered, regrouped, merged or joined (an update that nobody sees has no effect), such a table
 *   cannot be looked up by a stream in between.
 */
interface Known {
  /** Every update is the same whatever the caches do. */
  readonly sequence: boolean;
}

interface KnownTable extends Known {
  /** A read of the table sees every update that was processed before, cached or not. */
  readonly current: boolean;
  /**
   * The old values that it sends are those that it sent before as new ones. As in Kafka Streams not so of joins, whose old value is made with the other side's present row, nor of
   * aggregates, whose first old value is the initial one, but with a cache null.
   */
  readonly oldValues: boolean;
  /** Topics that it is made of. A key join of tables of one origin sees both sides change at once, and does not send what was deleted, as in Kafka Streams. */
  readonly origins: ReadonlySet<string>;
  readonly table: AnyTable;
}

interface KnownStream extends Known {
  readonly origins: ReadonlySet<string>;
  readonly stream: AnyStream;
}

const WITH = { key: serdes.string, value: serdes.long };
const name = (key: Windowed<string>): string => `${key.key}@${key.window.start}-${key.window.end}`;
const letter = (value: number): string => KEYS[((value % 4) + 4) % 4] as string;
/** Different for (a, b) and (b, a), and for a side that is missing. */
const combine = (left: number | null, right: number | null): number => ((left ?? -1) * 31 + (right ?? -1)) % 100_003;
/** Sum and number of a group's rows in one number, so that the last row takes its group with it: whether a group that has come and gone left a 0 behind depends on the cache. */
const ROW = 1_000_000_000;
/** A row's part in the sum: of a value that is such a sum itself, or less than 0, too. */
const part = (value: number): number => ROW + (((value % 100_003) + 100_003) % 100_003);

/** Builds topologies out of operations. `caches`: only what has the same final tables whatever the caches do. */
class Application {
  readonly builder = new StreamsBuilder();
  private readonly streams: KnownStream[] = [];
  private readonly tables: KnownTable[] = [];
  private readonly engine: 'sqlite' | 'memory';
  private readonly scale: number;
  private readonly caches: boolean;
  private stores = 0;

  constructor(engine: 'sqlite' | 'memory', scale: number, caches: boolean) {
    this.engine = engine;
    this.scale = scale;
    this.caches = caches;
    for (const topic of STREAM_TOPICS)
      this.streams.push({ stream: this.builder.stream<string, number>(topic, WITH), sequence: true, origins: new Set([topic]) });
    for (const topic of TABLE_TOPICS) {
      const table = this.builder.table<string, number>(topic, { ...WITH, ...this.materialized() });
      this.tables.push({ table, sequence: false, current: true, oldValues: true, origins: new Set([topic]) });
    }
  }

  build(): Topology {
    this.streams.slice(STREAM_TOPICS.length).forEach(({ stream }, index) => {
      stream.to(`stream-${index}`, WITH);
    });
    this.tables.forEach(({ table }, index) => {
      table.toStream().to(`table-${index}`, WITH);
    });
    return this.builder.build();
  }

  add({ verb, on, other, option, store }: Operation): void {
    const streams = this.caches ? this.streams.filter(({ sequence }) => sequence) : this.streams;
    const { stream, sequence, origins } = streams[on % streams.length] as KnownStream;
    const { stream: otherStream, sequence: otherSequence, origins: otherOrigins } = streams[other % streams.length] as KnownStream;
    const table = this.tables[on % this.tables.length] as KnownTable;
    const otherTable = this.tables[other % this.tables.length] as KnownTable;
    const kept = store ? this.materialized() : {};
    // More than they need be: of everything that the operation might have used.
    const all = new Set([...origins, ...otherOrigins, ...table.origins, ...otherTable.origins]);
    const push = (made: AnyStream, inOrder = sequence): number => this.streams.push({ stream: made, sequence: inOrder, origins: all });
    const pushTable = (made: AnyTable, facts: Partial<KnownTable>): number =>
      this.tables.push({ table: made, sequence: false, current: false, oldValues: true, origins: originsOf(verb), ...facts });
    const originsOf = (kind: Operation['verb']): ReadonlySet<string> => {
      if (kind === 'tableJoin' || kind === 'foreignKeyJoin') return new Set([...table.origins, ...otherTable.origins]);
      if (kind.startsWith('table') || kind === 'suppress') return table.origins;
      return kind === 'cogroup' ? new Set([...origins, ...otherOrigins]) : origins;
    };
    switch (verb) {
      case 'filter':
        return void push(stream.filter((_key, value) => value === null || value % 3 !== option % 3));
      case 'mapValues':
        return void push(stream.mapValues((value) => (value === null ? null : value + option)));
      case 'selectKey':
        return void push(stream.selectKey((key, value) => (value === null ? key : letter(value + option))));
      case 'merge':
        return void push(stream.merge(otherStream), sequence && otherSequence);
      case 'repartition':
        return void push(stream.repartition(WITH));
      case 'toTable':
        return void pushTable(stream.toTable({ ...WITH, ...this.materialized() }), { current: sequence });
      case 'aggregate':
        return void pushTable(this.aggregate(stream, option), { current: sequence, oldValues: option % 3 === 1 });
      case 'window':
        return void pushTable(this.unwindowed(this.window(stream, option, false)), {});
      case 'session':
        return void pushTable(this.unwindowed(this.session(stream, option)), {});
      case 'closedWindow':
        return void pushTable(this.unwindowed(this.window(stream, option % 2, true)), {});
      case 'suppressClosed': {
        // A session that a late record merges with the next closes before it does or never, depending on whether the cache has it still.
        const windowed = option % 3 === 0 && !this.caches ? this.session(stream, option) : this.window(stream, option % 2, false);
        return void pushTable(this.unwindowed(windowed.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))), {});
      }
      case 'streamTableJoin': {
        if (this.caches && !otherTable.current) return;
        return void push(option % 2 === 0 ? stream.join(otherTable.table, combine, WITH) : stream.leftJoin(otherTable.table, combine, WITH));
      }
      case 'streamJoin': {
        const windows = JoinWindows.ofTimeDifferenceAndGrace(10 * this.scale, 10 * this.scale).before((option % 3) * 5 * this.scale);
        const joined = { ...WITH, otherValue: serdes.long, engine: this.engine };
        const method = (['join', 'leftJoin', 'outerJoin'] as const)[option % 3] as 'join';
        return void push(stream[method](otherStream, combine, windows, joined), sequence && otherSequence);
      }
      case 'tableFilter':
        return void pushTable(
          table.table.filter((_key, value) => value % 3 !== option % 3, { ...WITH, ...kept }),
          this.derived(table, store),
        );
      case 'tableMapValues':
        return void pushTable(
          table.table.mapValues((value) => value + option, { ...WITH, ...kept }),
          this.derived(table, store),
        );
      case 'toStream':
        return void push(table.table.toStream(), false);
      case 'tableGroupBy': {
        if (this.caches && !table.oldValues) return;
        const grouped = table.table.groupBy((key, value) => [option % 2 === 0 ? letter(value) : key, value], WITH);
        const functions = {
          initializer: () => 0,
          adder: (_key: string, value: number, sum: number) => sum + part(value),
          subtractor: (_key: string, value: number, sum: number) => (sum < 2 * ROW ? null : sum - part(value)),
        };
        return void pushTable(grouped.aggregate(functions, { ...WITH, ...this.materialized() }), {});
      }
      case 'tableJoin': {
        if (this.caches && [...table.origins].some((origin) => otherTable.origins.has(origin))) return;
        // An inner join does not send the deletion of a row whose other side has gone too, as in Kafka Streams: behind caches both may have gone before either is sent.
        const methods = this.caches ? (['leftJoin', 'outerJoin'] as const) : (['join', 'leftJoin', 'outerJoin'] as const);
        const method = methods[option % methods.length] as 'join';
        return void pushTable(table.table[method](otherTable.table, combine, { ...WITH, ...kept }), {
          current: !store && table.current && otherTable.current,
          oldValues: false,
        });
      }
      case 'foreignKeyJoin': {
        const extractor = (value: number): string | null => (value % 7 === 0 ? null : letter(value + option));
        // An inner join may keep a result for good when a row changes twice before its first change is answered, as in Kafka Streams: which changes meet depends on the cache.
        const method = (this.caches ? 'leftJoin' : (['join', 'leftJoin'] as const)[option % 2]) as 'join';
        return void pushTable(table.table[method](otherTable.table, extractor, combine, { ...WITH, ...kept }), { oldValues: false });
      }
      case 'suppress': {
        // What is still held back at the end depends on when updates come.
        if (this.caches) return;
        const limits = option % 2 === 0 ? BufferConfig.maxRecords(2) : BufferConfig.unbounded();
        return void pushTable(table.table.suppress(Suppressed.untilTimeLimit(10 * this.scale, limits)), {});
      }
      case 'cogroup': {
        const sum = (_key: string, value: number | null, total: number): number => (total * 3 + (value ?? 0)) % 100_003;
        // Two repartition topics of one store need names.
        const group = (side: number) => ({ ...WITH, name: `cogroup-${this.stores}-${side}` });
        const grouped = stream
          .groupByKey(group(0))
          .cogroup(sum)
          .cogroup(otherStream.groupByKey(group(1)), sum);
        return void pushTable(grouped.aggregate({ initializer: () => 1 }, { ...WITH, ...this.materialized() }), {
          current: sequence && otherSequence,
          oldValues: false,
        });
      }
    }
  }

  private derived(table: KnownTable, store: boolean): Partial<KnownTable> {
    return { current: !store && table.current, oldValues: table.oldValues };
  }

  /** A name of its own: stores that have none share those of the tables before them. */
  private materialized(): { store: string; engine: 'sqlite' | 'memory' } {
    return { store: `store-${this.stores++}`, engine: this.engine };
  }

  private aggregate(stream: AnyStream, option: number): AnyTable {
    const grouped = option % 2 === 0 ? stream.groupByKey(WITH) : stream.groupBy((key, value) => (value === null ? key : letter(value)), WITH);
    const options = { ...WITH, ...this.materialized() };
    if (option % 3 === 0) return grouped.count(options);
    if (option % 3 === 1) return grouped.reduce((left, right) => (left * 3 + right) % 100_003, options);
    // Order matters, and some results are deletions.
    const aggregator = (_key: string, value: number, sum: number): number | null => (value % 5 === 0 ? null : (sum * 3 + value) % 100_003);
    return grouped.aggregate({ initializer: () => 1, aggregator }, options);
  }

  private window(stream: AnyStream, option: number, final: boolean): AnyTable {
    // A null makes a result of null, which moves the time of a suppress after it, but is not sent by a cache that knows of no value before.
    const grouped = (this.caches ? stream.filter((_key, value) => value !== null) : stream).groupByKey(WITH);
    const { scale } = this;
    const windows = TimeWindows.ofSizeAndGrace(20 * scale, 10 * scale);
    const windowed =
      option % 3 === 2
        ? grouped.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10 * scale, 10 * scale))
        : grouped.windowedBy(option % 3 === 0 ? windows : windows.advanceBy(10 * scale));
    const emitting = final ? windowed.emitStrategy(EmitStrategy.onWindowClose()) : windowed;
    return emitting.reduce((left: number, right: number) => (left * 3 + right) % 100_003, { ...WITH, ...this.materialized() });
  }

  private session(stream: AnyStream, option: number): AnyTable {
    const windowed = stream.groupByKey(WITH).windowedBy(SessionWindows.ofInactivityGapAndGrace(5 * this.scale, (option % 3) * 10 * this.scale));
    // As in Kafka Streams a cache still finds a session that the store below no longer shows: with this retention it shows all.
    const kept = this.caches ? { retention: 1_000_000 * this.scale } : {};
    return windowed.count({ ...this.materialized(), ...WITH, ...kept });
  }

  /** A table of the windows under plain keys, so that it can go on. */
  private unwindowed(windowed: AnyTable): AnyTable {
    // Of the sessions that merged, and of the windows' updates, the last is what counts: caches do not change it.
    return windowed.toStream((key: Windowed<string>) => name(key)).toTable({ ...WITH, ...this.materialized() });
  }
}

export interface Program {
  readonly operations: readonly Operation[];
  /** Milliseconds that all times are multiplied with: small, and so large that windows leave the stores. */
  readonly scale: number;
}

export function buildApplication(program: Program, options: { readonly engine: 'sqlite' | 'memory'; readonly caches: boolean }): Topology {
  const application = new Application(options.engine, program.scale, options.caches);
  for (const operation of program.operations) application.add(operation);
  return application.build();
}

const small = fc.nat({ max: 11 });

export const programs: fc.Arbitrary<Program> = fc.record({
  operations: fc.array(fc.record({ verb: fc.constantFrom(...VERBS), on: small, other: small, option: small, store: fc.boolean() }), {
    minLength: 1,
    maxLength: 7,
  }),
  scale: fc.constantFrom(1, 4000),
});

/** Records of all topics, mostly in the order of time; rows of tables, and some records of streams, are null. */
export const inputs: fc.Arbitrary<readonly InputRecord[]> = fc
  .array(
    fc.record({
      topic: fc.constantFrom(...STREAM_TOPICS, ...TABLE_TOPICS),
      key: fc.constantFrom(...KEYS),
      value: fc.option(fc.nat({ max: 30 }), { freq: 6, nil: null }),
      step: fc.nat({ max: 9 }),
      late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 50 }) }),
    }),
    { minLength: 1, maxLength: 40, size: 'max' },
  )
  .map((records) => {
    let time = 100;
    return records.map(({ step, late, ...record }) => {
      time += step;
      return { ...record, timestamp: time - late };
    });
  });

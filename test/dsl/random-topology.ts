import type { AnyFunction, AnyStream, AnyTable, Untyped } from '../../src/dsl/erased.ts';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { BufferConfig, Suppressed } from '../../src/dsl/suppressed.ts';
import { JoinWindows } from '../../src/dsl/windows/join-windows.ts';
import { SessionWindows } from '../../src/dsl/windows/session-windows.ts';
import { SlidingWindows } from '../../src/dsl/windows/sliding-windows.ts';
import { TimeWindows } from '../../src/dsl/windows/time-windows.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { Stores } from '../../src/state/stores.ts';
import type { Topology } from '../../src/topology/topology.ts';

const WITH_SERDES = { key: serdes.string, value: serdes.string };
const JOIN_WINDOWS = JoinWindows.ofTimeDifferenceAndGrace(5, 5);
const JOINS: { readonly [kind: string]: 'join' | 'leftJoin' | 'outerJoin' } = { inner: 'join', left: 'leftJoin', outer: 'outerJoin' };
const SAME: AnyFunction = (value) => value;
const ALL = { initializer: SAME, aggregator: SAME, merger: SAME, adder: SAME, subtractor: SAME };

/** `-` for none. */
function options(name: string, materialized = '-'): Untyped {
  const named = name === '-' ? {} : { name };
  if (materialized === '-') return named;
  return materialized === 'with' ? { ...named, ...WITH_SERDES } : { ...named, ...WITH_SERDES, store: materialized };
}

function versioned(name: string) {
  return Stores.persistentVersionedKeyValueStore(name, '1h');
}

function windows(kind: string): Untyped {
  if (kind === 'sliding') return SlidingWindows.ofTimeDifferenceAndGrace(5, 5);
  return kind === 'session' ? SessionWindows.ofInactivityGapAndGrace(5, 5) : TimeWindows.ofSizeAndGrace(5, 5);
}

/** Streams, tables and groupings of a script, by number. */
class Pools {
  readonly builder = new StreamsBuilder();
  readonly streams: AnyStream[] = [];
  readonly tables: AnyTable[] = [];
  readonly grouped: Untyped[] = [];
  readonly groupedTables: Untyped[] = [];
  readonly globals: Untyped[] = [];
  config = { topologyOptimization: 'none', ensureExplicitInternalResourceNaming: false };
  sinks = 0;

  stream(index: string | undefined): Untyped {
    return this.streams[Number(index)];
  }

  table(index: string | undefined): Untyped {
    return this.tables[Number(index)];
  }
}

type Command = (pools: Pools, args: readonly string[]) => void;

/** An operator of a stream with one function: `verb stream name`. */
function streamVerb(verb: string): Command {
  return (pools, [index, name = '-']) => {
    pools.streams.push(pools.stream(index)[verb](() => true, options(name)));
  };
}

/** An operator of a table with one function: `verb table name store`. */
function tableVerb(verb: string, argument: unknown): Command {
  return (pools, [index, name = '-', store]) => {
    pools.tables.push(pools.table(index)[verb](argument, options(name, store)));
  };
}

function processVerb(verb: string): Command {
  return (pools, [index, name = '-']) => {
    pools.streams.push(pools.stream(index)[verb](() => ({ process() {} }), options(name)));
  };
}

const COMMANDS: { readonly [command: string]: Command } = {
  opt: (pools, [optimization = 'none', explicit]) => {
    pools.config = { topologyOptimization: optimization, ensureExplicitInternalResourceNaming: explicit === 'explicit' };
  },
  stream: (pools, [topic = '', name = '-']) => pools.streams.push(pools.builder.stream(topic, options(name))),
  table: (pools, [topic = '', name = '-', store]) => pools.tables.push(pools.builder.table(topic, { ...WITH_SERDES, ...options(name, store) })),
  global: (pools, [topic = '', name = '-', store]) => pools.globals.push(pools.builder.globalTable(topic, { ...WITH_SERDES, ...options(name, store) })),
  filter: streamVerb('filter'),
  map: streamVerb('map'),
  mapValues: streamVerb('mapValues'),
  flatMap: streamVerb('flatMap'),
  flatMapValues: streamVerb('flatMapValues'),
  selectKey: streamVerb('selectKey'),
  peek: streamVerb('peek'),
  process: processVerb('process'),
  processValues: processVerb('processValues'),
  foreach: (pools, [index, name = '-']) => pools.stream(index).foreach(SAME, options(name)),
  merge: (pools, [index, other, name = '-']) => pools.streams.push(pools.stream(index).merge(pools.stream(other), options(name))),
  repartition: (pools, [index, name = '-']) => pools.streams.push(pools.stream(index).repartition(options(name))),
  toTable: (pools, [index, name = '-', store]) => pools.tables.push(pools.stream(index).toTable(options(name, store))),
  to: (pools, [index, name = '-']) => pools.stream(index).to(`out${pools.sinks++}`, options(name)),
  split: (pools, [index, name = '-', count]) => {
    const branches = pools.stream(index).split(options(name));
    for (let i = 0; i < Number(count); i++) branches.branch(() => true);
    const map: Map<string, AnyStream> = branches.defaultBranch();
    for (const key of [...map.keys()].sort()) pools.streams.push(map.get(key) as AnyStream);
  },
  groupByKey: (pools, [index, name = '-']) => pools.grouped.push(pools.stream(index).groupByKey(options(name))),
  groupBy: (pools, [index, name = '-']) => pools.grouped.push(pools.stream(index).groupBy(SAME, options(name))),
  agg: (pools, [index, window = 'none', kind, name = '-', store]) => {
    const grouped = pools.grouped[Number(index)];
    const target = window === 'none' ? grouped : grouped.windowedBy(windows(window));
    const opts = options(name, store);
    pools.tables.push(kind === 'count' ? target.count(opts) : kind === 'reduce' ? target.reduce(SAME, opts) : target.aggregate(ALL, opts));
  },
  cogroup: (pools, [first, second, window = 'none', name = '-', store]) => {
    const cogrouped = pools.grouped[Number(first)].cogroup(SAME).cogroup(pools.grouped[Number(second)], SAME);
    pools.tables.push((window === 'none' ? cogrouped : cogrouped.windowedBy(windows(window))).aggregate(ALL, options(name, store)));
  },
  tfilter: tableVerb('filter', () => true),
  tmapValues: tableVerb('mapValues', SAME),
  ttransform: tableVerb('transformValues', () => ({ transform: SAME })),
  toStream: (pools, [index, name = '-']) => pools.streams.push(pools.table(index).toStream(options(name))),
  tgroupBy: (pools, [index, name = '-']) => pools.groupedTables.push(pools.table(index).groupBy(SAME, options(name))),
  tagg: (pools, [index, kind = 'count', name = '-', store]) => {
    const grouped = pools.groupedTables[Number(index)];
    const opts = options(name, store);
    pools.tables.push(kind === 'count' ? grouped.count(opts) : grouped[kind](ALL, opts));
  },
  tjoin: (pools, [kind = '', left, right, name = '-', store]) =>
    pools.tables.push(pools.table(left)[JOINS[kind] as string](pools.table(right), SAME, options(name, store))),
  fkjoin: (pools, [kind = '', left, right, name = '-', store]) =>
    pools.tables.push(pools.table(left)[JOINS[kind] as string](pools.table(right), SAME, SAME, options(name, store))),
  suppress: (pools, [index, name = '-']) =>
    pools.tables.push(pools.table(index).suppress(Suppressed.untilTimeLimit(5, BufferConfig.maxRecords(5), options(name)))),
  sjoin: (pools, [kind = '', left, right, name = '-', store = '-']) => {
    const joined = { ...options(name), ...(store !== '-' && { store }) };
    pools.streams.push(pools.stream(left)[JOINS[kind] as string](pools.stream(right), SAME, JOIN_WINDOWS, joined));
  },
  stjoin: (pools, [kind = '', left, right, name = '-']) =>
    pools.streams.push(pools.stream(left)[JOINS[kind] as string](pools.table(right), SAME, options(name))),
  sgjoin: (pools, [kind = '', left, right, name = '-']) =>
    pools.streams.push(pools.stream(left)[JOINS[kind] as string](pools.globals[Number(right)], SAME, SAME, options(name))),
  vtable: (pools, [topic = '', store = '']) => pools.tables.push(pools.builder.table(topic, { store: versioned(store) })),
  vfilter: (pools, [index, store = '']) => pools.tables.push(pools.table(index).filter(() => true, { store: versioned(store) })),
  vmap: (pools, [index, store = '']) => pools.tables.push(pools.table(index).mapValues(SAME, { store: versioned(store) })),
  suppressClose: (pools, [index, name = '-']) => {
    pools.tables.push(pools.table(index).suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded(), options(name))));
  },
  stgrace: (pools, [left, right, name = '-']) => pools.streams.push(pools.stream(left).join(pools.table(right), SAME, { ...options(name), grace: 10 })),
  store: (pools, [name = '']) => pools.builder.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), serdes.string, serdes.string)),
  processStore: (pools, [index, store, name = '-']) => {
    pools.streams.push(pools.stream(index).process(() => ({ process() {} }), { ...options(name), stores: [store] }));
  },
  streams: (pools, [topics = '']) => pools.streams.push(pools.builder.stream(topics.split(','))),
  pattern: (pools, [pattern = '']) => pools.streams.push(pools.builder.stream(new RegExp(pattern))),
};

/**
 * Builds the topology of a script: one command a line, arguments separated by spaces, `-` for a name or store that is not given. What commands make is numbered
 * in order, streams, tables and groupings apart.
 */
export function buildRandomTopology(script: readonly string[]): Topology {
  const pools = new Pools();
  for (const line of script) {
    const [command = '', ...args] = line.split(' ');
    (COMMANDS[command] as Command)(pools, args);
  }
  return pools.builder.build(pools.config);
}

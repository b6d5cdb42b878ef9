import { ConfigError } from '../errors.ts';
import type { ProcessorSupplier } from '../topology/definitions.ts';

/** One of the optimisations; `all` and `none` stand for all and none of them. */
export type TopologyOptimization = 'none' | 'all' | 'reuse.ktable.source.topics' | 'merge.repartition.topics' | 'single.store.self.join';

/** What shapes a topology. Give it to `new StreamsBuilder()` or to `build()`, where it adds to and overrides the former. Keys that are not listed are ignored. */
export interface TopologyConfig {
  /**
   * `reuse.ktable.source.topics`: a table's source topic is its changelog. `merge.repartition.topics`: several repartition topics of one key change become one.
   * `single.store.self.join`: a stream joined with itself keeps one store. Several may be given, also separated by commas. Changing it on an application that runs
   * changes its topics and stores.
   * @default 'none'
   */
  topologyOptimization?: TopologyOptimization | (string & {}) | readonly TopologyOptimization[];
  /** Fail the build when a store, changelog or repartition topic has a generated name: those change when operators are added. @default false */
  ensureExplicitInternalResourceNaming?: boolean;
  /** Where DSL stores keep their data unless told otherwise. @default 'sqlite' */
  dslStoreSuppliers?: 'sqlite' | 'memory';
  /** `headers`: DSL stores keep the headers of the record that wrote a value. @default 'default' */
  dslStoreFormat?: 'default' | 'headers';
  /** Called with each processor's name and supplier when the topology is built; what it returns runs in its place. */
  processorWrapper?: (name: string, supplier: () => unknown) => ProcessorSupplier<never, never, never, never>;
}

/** @internal */
export interface ResolvedTopologyConfig {
  readonly reuseSourceTopics: boolean;
  readonly mergeRepartitionTopics: boolean;
  readonly singleStoreSelfJoin: boolean;
  readonly explicitNames: boolean;
  readonly engine: 'sqlite' | 'memory';
  readonly headers: boolean;
  readonly processorWrapper: TopologyConfig['processorWrapper'];
}

const OPTIMIZATIONS = ['reuse.ktable.source.topics', 'merge.repartition.topics', 'single.store.self.join'];

/** @internal */
export function resolveTopologyConfig(config: TopologyConfig): ResolvedTopologyConfig {
  const wanted = optimizations(config.topologyOptimization ?? 'none');
  return {
    reuseSourceTopics: wanted.has('reuse.ktable.source.topics'),
    mergeRepartitionTopics: wanted.has('merge.repartition.topics'),
    singleStoreSelfJoin: wanted.has('single.store.self.join'),
    explicitNames: config.ensureExplicitInternalResourceNaming ?? false,
    engine: oneOf('dslStoreSuppliers', config.dslStoreSuppliers ?? 'sqlite', ['sqlite', 'memory']),
    headers: oneOf('dslStoreFormat', config.dslStoreFormat ?? 'default', ['default', 'headers']) === 'headers',
    processorWrapper: config.processorWrapper,
  };
}

function optimizations(given: string | readonly string[]): ReadonlySet<string> {
  const names = (typeof given === 'string' ? given.split(',') : given).map((name) => name.trim());
  for (const name of names) {
    if (![...OPTIMIZATIONS, 'all', 'none'].includes(name)) {
      throw new ConfigError(`topologyOptimization is ${JSON.stringify(given)}: allowed are 'none', 'all', or some of ${OPTIMIZATIONS.join(', ')}`);
    }
  }
  if (names.length > 1 && (names.includes('all') || names.includes('none'))) {
    throw new ConfigError(`topologyOptimization is ${JSON.stringify(given)}: 'all' and 'none' stand alone`);
  }
  if (names.includes('none')) return new Set();
  return new Set(names.includes('all') ? OPTIMIZATIONS : names);
}

function oneOf<T extends string>(key: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) throw new ConfigError(`${key} is ${JSON.stringify(value)}: allowed are ${allowed.join(', ')}`);
  return value;
}

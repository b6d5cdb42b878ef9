import { TopologyError } from '../errors.ts';
import { GeneratedResources } from './generated-resources.ts';

/** Prefixes of generated names, those of Kafka Streams. */
export const STREAM = Object.freeze({
  aggregate: 'KSTREAM-AGGREGATE-',
  branch: 'KSTREAM-BRANCH-',
  filter: 'KSTREAM-FILTER-',
  filterAsync: 'KSTREAM-FILTERASYNC-',
  flatMap: 'KSTREAM-FLATMAP-',
  flatMapAsync: 'KSTREAM-FLATMAPASYNC-',
  flatMapValues: 'KSTREAM-FLATMAPVALUES-',
  foreach: 'KSTREAM-FOREACH-',
  forEachAsync: 'KSTREAM-FOREACHASYNC-',
  join: 'KSTREAM-JOIN-',
  joinOther: 'KSTREAM-JOINOTHER-',
  joinThis: 'KSTREAM-JOINTHIS-',
  leftJoin: 'KSTREAM-LEFTJOIN-',
  map: 'KSTREAM-MAP-',
  mapAsync: 'KSTREAM-MAPASYNC-',
  mapValues: 'KSTREAM-MAPVALUES-',
  mapValuesAsync: 'KSTREAM-MAPVALUESASYNC-',
  merge: 'KSTREAM-MERGE-',
  outerOther: 'KSTREAM-OUTEROTHER-',
  outerShared: 'KSTREAM-OUTERSHARED-',
  outerThis: 'KSTREAM-OUTERTHIS-',
  peek: 'KSTREAM-PEEK-',
  print: 'KSTREAM-PRINTER-',
  process: 'KSTREAM-PROCESSOR-',
  processValues: 'KSTREAM-PROCESSVALUES-',
  reduce: 'KSTREAM-REDUCE-',
  repartition: 'KSTREAM-REPARTITION-',
  selectKey: 'KSTREAM-KEY-SELECT-',
  sink: 'KSTREAM-SINK-',
  source: 'KSTREAM-SOURCE-',
  toTable: 'KSTREAM-TOTABLE-',
  windowed: 'KSTREAM-WINDOWED-',
});

export const TABLE = Object.freeze({
  aggregate: 'KTABLE-AGGREGATE-',
  filter: 'KTABLE-FILTER-',
  joinOther: 'KTABLE-JOINOTHER-',
  joinThis: 'KTABLE-JOINTHIS-',
  mapValues: 'KTABLE-MAPVALUES-',
  merge: 'KTABLE-MERGE-',
  reduce: 'KTABLE-REDUCE-',
  select: 'KTABLE-SELECT-',
  sink: 'KTABLE-SINK-',
  source: 'KTABLE-SOURCE-',
  suppress: 'KTABLE-SUPPRESS-',
  toStream: 'KTABLE-TOSTREAM-',
  transformValues: 'KTABLE-TRANSFORMVALUES-',
});

export const COGROUP = Object.freeze({ aggregate: 'COGROUPKSTREAM-AGGREGATE-', merge: 'COGROUPKSTREAM-MERGE-' });

export const FK_JOIN = Object.freeze({
  output: 'KTABLE-FK-JOIN-OUTPUT-',
  processor: 'KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-',
  registration: 'KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-',
  resolver: 'KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-',
  response: 'KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-',
  store: 'KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-',
});

export const REPARTITION_SUFFIX = '-repartition';

const MAX_NAME_LENGTH = 249;

/**
 * Checks a name that may become part of a topic name.
 * @throws TopologyError unless it is 1 to 249 letters, digits, dots, underscores or hyphens.
 */
export function validName(name: string, what: string): string {
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME_LENGTH || name === '.' || name === '..' || !/^[a-zA-Z0-9._-]+$/.test(name)) {
    throw new TopologyError(
      `${what} is ${JSON.stringify(name)}: a name has 1 to ${MAX_NAME_LENGTH} characters out of letters, digits, '.', '_' and '-', and is not '.' or '..'`,
    );
  }
  return name;
}

/** The ten-digit counter of a topology and the names made with it. Each name that could be generated takes an index, also where the user gave a name. */
export class NameCounter {
  /** What got a generated name and keeps data under it. */
  readonly generated = new GeneratedResources();
  #index: number;

  constructor(index = 0) {
    this.#index = index;
  }

  processor(prefix: string): string {
    return prefix + String(this.#index++).padStart(10, '0');
  }

  store(prefix: string): string {
    return `${prefix}STATE-STORE-${String(this.#index++).padStart(10, '0')}`;
  }

  /** The user's name, or a generated one; an index is taken in both cases. */
  orGenerate(name: string | undefined, prefix: string): string {
    const generated = this.processor(prefix);
    return name === undefined ? generated : validName(name, 'Name of an operator');
  }

  /** The user's name with a suffix, or a generated one; an index is taken in both cases. */
  suffixed(name: string | undefined, suffix: string, prefix: string): string {
    const generated = this.processor(prefix);
    return name === undefined ? generated : validName(name + suffix, 'Name of an operator');
  }

  copy(): NameCounter {
    return new NameCounter(this.#index);
  }
}

import type { StreamPartitioner } from '../processor/partitioner.ts';
import type { Serde } from '../serdes/serde.ts';
import { type RepartitionNode, repartitionNode } from './graph/nodes/repartition-node.ts';
import { type NameCounter, REPARTITION_SUFFIX, STREAM } from './names.ts';

export interface RepartitionSourceOptions {
  /** The topic's name without suffix: the user's, or a generated one. */
  readonly prefix: string;
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  /** Whether the user gave the topic its name, directly or with that of a store. */
  readonly named: boolean;
  readonly mergeable: boolean;
  readonly partitioner?: StreamPartitioner<never, never> | undefined;
  readonly partitions?: number | undefined;
}

const GENERATED = /^KSTREAM.*-\d{10}$/;

/** A repartition topic with the nodes before and after it. Three indices are taken, whether their names are used or not. */
export function repartitionSource(names: NameCounter, options: RepartitionSourceOptions): RepartitionNode {
  const { prefix, named, ...facts } = options;
  const topic = prefix.endsWith(REPARTITION_SUFFIX) ? prefix : prefix + REPARTITION_SUFFIX;
  const generated = { sink: names.processor(STREAM.sink), filter: names.processor(STREAM.filter), source: names.processor(STREAM.source) };
  const nodes = GENERATED.test(prefix) ? generated : { sink: `${topic}-sink`, filter: `${topic}-filter`, source: `${topic}-source` };
  if (!named) names.generated.addRepartition(topic);
  return repartitionNode({ ...facts, ...nodes, topic });
}

import type { TopicNameExtractor } from '../processor/partitioner.ts';
import type { Serde } from '../serdes/serde.ts';
import { resolveSupplier } from '../topology/processor-supplier.ts';
import type { AnyProduced } from './erased.ts';
import { type ProcessorNodeOptions, processorNode } from './graph/nodes/processor-node.ts';
import { sinkNode } from './graph/nodes/sink-node.ts';
import { STREAM, validName } from './names.ts';
import type { Named, ProcessOptions } from './options.ts';
import { nextStage, type Stage } from './stage.ts';
import { windowedPartitioner } from './windowed-partitioner.ts';

/** Adds an operator of one processor behind a stage. */
export function addOperator(
  stage: Stage,
  named: Named | undefined,
  prefix: string,
  options: ProcessorNodeOptions,
  changes: Parameters<typeof nextStage>[2] = {},
): Stage {
  const name = stage.graph.names.orGenerate(named?.name, prefix);
  const node = processorNode(name, options);
  stage.graph.add(node, stage.node);
  return nextStage(stage, node, changes);
}

/** Adds a processor of the user's own, with the stores it names or brings. */
export function addUserProcessor(stage: Stage, supplier: unknown, options: ProcessOptions, prefix: string, changes: Parameters<typeof nextStage>[2]): Stage {
  const name = options.name === undefined ? stage.graph.names.processor(prefix) : validName(options.name, 'Name of a processor');
  const resolved = resolveSupplier(supplier, name);
  const node = processorNode(name, { supplier: resolved.supplier, suppliedStores: resolved.stores, stores: options.stores ?? [] });
  stage.graph.add(node, stage.node);
  return nextStage(stage, node, changes);
}

/** Adds the sink of `to`. */
export function addSink(stage: Stage, topic: string | TopicNameExtractor<never, never>, produced: AnyProduced): void {
  const name = stage.graph.names.orGenerate(produced.name, STREAM.sink);
  const keySerde = (produced.key as Serde<unknown> | undefined) ?? stage.keySerde;
  const partitioner = produced.partitioner ?? windowedPartitioner(keySerde);
  const node = sinkNode(name, { topic, keySerde, valueSerde: (produced.value as Serde<unknown> | undefined) ?? stage.valueSerde, partitioner });
  stage.graph.add(node, stage.node);
}

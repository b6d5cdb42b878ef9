import { kstreamPassThrough, kstreamRepartitionFilter } from '../../../operators/index.ts';
import type { StreamPartitioner } from '../../../processor/partitioner.ts';
import type { Serde } from '../../../serdes/serde.ts';
import { failOnInvalidTimestamp } from '../../repartition-timestamps.ts';
import { addWrapped } from '../add-processor.ts';
import type { LogicalNodeBase, Lowering } from '../logical-node.ts';

/** Writes a stream to a topic of the application's own and reads it back, partitioned by the new key. `name` is that of the source that reads. */
export interface RepartitionNode extends LogicalNodeBase {
  readonly kind: 'repartition';
  /** Several behind one key change may become one. */
  readonly mergeable: boolean;
  readonly topic: string;
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
}

export interface RepartitionNodeOptions {
  readonly mergeable: boolean;
  /** Without the application id. */
  readonly topic: string;
  readonly sink: string;
  readonly source: string;
  /** The processor that drops null keys before the topic; tables have none. */
  readonly filter: string | undefined;
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  readonly partitioner?: StreamPartitioner<never, never> | undefined;
  readonly partitions?: number | undefined;
}

export function repartitionNode(options: RepartitionNodeOptions): RepartitionNode {
  const { mergeable, topic, sink, source, filter, keySerde, valueSerde, partitioner, partitions } = options;
  return Object.freeze({
    kind: 'repartition',
    name: source,
    mergeable,
    topic,
    keySerde,
    valueSerde,
    lower: (lowering: Lowering) => {
      const { topology, parents, dropNullKeys } = lowering;
      topology.addInternalTopic({ name: topic, ...(partitions !== undefined && { partitions }) });
      if (filter !== undefined) addWrapped(lowering, filter, dropNullKeys ? kstreamRepartitionFilter() : kstreamPassThrough(), parents);
      topology.addSink({ kind: 'sink', name: sink, parents: filter === undefined ? parents : [filter], topic, keySerde, valueSerde, partitioner });
      topology.addSource({ kind: 'source', name: source, topics: [topic], keySerde, valueSerde, timestampExtractor: failOnInvalidTimestamp });
    },
  });
}

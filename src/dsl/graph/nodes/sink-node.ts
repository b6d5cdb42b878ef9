import type { StreamPartitioner, TopicNameExtractor } from '../../../processor/partitioner.ts';
import type { Serde } from '../../../serdes/serde.ts';
import { type Lowering, type PlainNode, plainNode } from '../logical-node.ts';

export interface SinkNodeOptions {
  readonly topic: string | TopicNameExtractor<never, never>;
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  readonly partitioner: StreamPartitioner<never, never> | undefined;
  /** The topic is the application's own. */
  readonly internal?: boolean;
}

/** Writes a stream to a topic. */
export function sinkNode(name: string, options: SinkNodeOptions): PlainNode {
  return plainNode({
    name,
    lower: ({ topology, parents }: Lowering) => {
      const { internal, ...sink } = options;
      if (internal === true) topology.addInternalTopic({ name: options.topic as string });
      topology.addSink({ kind: 'sink', name, parents, ...sink });
    },
  });
}

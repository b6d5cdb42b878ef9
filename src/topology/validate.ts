import { TopologyError } from '../errors.ts';
import type { PhysicalTopology } from './physical-topology.ts';

/** Repartition topics that must have equal partition counts and were all given one by the user must have been given the same. */
export function validateCopartitioning(topology: PhysicalTopology): void {
  for (const sources of topology.copartitionedSources) {
    const topics = new Set(
      sources.flatMap((source) => {
        const node = topology.nodes.get(source);
        return node?.kind === 'source' ? node.topics : [];
      }),
    );
    const counts = new Map<string, number>();
    for (const topic of topics) {
      const partitions = topology.internalTopics.get(topic)?.partitions;
      if (partitions !== undefined) counts.set(topic, partitions);
    }
    if (counts.size > 0 && counts.size === topics.size && new Set(counts.values()).size > 1) {
      const listed = [...counts].map(([topic, partitions]) => `${topic} has ${partitions}`).sort();
      throw new TopologyError(
        `Topics that are joined or grouped together need the same number of partitions, but ${listed.join(', ')}: give their Repartitioned options one count`,
      );
    }
  }
}

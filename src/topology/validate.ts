import { TopologyError } from '../errors.ts';
import type { PhysicalTopology } from './physical-topology.ts';

/** Repartition topics that must have equal partition counts and were all given one by the user must have been given the same. */
export function validateCopartitioning(topology: PhysicalTopology): void {
  for (const sources of topology.copartitionedSources) {
    const topics = new Set(sources.flatMap((source) => {
      const node = topology.nodes.get(source);
      return node?.kind === 'source' ? node.topics : [];
    }));
    const counts = new Map<string, number>();
    for (const topic of topics) {
      const partitions = topology.internalTopics.get(topic)?.partitions;
      if (partitions !== undefined) counts.set(topic, partitions);
    }
    if (counts.size > 0 && counts.size === topics.size && new Set(counts.values()).size > 1) {
      const listed = [...counts].map(([topic, partitions]) => `${topic} has ${partitions}`).sort();
      throw new TopologyError(`Topics that are joined or grouped together need the same number of partitions, but ${listed.join(', ')}: give their Repartitioned options one count`);
    }
  }
}

const GENERATED_NAME = /-\d{10}(-|$)/;

/** Every repartition topic, state store and changelog must carry a name of the user's own (`ensure.explicit.internal.resource.naming`). */
export function validateExplicitNames(topology: PhysicalTopology): void {
  const generated = (names: Iterable<string>): string[] => [...names].filter((name) => GENERATED_NAME.test(name));
  const logged = [...topology.stores.values()].filter((store) => store.loggingEnabled && !topology.sourceTopicOfStore.has(store.name));
  const changelogs = generated(logged.map((store) => store.name)).map((name) => `${name}-changelog`);
  const stores = generated(topology.stores.keys());
  const repartitions = generated(topology.internalTopics.keys());
  const parts: string[] = [];
  if (changelogs.length > 0) parts.push(`changelog topics not named: ${changelogs.join(', ')}`);
  if (stores.length > 0) parts.push(`state stores not named: ${stores.join(', ')}`);
  if (repartitions.length > 0) parts.push(`repartition topics not named: ${repartitions.join(', ')}`);
  if (parts.length > 0) {
    throw new TopologyError(
      `ensureExplicitInternalResourceNaming is on and some internal resources have generated names; ${parts.join('; ')}. Give the operators behind them the options store (state stores) and name (groupings, repartitions, joins)`,
    );
  }
}

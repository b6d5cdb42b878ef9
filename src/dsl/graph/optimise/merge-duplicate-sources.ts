import { TopologyError } from '../../../errors.ts';
import type { LogicalGraph } from '../logical-graph.ts';
import type { SourceNode } from '../nodes/source-node.ts';

/** Streams of the same topics (or the same pattern) share one source node: the first. */
export function mergeDuplicateSources(graph: LogicalGraph): void {
  const byTopic = new Map<string, SourceNode>();
  const byPattern = new Map<string, SourceNode>();
  for (const node of graph.children(graph.root)) {
    if (node.kind !== 'source') continue;
    const { pattern, topics } = node.source;
    if (pattern !== undefined) {
      mergeInto(graph, byPattern, String(pattern), node);
      continue;
    }
    for (const topic of topics) {
      const first = byTopic.get(topic);
      if (first !== undefined && !sameTopics(first.source.topics, topics)) {
        throw new TopologyError(
          `Sources ${first.name} (${first.source.topics.join(', ')}) and ${node.name} (${topics.join(', ')}) share topic ${topic} but not all topics: ` +
            'read the same topics in both, or each topic in one stream and merge',
          { topic },
        );
      }
      if (first !== node) mergeInto(graph, byTopic, topic, node);
    }
  }
}

function mergeInto(graph: LogicalGraph, seen: Map<string, SourceNode>, key: string, node: SourceNode): void {
  const first = seen.get(key);
  if (first === undefined) {
    seen.set(key, node);
    return;
  }
  if (JSON.stringify(first.source.offsetReset) !== JSON.stringify(node.source.offsetReset)) {
    throw new TopologyError(`Sources ${first.name} and ${node.name} read the same topics with different offsetReset: give both the same`);
  }
  for (const child of graph.children(node)) {
    graph.unlink(node, child);
    graph.link(first, child);
  }
  graph.unlink(graph.root, node);
}

function sameTopics(first: readonly string[], second: readonly string[]): boolean {
  const topics = new Set(first);
  return topics.size === new Set(second).size && second.every((topic) => topics.has(topic));
}

import { createHash } from 'node:crypto';
import type { SubtopologyPlan } from '../runtime/plan.ts';
import { patternText } from './topic-pattern.ts';

/** A hash over what two members of a group must agree on: nodes and their edges, topics, stores. User functions and serdes are not in it. */
export function fingerprintOf(plan: Omit<SubtopologyPlan, 'fingerprint'>): string {
  const nodes = plan.nodes.map((node) => {
    if (node.kind === 'source')
      return ['source', node.name, [...node.topics].sort(), node.pattern === undefined ? null : patternText(node.pattern), node.children];
    if (node.kind === 'sink') return ['sink', node.name, typeof node.topic === 'string' ? node.topic : null];
    return ['processor', node.name, [...node.stores].sort(), node.children];
  });
  const stores = plan.stores.map((store) => [store.builder.name, store.builder.kind, store.changelogTopic ?? null, store.builder.retentionPeriod ?? null]);
  const topics = plan.internalTopics.map((topic) => [topic.name, topic.kind, topic.partitions ?? null]);
  return createHash('sha256')
    .update(JSON.stringify([plan.id, nodes, stores, topics]))
    .digest('hex')
    .slice(0, 16);
}

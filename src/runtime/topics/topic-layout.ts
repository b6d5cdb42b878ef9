import { TopologyError } from '../../errors.ts';
import { matchesWholeTopic } from '../../util/topic-pattern.ts';
import type { InternalTopicPlan, SubtopologyPlan, TopologyPlan } from '../plan.ts';

/** A task: one partition of a sub-topology. */
export interface TaskId {
  /** `subtopology_partition`, for example `0_3`. */
  readonly id: string;
  readonly subtopology: number;
  readonly partition: number;
}

/** How many partitions everything has: decided from the user's topics before anything is created. */
export interface TopicLayout {
  /** All tasks, by sub-topology, then partition. */
  readonly tasks: readonly TaskId[];
  /** Internal topics and the partition counts that they must have. */
  readonly internal: ReadonlyMap<string, { readonly plan: InternalTopicPlan; readonly partitions: number }>;
  /** Input topics of each sub-topology: user topics, matches of patterns, repartition topics. */
  readonly inputs: ReadonlyMap<number, readonly string[]>;
  /** Partitions of every topic that is read or internal. */
  readonly partitions: ReadonlyMap<string, number>;
}

/**
 * Derive the layout. A repartition topic without a fixed count takes that of its co-partition group, else the highest count upstream; a sub-topology has
 * as many tasks as its widest input; a changelog has as many partitions as its sub-topology has tasks. As Kafka Streams does.
 * @param existing all topics of the cluster and their partition counts
 * @throws TopologyError when source topics are missing or co-partitioned topics differ; it names topics and counts.
 */
export function layOut(plan: TopologyPlan, existing: ReadonlyMap<string, number>): TopicLayout {
  const internalPlans = new Map<string, InternalTopicPlan>();
  for (const sub of plan.subtopologies) for (const topic of sub.internalTopics) internalPlans.set(topic.name, topic);
  const inputs = new Map<number, string[]>(plan.subtopologies.map((sub) => [sub.id, inputTopics(sub, existing, internalPlans)]));
  const counts = new Map<string, number>();
  collectSourceCounts(plan, inputs, existing, internalPlans, counts);
  deriveRepartitionCounts(plan, inputs, internalPlans, counts);
  enforceCopartitioning(plan, internalPlans, counts);

  const tasks: TaskId[] = [];
  const internal = new Map<string, { plan: InternalTopicPlan; partitions: number }>();
  for (const sub of plan.subtopologies) {
    const width = Math.max(0, ...(inputs.get(sub.id) as string[]).map((topic) => counts.get(topic) as number));
    for (let partition = 0; partition < width; partition++) tasks.push({ id: `${sub.id}_${partition}`, subtopology: sub.id, partition });
    for (const topic of sub.internalTopics) {
      if (topic.kind === 'changelog') counts.set(topic.name, topic.partitions ?? width);
      internal.set(topic.name, { plan: topic, partitions: counts.get(topic.name) as number });
    }
  }
  return { tasks, internal, inputs, partitions: counts };
}

/** Topics that a sub-topology reads; patterns match all topics but internal ones. */
function inputTopics(sub: SubtopologyPlan, existing: ReadonlyMap<string, number>, internal: ReadonlyMap<string, InternalTopicPlan>): string[] {
  const topics = new Set([...sub.sourceTopics, ...sub.repartitionSources]);
  for (const node of sub.nodes) {
    if (node.kind !== 'source' || node.pattern === undefined) continue;
    for (const topic of existing.keys()) if (!topic.startsWith('__') && !internal.has(topic) && matchesWholeTopic(node.pattern, topic)) topics.add(topic);
  }
  return [...topics];
}

function collectSourceCounts(
  plan: TopologyPlan,
  inputs: ReadonlyMap<number, readonly string[]>,
  existing: ReadonlyMap<string, number>,
  internal: ReadonlyMap<string, InternalTopicPlan>,
  counts: Map<string, number>,
): void {
  const missing = new Set<string>();
  const need = (topic: string): void => {
    if (internal.has(topic)) return;
    const partitions = existing.get(topic);
    if (partitions === undefined) missing.add(topic);
    else counts.set(topic, partitions);
  };
  for (const topics of inputs.values()) for (const topic of topics) need(topic);
  for (const topic of plan.global?.sourceTopics ?? []) need(topic);
  if (missing.size > 0) {
    throw new TopologyError(
      `Source topics do not exist: ${[...missing].sort().join(', ')}. Create them before the application starts, with the partition count that you want`,
      { code: 'ERR_MISSING_SOURCE_TOPICS' },
    );
  }
}

function deriveRepartitionCounts(
  plan: TopologyPlan,
  inputs: ReadonlyMap<number, readonly string[]>,
  internal: ReadonlyMap<string, InternalTopicPlan>,
  counts: Map<string, number>,
): void {
  const open = new Set<string>();
  for (const topic of internal.values()) {
    if (topic.kind !== 'repartition') continue;
    if (topic.partitions !== undefined) counts.set(topic.name, topic.partitions);
    else open.add(topic.name);
  }
  const upstream = (topic: string): { most: number; known: boolean } => {
    const producers = plan.subtopologies.filter((sub) => sub.sinkTopics.includes(topic));
    const partitions = producers.flatMap((sub) => inputs.get(sub.id) as readonly string[]).map((input) => counts.get(input));
    return { most: Math.max(0, ...partitions.filter((count) => count !== undefined)), known: !partitions.includes(undefined) };
  };
  // A repartition topic may be upstream of another, so this goes round until nothing changes.
  while (open.size > 0) {
    const some = [...open].map((topic) => ({ topic, ...upstream(topic) })).filter(({ most }) => most > 0);
    let found = some.filter(({ known }) => known);
    // Topics upstream of each other, as those of a foreign-key join are: what is known decides.
    if (found.length === 0) found = some.slice(0, 1);
    if (found.length === 0) {
      throw new TopologyError(
        `The partition counts of ${[...open].sort().join(', ')} depend on each other: give one of them a count with repartition({ partitions })`,
      );
    }
    for (const { topic, most } of found) {
      counts.set(topic, most);
      open.delete(topic);
    }
  }
}

function enforceCopartitioning(plan: TopologyPlan, internal: ReadonlyMap<string, InternalTopicPlan>, counts: Map<string, number>): void {
  for (const sub of plan.subtopologies) {
    for (const group of sub.copartitionGroups) {
      const topics = group.filter((topic) => counts.has(topic));
      const isFlexible = (topic: string): boolean => internal.get(topic)?.kind === 'repartition' && internal.get(topic)?.partitions === undefined;
      const fixed = topics.filter((topic) => !isFlexible(topic));
      const distinct = new Set(fixed.map((topic) => counts.get(topic)));
      if (distinct.size > 1) {
        const list = fixed.map((topic) => `${topic} has ${counts.get(topic)}`).join(', ');
        throw new TopologyError(
          `Topics that are joined or merged by key need the same number of partitions: ${list}. Create them with equal counts, or call repartition() on one side first`,
          {
            code: 'ERR_NOT_COPARTITIONED',
          },
        );
      }
      const wanted = fixed.length > 0 ? (counts.get(fixed[0] as string) as number) : Math.max(0, ...topics.map((topic) => counts.get(topic) as number));
      for (const topic of topics) counts.set(topic, wanted);
    }
  }
}

import { TopologyError } from '../errors.ts';
import type { GlobalPlan, InternalTopicPlan, NodePlan, StorePlan, SubtopologyPlan, TopologyPlan } from '../runtime/plan.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';
import { fingerprintOf } from './fingerprint.ts';
import { changelogTopicConfig, expires, REPARTITION_TOPIC_CONFIG } from './internal-topic-config.ts';
import type { PhysicalTopology } from './physical-topology.ts';
import { anchored } from './topic-pattern.ts';

/** Turns a physical topology into what the runtime runs: final topic names, one plan for each sub-topology. */
export function planTopology(topology: PhysicalTopology, applicationId: string): TopologyPlan {
  const groups = topology.nodeGroups();
  if (groups.length === 0) throw new TopologyError('The topology is empty: add at least one source');
  topology.planned(applicationId);
  return new Planner(topology, applicationId).plan(groups);
}

class Planner {
  readonly #topology: PhysicalTopology;
  readonly #applicationId: string;
  readonly #copartitionGroups: readonly ReadonlySet<string>[];

  constructor(topology: PhysicalTopology, applicationId: string) {
    this.#topology = topology;
    this.#applicationId = applicationId;
    this.#copartitionGroups = this.#mergeCopartitionGroups();
  }

  plan(groups: readonly (readonly string[])[]): TopologyPlan {
    const subtopologies: SubtopologyPlan[] = [];
    const global: { nodes: NodePlan[]; stores: StorePlan[]; sourceTopics: string[] } = { nodes: [], stores: [], sourceTopics: [] };
    for (const [id, group] of groups.entries()) {
      if (this.#topology.isGlobal(group)) {
        const part = this.#globalPlan(group);
        global.nodes.push(...part.nodes);
        global.stores.push(...part.stores);
        global.sourceTopics.push(...part.sourceTopics);
      } else {
        subtopologies.push(this.#subtopologyPlan(id, group));
      }
    }
    if (global.nodes.length === 0) return Object.freeze({ subtopologies });
    return Object.freeze({ subtopologies, global: Object.freeze(global) });
  }

  #subtopologyPlan(id: number, group: readonly string[]): SubtopologyPlan {
    const nodes = this.#nodePlans(group);
    const stores = this.#storePlans(group);
    const sources = new Set(nodes.flatMap((node) => (node.kind === 'source' ? node.topics : [])));
    const repartitionSources = [...sources].filter((topic) => this.#isInternal(topic));
    const plan: Omit<SubtopologyPlan, 'fingerprint'> = {
      id,
      nodes,
      stores,
      sourceTopics: [...sources].filter((topic) => !this.#isInternal(topic)),
      repartitionSources,
      sinkTopics: [...new Set(nodes.flatMap((node) => (node.kind === 'sink' && typeof node.topic === 'string' ? [node.topic] : [])))],
      internalTopics: [...repartitionSources.map((topic) => this.#repartitionTopic(topic)), ...this.#changelogTopics(stores)],
      copartitionGroups: this.#copartitionGroups.filter((topics) => [...topics].some((topic) => sources.has(topic))).map((topics) => [...topics]),
    };
    return Object.freeze({ ...plan, fingerprint: fingerprintOf(plan) });
  }

  #globalPlan(group: readonly string[]): GlobalPlan {
    const stores = [...this.#topology.globalStores.values()].filter((store) => group.includes(store.source));
    return {
      nodes: this.#nodePlans(group),
      stores: stores.map((store) => Object.freeze({ builder: store.builder, changelogTopic: store.topic, changelogIsSource: true })),
      sourceTopics: stores.map((store) => store.topic),
    };
  }

  #nodePlans(group: readonly string[]): NodePlan[] {
    const children = new Map<string, string[]>(group.map((name) => [name, []]));
    const members = new Set(group);
    const plans: NodePlan[] = [];
    for (const node of this.#topology.nodes.values()) {
      if (!members.has(node.name)) continue;
      if (node.kind !== 'source') for (const parent of node.parents) children.get(parent)?.push(node.name);
      const links = children.get(node.name) as string[];
      if (node.kind === 'source') {
        plans.push({
          ...node,
          topics: node.topics.map((topic) => this.#decorate(topic)),
          ...(node.pattern && { pattern: anchored(node.pattern) }),
          children: links,
        });
      } else if (node.kind === 'sink') {
        plans.push({ ...node, topic: typeof node.topic === 'string' ? this.#decorate(node.topic) : node.topic, children: links });
      } else {
        const { name, supplier, asyncLimitMs } = node;
        const stores = this.#topology.storesOfNode.get(name) ?? [];
        plans.push({ kind: 'processor', name, supplier, stores, ...(asyncLimitMs !== undefined && { asyncLimitMs }), children: links });
      }
    }
    return plans;
  }

  #storePlans(group: readonly string[]): StorePlan[] {
    const names = new Set(group.flatMap((node) => this.#topology.storesOfNode.get(node) ?? []));
    return [...names].map((name) => {
      const builder = this.#topology.stores.get(name) as StoreBuilder;
      const source = this.#topology.sourceTopicOfStore.get(name);
      if (source !== undefined) return Object.freeze({ builder, changelogTopic: this.#decorate(source), changelogIsSource: true });
      if (!builder.loggingEnabled) return Object.freeze({ builder, changelogIsSource: false });
      return Object.freeze({ builder, changelogTopic: `${this.#applicationId}-${name}-changelog`, changelogIsSource: false });
    });
  }

  #changelogTopics(stores: readonly StorePlan[]): InternalTopicPlan[] {
    return stores.flatMap(({ builder, changelogTopic, changelogIsSource }): InternalTopicPlan[] => {
      if (changelogTopic === undefined || changelogIsSource) return [];
      const retention = expires(builder) && builder.retentionPeriod !== undefined ? { retentionPeriod: builder.retentionPeriod } : {};
      return [{ name: changelogTopic, kind: 'changelog', config: changelogTopicConfig(builder), ...retention }];
    });
  }

  #repartitionTopic(decorated: string): InternalTopicPlan {
    const partitions = this.#topology.internalTopics.get(this.#undecorate(decorated))?.partitions;
    return { name: decorated, kind: 'repartition', config: REPARTITION_TOPIC_CONFIG, ...(partitions !== undefined && { partitions }) };
  }

  /** Groups that share a topic are one group: their topics all need the same number of partitions. */
  #mergeCopartitionGroups(): Set<string>[] {
    let merged: Set<string>[] = [];
    for (const sources of this.#topology.copartitionedSources) {
      const topics = new Set(sources.flatMap((source) => this.#topicsOf(source)));
      const touched = merged.filter((group) => [...topics].some((topic) => group.has(topic)));
      merged = merged.filter((group) => !touched.includes(group));
      merged.push(new Set([...touched.flatMap((group) => [...group]), ...topics]));
    }
    return merged.filter((group) => group.size > 1);
  }

  #topicsOf(source: string): string[] {
    const node = this.#topology.nodes.get(source);
    return node?.kind === 'source' ? node.topics.map((topic) => this.#decorate(topic)) : [];
  }

  #decorate(topic: string): string {
    return this.#topology.internalTopics.has(topic) ? `${this.#applicationId}-${topic}` : topic;
  }

  #undecorate(topic: string): string {
    return topic.slice(this.#applicationId.length + 1);
  }

  #isInternal(decorated: string): boolean {
    return decorated.startsWith(`${this.#applicationId}-`) && this.#topology.internalTopics.has(this.#undecorate(decorated));
  }
}

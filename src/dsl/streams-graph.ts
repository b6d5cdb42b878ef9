import { Topology } from '../topology/topology.ts';
import { validateCopartitioning } from '../topology/validate.ts';
import { resolveTopologyConfig, type TopologyConfig } from './build-config.ts';
import { findUpstream } from './graph/find-parent.ts';
import { LogicalGraph } from './graph/logical-graph.ts';
import type { LogicalNode } from './graph/logical-node.ts';
import { lowerGraph } from './graph/lower.ts';
import type { RepartitionNode } from './graph/nodes/repartition-node.ts';
import { rewriteSelfJoins } from './graph/optimise/find-self-joins.ts';
import { mergeDuplicateSources } from './graph/optimise/merge-duplicate-sources.ts';
import { mergeRepartitions } from './graph/optimise/merge-repartitions.ts';
import { findNullKeyFilters } from './graph/optimise/null-key-filters.ts';
import { applyVersionedSemantics } from './graph/optimise/versioned-semantics.ts';
import { NameCounter } from './names.ts';
import { repartitionSource } from './repartition.ts';

/**
 * The logical graph of a builder: what the DSL's objects add their nodes to. `build` optimises a copy and lowers it, so it can be called again
 * (with another configuration, or after more operators).
 */
export class StreamsGraph {
  readonly names = new NameCounter();
  readonly #graph = new LogicalGraph();
  readonly #keyChangers = new Map<LogicalNode, Set<RepartitionNode>>();
  readonly #mergeNodes = new Set<LogicalNode>();
  readonly #tableNodes = new Set<LogicalNode>();
  readonly #copartitioned: ReadonlySet<string>[] = [];
  #priority = 0;
  #applicationId = '';

  /** Adds a node without parents: a source or a store. */
  addRoot(node: LogicalNode): void {
    this.#addTo(this.#graph.root, node);
  }

  /** Adds a node behind others. Adding it again adds parents, and moves it back in the order of lowering. */
  add(node: LogicalNode, ...parents: readonly LogicalNode[]): void {
    for (const parent of parents) this.#addTo(parent, node);
  }

  /** The topics of these sources need one partition count. */
  copartition(sources: ReadonlySet<string>): void {
    this.#copartitioned.push(sources);
  }

  /** The final name of an internal topic; known once the topology has been planned for an application id. */
  internalTopicName(topic: string): string {
    return `${this.#applicationId}-${topic}`;
  }

  parentsOf(node: LogicalNode): LogicalNode[] {
    return this.#graph.parents(node);
  }

  build(config: TopologyConfig): Topology {
    const resolved = resolveTopologyConfig(config);
    const graph = this.#graph.copy();
    const copartitioned = this.#copartitioned.map((sources) => new Set(sources));
    mergeDuplicateSources(graph);
    if (resolved.mergeRepartitionTopics) this.#mergeRepartitions(graph, copartitioned);
    const selfJoins = resolved.singleStoreSelfJoin ? rewriteSelfJoins(graph) : new Set<LogicalNode>();
    applyVersionedSemantics(graph, this.#tableNodes);
    const physical = lowerGraph(graph, resolved, { selfJoins, nullKeyFilters: findNullKeyFilters(graph) });
    for (const sources of copartitioned) physical.copartition([...sources]);
    validateCopartitioning(physical);
    if (resolved.explicitNames) this.names.generated.refuse();
    physical.whenPlanned((applicationId) => {
      this.#applicationId = applicationId;
    });
    return new Topology(physical);
  }

  #addTo(parent: LogicalNode, node: LogicalNode): void {
    this.#graph.link(parent, node);
    this.#graph.setPriority(node, this.#priority++);
    if (node.keyChanging === true) this.#keyChangers.set(node, new Set());
    else if (node.kind === 'repartition' && node.mergeable) this.#keyChangerOf(node)?.add(node);
    else if (node.merge === true) this.#mergeNodes.add(node);
    if (node.useVersionedSemantics !== undefined || node.suppress === true) this.#tableNodes.add(node);
  }

  /** The repartitions of the key change right before a repartition; undefined when a change of the value lies between: it cannot move there. */
  #keyChangerOf(repartition: RepartitionNode): Set<RepartitionNode> | undefined {
    const change = findUpstream(this.#graph, repartition, (node) => node.keyChanging === true || node.valueChanging === true);
    return change === undefined ? undefined : this.#keyChangers.get(change);
  }

  #mergeRepartitions(graph: LogicalGraph, copartitioned: readonly Set<string>[]): void {
    const names = this.names.copy();
    mergeRepartitions({
      graph,
      keyChangers: new Map([...this.#keyChangers].map(([node, repartitions]) => [node, new Set(repartitions)])),
      mergeNodes: this.#mergeNodes,
      create: (topic, { keySerde, valueSerde }) => repartitionSource(names, { prefix: topic, named: true, keySerde, valueSerde, mergeable: true }),
      replaced: (old, by) => {
        for (const sources of copartitioned) if (sources.delete(old.name)) sources.add(by.name);
      },
    });
  }
}

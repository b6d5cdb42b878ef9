import type { ProcessorDefinition } from './definitions.ts';
import { copiedHashSetOrder, hashSetOrder, JavaTreeSet } from './java-order.ts';
import type { PhysicalTopology } from './physical-topology.ts';
import { patternText } from './topic-pattern.ts';

/** A node as `describe()` shows it. */
export interface DescribedNode {
  readonly kind: 'source' | 'processor' | 'sink';
  readonly name: string;
  /** Sources: the topics read; sinks: the topic written to, or empty when it is decided for each record. */
  readonly topics: readonly string[];
  /** Sources that read every topic whose name matches. */
  readonly pattern?: string;
  readonly stores: readonly string[];
  readonly predecessors: readonly string[];
  readonly successors: readonly string[];
}

/** One sub-topology: the unit that Kafka's partitions are multiplied with to make tasks. */
export interface DescribedSubtopology {
  readonly id: number;
  /** A global store's: it makes no tasks. */
  readonly global: boolean;
  readonly nodes: readonly DescribedNode[];
}

class Entry {
  readonly name: string;
  readonly predecessors = new JavaTreeSet<Entry>(bySizeThenName);
  readonly successors = new JavaTreeSet<Entry>(bySizeThenName);
  readonly #linkedParents: Entry[] = [];
  size = 1;

  constructor(name: string) {
    this.name = name;
  }

  link(parent: Entry): void {
    this.predecessors.add(parent);
    parent.successors.add(this);
    this.#linkedParents.push(parent);
    parent.#grow(this.size);
  }

  #grow(delta: number): void {
    this.size += delta;
    for (const parent of this.#linkedParents) parent.#grow(delta);
  }
}

function bySizeThenName(a: Entry, b: Entry): number {
  if (a === b) return 0;
  if (a.size !== b.size) return b.size - a.size;
  return a.name < b.name ? -1 : 1;
}

/** The topology as text (`toString`, equal to the text of Kafka Streams) and as data. */
export class TopologyDescription {
  readonly subtopologies: readonly DescribedSubtopology[];

  constructor(subtopologies: readonly DescribedSubtopology[]) {
    this.subtopologies = subtopologies;
    Object.freeze(this);
  }

  toString(): string {
    return `Topologies:\n ${this.subtopologies.map((subtopology) => `  ${textOf(subtopology)}`).join('')}`;
  }
}

export function describeTopology(topology: PhysicalTopology): TopologyDescription {
  return new TopologyDescription(topology.nodeGroups().map((group, id) => describeGroup(topology, group, id)));
}

function describeGroup(topology: PhysicalTopology, group: readonly string[], id: number): DescribedSubtopology {
  const entries = new Map<string, Entry>();
  for (const name of hashSetOrder(group)) entries.set(name, new Entry(name));
  for (const entry of entries.values()) {
    for (const parent of parentsOf(topology, entry.name)) entry.link(entries.get(parent) as Entry);
  }
  const ordered = [...entries.values()].sort(bySizeThenName);
  return { id, global: topology.isGlobal(group), nodes: ordered.map((entry) => describeNode(topology, entry)) };
}

function parentsOf(topology: PhysicalTopology, name: string): readonly string[] {
  const node = topology.nodes.get(name);
  return node === undefined || node.kind === 'source' ? [] : node.parents;
}

function describeNode(topology: PhysicalTopology, entry: Entry): DescribedNode {
  const node = topology.nodes.get(entry.name) as NonNullable<ReturnType<typeof topology.nodes.get>>;
  const links = { predecessors: [...entry.predecessors].map((parent) => parent.name), successors: [...entry.successors].map((child) => child.name) };
  if (node.kind === 'source') {
    const topics = node.pattern === undefined ? { topics: copiedHashSetOrder(node.topics) } : { topics: [], pattern: patternText(node.pattern) };
    return { kind: 'source', name: node.name, ...topics, stores: [], ...links };
  }
  if (node.kind === 'sink') return { kind: 'sink', name: node.name, topics: typeof node.topic === 'string' ? [node.topic] : [], stores: [], ...links };
  return { kind: 'processor', name: node.name, topics: [], stores: storesOf(topology, node), ...links };
}

function storesOf(topology: PhysicalTopology, node: ProcessorDefinition): string[] {
  return copiedHashSetOrder(hashSetOrder(topology.storesOfNode.get(node.name) ?? []));
}

function textOf(subtopology: DescribedSubtopology): string {
  if (subtopology.global) return `Sub-topology: ${subtopology.id} for global store (will not generate tasks)\n${nodesText(subtopology)}`;
  return `Sub-topology: ${subtopology.id}\n${nodesText(subtopology)}\n`;
}

function nodesText(subtopology: DescribedSubtopology): string {
  return subtopology.nodes.map((node) => `    ${nodeText(node)}\n`).join('');
}

function nodeText(node: DescribedNode): string {
  const to = `\n      --> ${listText(node.successors)}`;
  const from = `\n      <-- ${listText(node.predecessors)}`;
  if (node.kind === 'source') return `Source: ${node.name} (topics: ${node.pattern ?? `[${node.topics.join(', ')}]`})${to}`;
  if (node.kind === 'sink') return `Sink: ${node.name} (${node.topics.length > 0 ? `topic: ${node.topics[0]}` : 'extractor class: *'})${from}`;
  return `Processor: ${node.name} (stores: [${node.stores.join(', ')}])${to}${from}`;
}

function listText(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

import { TopologyError } from '../errors.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';
import type { GlobalStoreDefinition, InternalTopicDefinition, NodeDefinition, ProcessorDefinition, SinkDefinition, SourceDefinition } from './definitions.ts';
import { NodeGroups } from './node-groups.ts';
import { fullMatch } from './topic-pattern.ts';

/**
 * The physical topology while it is put together: sources, processors, sinks and stores by name, checked as they are added.
 * Both the DSL's lowering and the Processor API write into it; `describe` and `plan` read it. Names of internal topics are still without the application id.
 */
export class PhysicalTopology {
  /** In the order they were added: parents stand before children. */
  readonly nodes = new Map<string, NodeDefinition>();
  readonly stores = new Map<string, StoreBuilder>();
  /** Processor → the stores it may use, in the order they were connected. */
  readonly storesOfNode = new Map<string, string[]>();
  readonly globalStores = new Map<string, GlobalStoreDefinition>();
  readonly internalTopics = new Map<string, InternalTopicDefinition>();
  /** Store → the source topic that serves as its changelog. */
  readonly sourceTopicOfStore = new Map<string, string>();
  /** Names of source nodes whose topics need one partition count. */
  readonly copartitionedSources: (readonly string[])[] = [];
  readonly #groups = new NodeGroups();
  readonly #firstUser = new Map<string, string>();
  readonly #sourceTopics = new Set<string>();
  readonly #planListeners: ((applicationId: string) => void)[] = [];

  addSource(source: SourceDefinition): void {
    if (source.pattern === undefined && source.topics.length === 0) {
      throw new TopologyError(`Source ${source.name} has no topics: give at least one topic or a regular expression`, { operator: source.name });
    }
    this.#checkNewName(source.name);
    for (const topic of source.topics) this.#checkTopicIsFree(topic);
    if (source.pattern !== undefined) {
      const pattern = source.pattern;
      const taken = [...this.#sourceTopics, ...[...this.globalStores.values()].map((store) => store.topic)].find((topic) => fullMatch(pattern, topic));
      if (taken !== undefined) {
        throw new TopologyError(
          `Pattern ${pattern.source} matches topic ${taken}, which another source reads: narrow the pattern, or read the topic in one place`,
          {
            operator: source.name,
            topic: taken,
          },
        );
      }
    }
    for (const topic of source.topics) this.#sourceTopics.add(topic);
    this.#addNode(source);
  }

  addProcessor(processor: ProcessorDefinition): void {
    this.#checkNewName(processor.name);
    this.#checkParents('Processor', processor.name, processor.parents);
    this.#addNode(processor);
    for (const parent of processor.parents) this.#groups.unite(processor.name, parent);
  }

  addSink(sink: SinkDefinition): void {
    this.#checkNewName(sink.name);
    this.#checkParents('Sink', sink.name, sink.parents);
    this.#addNode(sink);
    for (const parent of sink.parents) this.#groups.unite(sink.name, parent);
  }

  addStore(builder: StoreBuilder, processors: readonly string[]): void {
    const present = this.stores.get(builder.name);
    if ((present !== undefined && present !== builder) || this.globalStores.has(builder.name)) {
      throw new TopologyError(`A different state store has already been added with the name ${builder.name}: give one of the two another name`, {
        store: builder.name,
      });
    }
    this.stores.set(builder.name, builder);
    for (const processor of processors) this.connect(processor, builder.name);
  }

  /** Lets a processor use a store; their sub-topologies become one. */
  connect(processor: string, store: string): void {
    if (this.globalStores.has(store)) {
      throw new TopologyError(`Global state store ${store} can be used by every processor without being named: leave it out`, { operator: processor, store });
    }
    if (!this.stores.has(store)) {
      throw new TopologyError(`State store ${store} is not added yet: add it with addStateStore before processor ${processor} uses it`, {
        operator: processor,
        store,
      });
    }
    const node = this.nodes.get(processor);
    if (node === undefined)
      throw new TopologyError(`Processor ${processor} is not added yet: add it before connecting state store ${store} to it`, { operator: processor, store });
    if (node.kind !== 'processor') {
      throw new TopologyError(`${processor} is a ${node.kind}: only processors use state stores`, { operator: processor, store });
    }
    const user = this.#firstUser.get(store);
    if (user === undefined) this.#firstUser.set(store, processor);
    else this.#groups.unite(user, processor);
    const connected = this.storesOfNode.get(processor) as string[];
    if (!connected.includes(store)) connected.push(store);
  }

  addGlobalStore(builder: StoreBuilder, source: SourceDefinition, processor: ProcessorDefinition): void {
    this.#checkNewName(source.name);
    this.#checkNewName(processor.name);
    if (source.name === processor.name)
      throw new TopologyError(`Source and processor of global store ${builder.name} are both named ${source.name}: give them different names`);
    if (this.stores.has(builder.name) || this.globalStores.has(builder.name)) {
      throw new TopologyError(`A different state store has already been added with the name ${builder.name}: give one of the two another name`, {
        store: builder.name,
      });
    }
    if (builder.loggingEnabled) {
      throw new TopologyError(
        `State store ${builder.name} of a global table must not have logging enabled, its topic is its changelog: use withLoggingDisabled()`,
        {
          store: builder.name,
        },
      );
    }
    const topic = source.topics[0];
    if (topic === undefined || source.topics.length !== 1)
      throw new TopologyError(`Global store ${builder.name} reads exactly one topic`, { store: builder.name });
    this.#checkTopicIsFree(topic);
    this.#addNode(source);
    this.#addNode(processor);
    this.#groups.unite(processor.name, source.name);
    this.storesOfNode.set(processor.name, [builder.name]);
    this.globalStores.set(builder.name, { builder, topic, source: source.name, processor: processor.name });
  }

  addInternalTopic(topic: InternalTopicDefinition): void {
    this.internalTopics.set(topic.name, topic);
  }

  /** The store restores from the topic it is read from; it needs no changelog of its own. */
  useSourceAsChangelog(store: string, topic: string): void {
    this.sourceTopicOfStore.set(store, topic);
  }

  copartition(sources: readonly string[]): void {
    this.copartitionedSources.push(sources);
  }

  /** Some serdes are told names of topics, which hold the application id. */
  whenPlanned(listener: (applicationId: string) => void): void {
    this.#planListeners.push(listener);
  }

  planned(applicationId: string): void {
    for (const listener of this.#planListeners) listener(applicationId);
  }

  /** Sub-topologies by id: names of their nodes in the order they were added. Global stores take an id too, as in Kafka Streams. */
  nodeGroups(): string[][] {
    return this.#groups.groups();
  }

  isGlobal(group: readonly string[]): boolean {
    return [...this.globalStores.values()].some((store) => group.includes(store.source));
  }

  #addNode(node: NodeDefinition): void {
    this.nodes.set(node.name, Object.freeze(node));
    this.#groups.add(node.name);
    this.storesOfNode.set(node.name, []);
  }

  #checkNewName(name: string): void {
    if (this.nodes.has(name)) throw new TopologyError(`Processor ${name} is already added: give one of the two another name`, { operator: name });
  }

  #checkParents(what: string, name: string, parents: readonly string[]): void {
    if (parents.length === 0) throw new TopologyError(`${what} ${name} must have at least one parent`, { operator: name });
    for (const parent of parents) {
      if (parent === name) throw new TopologyError(`${what} ${name} cannot be its own parent`, { operator: name });
      const node = this.nodes.get(parent);
      if (node === undefined) throw new TopologyError(`Parent ${parent} of ${name} is not added yet: add parents first`, { operator: name });
      if (node.kind === 'sink') throw new TopologyError(`Sink ${parent} cannot be a parent of ${name}: a sink has no children`, { operator: name });
    }
  }

  #checkTopicIsFree(topic: string): void {
    const global = [...this.globalStores.values()].some((store) => store.topic === topic);
    if (global || this.#sourceTopics.has(topic)) {
      throw new TopologyError(`Topic ${topic} has already been registered by another source: read it once and branch from there`, { topic });
    }
    for (const node of this.nodes.values()) {
      if (node.kind === 'source' && node.pattern !== undefined && fullMatch(node.pattern, topic)) {
        throw new TopologyError(`Topic ${topic} matches the pattern ${node.pattern.source} of source ${node.name}: read it in one place`, { topic });
      }
    }
  }
}

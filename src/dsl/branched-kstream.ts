import { kstreamBranch, kstreamPassThrough, type Predicate } from '../operators/index.ts';
import type { AnyStream } from './erased.ts';
import type { PlainNode } from './graph/logical-node.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { KStream } from './kstream.ts';
import { STREAM, validName } from './names.ts';
import type { Named } from './options.ts';
import { nextStage, type Stage } from './stage.ts';

/** A branch. Its key in the map of branches is the splitter's name followed by its own: its number (default branch: 0) unless it is given. */
export interface Branched<K, V> extends Named {
  /** Applied to the branch at once; what it returns stands in the map. Null leaves it out. */
  chain?: (stream: KStream<K, V>) => AnyStream | null;
  /** Called with the branch at once; it is then not in the map. */
  consumer?: (stream: KStream<K, V>) => void;
}

/** The branches of a {@link KStream.split}. A record goes to the first branch whose predicate is true; without a default branch the rest is dropped. */
export class BranchedKStream<K, V> {
  readonly #source: Stage;
  readonly #splitter: PlainNode;
  readonly #predicates: Predicate<K, V>[] = [];
  readonly #childNames: string[] = [];
  readonly #branches = new Map<string, AnyStream>();

  /** @internal */
  constructor(source: Stage, named: Named | undefined) {
    this.#source = source;
    const name = source.graph.names.orGenerate(named?.name, STREAM.branch);
    this.#splitter = processorNode(name, { supplier: kstreamBranch(this.#predicates, this.#childNames) });
    source.graph.add(this.#splitter, source.node);
  }

  branch(predicate: Predicate<K, V>, branched: Branched<K, V> = {}): this {
    this.#predicates.push(predicate);
    this.#addBranch(branched, this.#predicates.length);
    return this;
  }

  /** Takes the records of no other branch. Returns all branches by name. */
  defaultBranch(branched: Branched<K, V> = {}): Map<string, KStream<K, V>> {
    this.#addBranch(branched, 0);
    return this.#branches;
  }

  /** Drops the records of no branch. Returns all branches by name. */
  noDefaultBranch(): Map<string, KStream<K, V>> {
    return this.#branches;
  }

  #addBranch({ name, chain, consumer }: Branched<K, V>, index: number): void {
    const { graph } = this.#source;
    const childName = validName(this.#splitter.name + (name ?? String(index)), 'Name of a branch');
    this.#childNames.push(childName);
    graph.names.processor(childName);
    const node = processorNode(childName, { supplier: kstreamPassThrough() });
    graph.add(node, this.#splitter);
    const stream = new KStream<K, V>(nextStage(this.#source, node));
    if (chain !== undefined) {
      const result = chain(stream);
      if (result !== null) this.#branches.set(childName, result);
    } else if (consumer !== undefined) {
      consumer(stream);
    } else {
      this.#branches.set(childName, stream);
    }
  }
}

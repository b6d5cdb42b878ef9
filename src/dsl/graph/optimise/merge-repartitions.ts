import { TopologyError } from '../../../errors.ts';
import { findUpstream } from '../find-parent.ts';
import type { LogicalGraph } from '../logical-graph.ts';
import type { LogicalNode } from '../logical-node.ts';
import type { RepartitionNode } from '../nodes/repartition-node.ts';

export interface RepartitionMerge {
  readonly graph: LogicalGraph;
  /** Key-changing nodes in the order they were added, with the mergeable repartitions that follow them without a change of key or value between. */
  readonly keyChangers: Map<LogicalNode, Set<RepartitionNode>>;
  readonly mergeNodes: ReadonlySet<LogicalNode>;
  /** A new repartition node for the topic that stays. */
  readonly create: (topic: string, first: Pick<RepartitionNode, 'keySerde' | 'valueSerde'>) => RepartitionNode;
  readonly replaced: (old: RepartitionNode, by: RepartitionNode) => void;
}

/** `merge.repartition.topics`: all repartitions behind one key change become one, right behind it, under the first one's topic name. */
export function mergeRepartitions(merge: RepartitionMerge): void {
  moveToMergeNodes(merge);
  const { graph } = merge;
  for (const [keyChanger, repartitions] of merge.keyChangers) {
    const first = [...repartitions][0];
    if (first === undefined) continue;
    const single = merge.create(first.topic, {
      keySerde: [...repartitions].find((node) => node.keySerde !== undefined)?.keySerde,
      valueSerde: [...repartitions].find((node) => node.valueSerde !== undefined)?.valueSerde,
    });
    graph.setPriority(single, graph.priority(keyChanger));
    for (const old of repartitions) {
      const branch = findUpstream(graph, old, (node) => graph.parents(node).includes(keyChanger));
      if (branch === undefined) {
        throw new TopologyError(
          `Repartitions ${[...repartitions].map((node) => node.topic).join(', ')} behind ${keyChanger.name} cannot be merged because they share an operator after it: ` +
            'turn off merge.repartition.topics, or put repartition() right after the key change',
          { operator: keyChanger.name },
        );
      }
      graph.link(single, branch);
      graph.unlink(keyChanger, branch);
      bypass(graph, old);
      merge.replaced(old, single);
    }
    graph.link(keyChanger, single);
  }
}

function bypass(graph: LogicalGraph, node: LogicalNode): void {
  const parents = graph.parents(node);
  const children = graph.children(node);
  for (const child of children) for (const parent of parents) graph.link(parent, child);
  for (const parent of parents) graph.unlink(parent, node);
  for (const child of children) graph.unlink(node, child);
}

/** Where streams with changed keys are merged before they are repartitioned, the merge takes the place of the key changes. */
function moveToMergeNodes({ graph, keyChangers, mergeNodes }: RepartitionMerge): void {
  const merged = new Map<LogicalNode, Set<LogicalNode>>();
  for (const mergeNode of mergeNodes) {
    const changers = new Set<LogicalNode>();
    merged.set(mergeNode, changers);
    for (const [changer, repartitions] of keyChangers) {
      const allBehindMerge = [...repartitions].every((node) => findUpstream(graph, node, (at) => graph.parents(at).includes(mergeNode)) !== undefined);
      if (allBehindMerge && findUpstream(graph, mergeNode, (at) => graph.parents(at).includes(changer)) !== undefined) changers.add(changer);
    }
  }
  const moved = new Set<LogicalNode>();
  for (const [mergeNode, changers] of merged) {
    const repartitions = new Set<RepartitionNode>();
    for (const changer of changers) {
      for (const node of keyChangers.get(changer) ?? []) repartitions.add(node);
      moved.add(changer);
    }
    keyChangers.set(mergeNode, repartitions);
  }
  for (const changer of moved) keyChangers.delete(changer);
}

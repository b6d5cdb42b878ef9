import { ConfigError } from '../errors.ts';
import type { SubtopologyPlan, TopologyPlan } from './plan.ts';

/** The operators that a record goes through one after the other, and how long it can take in them. */
interface Path {
  readonly ms: number;
  readonly operators: readonly string[];
}

const NOWHERE: Path = { ms: 0, operators: [] };

/**
 * A task can be handed over, and a commit made, only when its asynchronous calls have ended: that must not take longer than the group waits for a member.
 * @throws ConfigError when the calls for one record can, with all retries, in the operators of a sub-topology that follow each other.
 */
export function checkAsyncLimits(plan: TopologyPlan, maxPollIntervalMs: number): void {
  for (const subtopology of plan.subtopologies) {
    const { ms, operators } = longestPath(subtopology);
    if (ms < maxPollIntervalMs) continue;
    throw new ConfigError(
      `Asynchronous calls for one record may take ${ms} ms in ${operators.join(' and then ')}, timeout × (retries + 1) and the pauses between, and maxPollIntervalMs is ${maxPollIntervalMs}: ` +
        'give shorter timeouts, fewer retries or a longer maxPollIntervalMs',
    );
  }
}

function longestPath({ nodes }: SubtopologyPlan): Path {
  const paths = new Map<string, Path>();
  let longest = NOWHERE;
  // Children stand behind their parents.
  for (const node of nodes.toReversed()) {
    let path = NOWHERE;
    for (const child of node.children) {
      const below = paths.get(child) ?? NOWHERE;
      if (below.ms > path.ms) path = below;
    }
    if (node.kind === 'processor' && node.asyncLimitMs !== undefined) path = { ms: node.asyncLimitMs + path.ms, operators: [node.name, ...path.operators] };
    paths.set(node.name, path);
    if (path.ms > longest.ms) longest = path;
  }
  return longest;
}

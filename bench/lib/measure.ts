import { setTimeout as sleep } from 'node:timers/promises';
import { partitionKey } from '../../src/kafka/contract.ts';
import { type Cluster, GroupOffsets, nothingLeft, partitionsOf } from './cluster.ts';
import type { Contestant, EventLoopDelay } from './contestants.ts';
import { INPUT_PARTITIONS } from './input.ts';
import { cpuSeconds, peakMemory } from './process-stats.ts';

export interface Figures {
  /** Input records committed between the first commit that was seen and the last. */
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** Of all processes, in that time. */
  readonly cpuSeconds: number;
  readonly cpuSecondsPerMillion: number;
  /** Of all processes from their start to the last commit, by all input records: start-up, joining and compiling included. */
  readonly cpuSecondsPerMillionWithStart: number;
  /** Of each process its highest resident memory since it started, added up; bytes. */
  readonly peakMemory: number;
  readonly eventLoopDelay: EventLoopDelay | null;
}

interface Sample {
  readonly at: number;
  readonly committed: number;
  readonly cpu: number;
}

const SAMPLE_MS = 25;
const QUIET_MS = 500;
const STUCK_MS = 120_000;

/**
 * Watches a program work off its input, from outside and by the same rule for every program. Time runs from the first commit of input offsets
 * that is seen after all instances have joined to the last commit of the group, of any topic; start-up and joining are before it, shutting down after it.
 */
export async function measure(cluster: Cluster, contestant: Contestant, applicationId: string, inputTopics: readonly string[]): Promise<Figures> {
  const group = await GroupOffsets.open(cluster, applicationId);
  try {
    await contestant.ready;
    const inputs = inputTopics.flatMap((topic) => partitionsOf(topic, INPUT_PARTITIONS));
    const total = sum((await cluster.ends(inputs)).values());
    let internal = await repartitionPartitions(cluster, applicationId);
    let first: Sample | undefined;
    let last: Sample | undefined;
    let lastState = '';
    for (;;) {
      const committed = await Promise.race([group.read([...inputs, ...internal]), contestant.failure]);
      const now = performance.now();
      const ofInput = sum(inputs.map((each) => committed.get(partitionKey(each)) ?? 0));
      const state = JSON.stringify([...committed.values()]);
      if (state !== lastState && ofInput > 0) {
        lastState = state;
        last = { at: now, committed: ofInput, cpu: sum(contestant.pids.map(cpuSeconds)) };
        if (first === undefined) {
          first = last;
          contestant.begin();
          internal = await repartitionPartitions(cluster, applicationId);
        }
      }
      const quiet = last === undefined ? 0 : now - last.at;
      if (ofInput === total && quiet > QUIET_MS && (await nothingLeft(cluster, internal, committed))) break;
      if (quiet > STUCK_MS) throw new Error(`${ofInput} of ${total} records are committed, and no more for ${STUCK_MS / 1000} seconds`);
      await sleep(SAMPLE_MS);
    }
    if (first === undefined || last === undefined || last.committed === first.committed) {
      throw new Error('All records were committed in one commit: there is nothing to measure. Give more --records');
    }
    const records = last.committed - first.committed;
    const seconds = (last.at - first.at) / 1000;
    const cpu = last.cpu - first.cpu;
    return {
      records,
      seconds,
      recordsPerSecond: records / seconds,
      cpuSeconds: cpu,
      cpuSecondsPerMillion: (cpu / records) * 1e6,
      cpuSecondsPerMillionWithStart: (last.cpu / total) * 1e6,
      peakMemory: sum(contestant.pids.map(peakMemory)),
      eventLoopDelay: await contestant.eventLoopDelay(),
    };
  } finally {
    await group.close();
  }
}

async function repartitionPartitions(cluster: Cluster, applicationId: string) {
  const topics = await cluster.topicsStartingWith(`${applicationId}-`);
  return topics
    .filter(({ name }) => name.endsWith('-repartition') || name.endsWith('-topic'))
    .flatMap(({ name, partitions }) => partitionsOf(name, partitions));
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

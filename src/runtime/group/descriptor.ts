import { StreamsError } from '../../errors.ts';
import type { TopologyPlan } from '../plan.ts';
import type { TaskId, TopicLayout } from '../topics/topic-layout.ts';

/**
 * What every member of a group must agree on: one record on the tasks topic. Of the records with the highest generation the one with the lowest offset
 * counts; a new generation is an upgrade, and only a member that owns the whole group may write one.
 */
export interface Descriptor {
  readonly format: 1;
  readonly generation: number;
  readonly applicationId: string;
  /** Partitions of the tasks topic: partition n owns the tasks whose index in `tasks` is n modulo this. */
  readonly partitions: number;
  readonly tasks: readonly string[];
  /** Sub-topology → fingerprint. */
  readonly fingerprints: { readonly [subtopology: string]: string };
  /** Process id of who wrote it, for people. */
  readonly writer: string;
}

/** A descriptor and where it stands in partition 0 of the tasks topic. */
export interface StoredDescriptor {
  readonly key: string;
  readonly offset: number;
  readonly descriptor: Descriptor;
}

const KEY_PREFIX = 'descriptor/';

export function describeGroup(
  plan: TopologyPlan,
  layout: TopicLayout,
  applicationId: string,
  tasksPartitions: number,
  writer: string,
  generation: number,
): Descriptor {
  return {
    format: 1,
    generation,
    applicationId,
    partitions: tasksPartitions,
    tasks: layout.tasks.map((task) => task.id),
    fingerprints: Object.fromEntries(plan.subtopologies.map((sub) => [String(sub.id), sub.fingerprint])),
    writer,
  };
}

/** Keys differ by writer, so that compaction cannot remove the first of two racing records in favour of the second. */
export function descriptorKey(descriptor: Descriptor): Buffer {
  return Buffer.from(`${KEY_PREFIX}${descriptor.generation}/${descriptor.writer}`);
}

export function encodeDescriptor(descriptor: Descriptor): Buffer {
  return Buffer.from(JSON.stringify(descriptor));
}

/** Undefined when the record is something else than a descriptor. */
export function decodeDescriptor(key: string, value: Buffer): Descriptor | undefined {
  if (!key.startsWith(KEY_PREFIX)) return undefined;
  try {
    const parsed = JSON.parse(value.toString()) as Partial<Descriptor>;
    if (
      parsed.format === 1 &&
      typeof parsed.generation === 'number' &&
      typeof parsed.partitions === 'number' &&
      Array.isArray(parsed.tasks) &&
      typeof parsed.fingerprints === 'object'
    ) {
      return parsed as Descriptor;
    }
  } catch {
    // Reported below: not JSON is as wrong as the wrong fields.
  }
  throw new StreamsError(`The descriptor ${key} on the tasks topic cannot be read: it was written by a newer version, or by something else`, {
    code: 'ERR_TASKS_TOPIC',
  });
}

/** The one that counts. */
export function currentDescriptor(stored: Iterable<StoredDescriptor>): StoredDescriptor | undefined {
  let current: StoredDescriptor | undefined;
  for (const candidate of stored) {
    if (current === undefined || candidate.descriptor.generation > current.descriptor.generation) current = candidate;
    else if (candidate.descriptor.generation === current.descriptor.generation && candidate.offset < current.offset) current = candidate;
  }
  return current;
}

/** What differs between the group's descriptor and this member's own topology; empty when they agree. */
export function differences(group: Descriptor, own: Descriptor): string[] {
  const found: string[] = [];
  for (const [sub, fingerprint] of Object.entries(own.fingerprints)) {
    if (group.fingerprints[sub] === undefined) found.push(`sub-topology ${sub} is new`);
    else if (group.fingerprints[sub] !== fingerprint) found.push(`sub-topology ${sub} differs`);
  }
  for (const sub of Object.keys(group.fingerprints)) if (own.fingerprints[sub] === undefined) found.push(`sub-topology ${sub} is gone`);
  if (found.length === 0 && group.tasks.join() !== own.tasks.join())
    found.push(`the group has ${group.tasks.length} tasks and this member ${own.tasks.length}: the partition count of an input topic has changed`);
  if (found.length === 0 && group.partitions !== own.partitions) found.push(`the tasks topic had ${group.partitions} partitions and now has ${own.partitions}`);
  return found;
}

/** Tasks of one partition of the tasks topic. */
export function tasksOfPartition(tasks: readonly TaskId[], partition: number, tasksPartitions: number): TaskId[] {
  return tasks.filter((_, index) => index % tasksPartitions === partition);
}

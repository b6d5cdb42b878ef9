import { StreamsError } from '../../errors.ts';
import { partitionKey } from '../../kafka/contract.ts';
import type { OwnedTask, StoreChangelog } from '../thread/owned-task.ts';
import type { RestorePlan } from './restorer.ts';

/** First and next offset of each changelog partition, as read_uncommitted readers see them. */
export interface LogBounds {
  readonly begin: ReadonlyMap<string, number>;
  readonly end: ReadonlyMap<string, number>;
}

/** Fact in a task's state file: its contents were committed, together with offsets. */
export const COMMITTED_META = 'committed';

/**
 * Decide for each store of a task what has to be read. Contents on disk are used when the log still goes on from them; they are rebuilt when their offset is outside the log, or
 * when they are so old that a tombstone in between may have been compacted away.
 * @param committed committed offsets of the task's inputs
 * @throws StreamsError (`ERR_STATE_WITHOUT_OFFSETS`) when there is committed state, but no input of the task has a committed offset.
 */
export function planRestore(owner: OwnedTask, committed: ReadonlyMap<string, number>, bounds: LogBounds, now: number): RestorePlan[] {
  if (committed.size === 0 && owner.changelogs.length > 0 && owner.state.getMeta(COMMITTED_META) !== undefined) throw stateWithoutOffsets(owner);
  return owner.changelogs.map((changelog) => {
    const key = partitionKey(changelog);
    const begin = bounds.begin.get(key) as number;
    // A table that reads its source topic must not see what was not processed yet.
    const end = changelog.isSource ? Math.min(bounds.end.get(key) as number, committed.get(key) ?? 0) : (bounds.end.get(key) as number);
    const stored = owner.state.position(changelog.store);
    let from = stored.changelogOffset;
    const reason = from === undefined ? undefined : whyRebuild(changelog, from, stored.caughtUpAt, begin, end, now);
    if (reason !== undefined) {
      owner.logger.warn(
        { store: changelog.store, offset: from, begin, end, reason },
        'The local contents of a store cannot be used: it is rebuilt from its changelog',
      );
      owner.state.reset(changelog.store);
      from = undefined;
    }
    return { changelog, from: from ?? Math.min(begin, end), end };
  });
}

function whyRebuild(changelog: StoreChangelog, offset: number, caughtUpAt: number, begin: number, end: number, now: number): string | undefined {
  if (offset < begin) return 'records after its offset were deleted';
  if (offset > end) return 'its offset is beyond the end of the changelog';
  if (offset < end && now - caughtUpAt > changelog.deleteRetentionMs / 2) return 'it is so old that tombstones may have been compacted away';
  return undefined;
}

/** Offsets that expired, or were deleted, would make the task count everything again on top of its state. */
export function stateWithoutOffsets(owner: OwnedTask): StreamsError {
  return new StreamsError(
    'The task has state, but none of its inputs has a committed offset: they expired or were deleted. To process the input again, delete its changelogs ' +
      `(${owner.changelogs.map((changelog) => changelog.topic).join(', ')}) and the state directory first; to go on, set the offsets of the group`,
    { code: 'ERR_STATE_WITHOUT_OFFSETS', taskId: owner.name },
  );
}

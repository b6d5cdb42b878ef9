import { partitionKey } from '../../kafka/contract.ts';
import type { LogIdentity } from '../../state/contract/task-state.ts';
import type { ResolvedConfig } from '../config.ts';
import { planRestore, stateWithoutOffsets } from '../restore/restore-plan.ts';
import type { Restorer } from '../restore/restorer.ts';
import type { InputPositions } from './input-positions.ts';
import type { OwnedTask } from './owned-task.ts';

/**
 * Brings new tasks from their creation to the point where they can run: positions of their inputs, then the bounds of their changelogs, then restore; serdes prepare to encode before that. In this order: what the
 * committed offsets say was processed is then in the changelogs. Runs beside the loop, which may close a task meanwhile.
 */
export class TaskStarter {
  private readonly positions: InputPositions;
  private readonly restorer: Restorer;
  private readonly config: ResolvedConfig;
  private readonly identity: LogIdentity;
  private readonly onError: (error: unknown) => void;

  constructor(options: { positions: InputPositions; restorer: Restorer; config: ResolvedConfig; identity: LogIdentity; onError: (error: unknown) => void }) {
    this.positions = options.positions;
    this.restorer = options.restorer;
    this.config = options.config;
    this.identity = options.identity;
    this.onError = options.onError;
  }

  /** The restorer tells when each task is restored. */
  start(owners: readonly OwnedTask[]): Promise<void> {
    return this.begin(owners).catch((error: unknown) => {
      // Of a task that has left meanwhile, nobody wants to know.
      if (owners.some((owner) => owner.phase !== 'closed')) this.onError(error);
    });
  }

  /** To be called when the restorer reports a task. @throws StreamsError when the task has state without offsets. */
  restored(owner: OwnedTask, now: number): void {
    const exactlyOnce = this.config.processingGuarantee === 'exactly_once_v2';
    // At least once, a crash before the first commit leaves changelog records; exactly-once they are part of a transaction that has offsets too.
    if (exactlyOnce && owner.restored > 0 && ![...owner.positions.values()].some((position) => owner.committedInputs.has(partitionKey(position))))
      throw stateWithoutOffsets(owner);
    for (const changelog of owner.changelogs) owner.state.markCaughtUp(changelog.store, now);
    owner.phase = 'restored';
  }

  private async begin(owners: readonly OwnedTask[]): Promise<void> {
    const committed = await this.positions.committed(owners);
    const alive = owners.filter((owner) => owner.phase === 'starting');
    if (alive.length === 0) return;
    await Promise.all(alive.filter((owner) => owner.task.needsPrepareEncode).map((owner) => owner.task.prepareEncode()));
    await this.positions.resolve(alive, committed);
    const changelogs = alive.flatMap((owner) => owner.changelogs);
    const [begin, end] = await Promise.all([
      this.positions.list(changelogs, 'earliest', 'read_uncommitted'),
      this.positions.list(changelogs, 'latest', 'read_uncommitted'),
    ]);
    for (const owner of alive) {
      if (owner.phase !== 'starting') continue;
      owner.committedInputs = new Set(owner.inputs.map(partitionKey).filter((key) => committed.has(key)));
      const offsets = new Map([...owner.committedInputs].map((key) => [key, (owner.positions.get(key) as { offset: number }).offset]));
      owner.state.identify(this.identity);
      const plans = planRestore(owner, offsets, { begin, end }, Date.now());
      owner.phase = 'restoring';
      await this.restorer.add(owner, plans);
    }
  }
}

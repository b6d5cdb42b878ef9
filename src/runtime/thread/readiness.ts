import type { GroupMember } from '../group/member.ts';
import type { OwnedTasks } from './owned-tasks.ts';

/** Tells when every owned task runs, and when that is no longer so. */
export class Readiness {
  private readonly member: GroupMember;
  private readonly tasks: OwnedTasks;
  private readonly onReady: (ready: boolean) => void;
  private joined = false;
  private ready = false;
  private ended = false;

  constructor(member: GroupMember, tasks: OwnedTasks, onReady: (ready: boolean) => void) {
    this.member = member;
    this.tasks = tasks;
    this.onReady = onReady;
  }

  /** A rebalance was handled: the group has said what this member is to have. */
  groupAnswered(): void {
    this.joined = true;
    this.note();
  }

  /** The loop has ended: that no task waits any more does not mean that all of them run. */
  end(): void {
    this.ended = true;
  }

  note(): void {
    if (this.ended) return;
    if (!this.joined) this.joined = this.member.gotNothing(Date.now());
    const ready = this.joined && this.tasks.allRunning && !this.member.hasEvents;
    if (ready === this.ready) return;
    this.ready = ready;
    this.onReady(ready);
  }
}

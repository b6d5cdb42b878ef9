import type { Engine } from '../engine/engine.ts';
import type { Deadline, FrozenStore } from './managed-store.ts';

/** One store's writes and where they go. */
export interface FrozenPart {
  readonly store: string;
  readonly engine: Engine;
  readonly frozen: FrozenStore;
}

/**
 * Writes a frozen interval to the engines in one transaction each, in steps. The transaction stays open between the steps of the event loop; whoever else must write to the
 * engine first runs the job to its end.
 */
export class ApplyJob {
  readonly #parts: readonly FrozenPart[];
  readonly #engines: readonly Engine[];
  readonly #finish: () => void;
  #at = 0;
  #begun = false;
  done = false;
  /** The frozen interval that it writes. */
  owner: unknown = null;
  /** Why it failed: nothing of it was written. */
  error: unknown = undefined;
  /** The store whose writes failed; undefined when it was the commit of them all. */
  failedStore: string | undefined;

  /** `finish` writes offsets and facts, inside the transaction. */
  constructor(parts: readonly FrozenPart[], engines: readonly Engine[], finish: () => void) {
    this.#parts = parts;
    this.#engines = engines;
    this.#finish = finish;
  }

  /** @throws what the engine throws; everything is rolled back then, and the job is done. */
  step(deadline: Deadline): void {
    if (this.done) return;
    try {
      if (!this.#begun) {
        this.#begun = true;
        for (const engine of this.#engines) engine.begin();
      }
      while (this.#at < this.#parts.length) {
        if (!(this.#parts[this.#at] as FrozenPart).frozen.write(deadline)) return;
        this.#at++;
        if (deadline()) return;
      }
      this.#finish();
      // Memory cannot fail to commit, so the file goes first.
      for (const engine of this.#engines) if (engine.persistent) engine.commit();
      for (const engine of this.#engines) if (!engine.persistent) engine.commit();
      for (const part of this.#parts) part.frozen.applied();
      this.done = true;
    } catch (error) {
      this.error = error;
      this.failedStore = this.#parts[this.#at]?.store;
      this.done = true;
      for (const engine of this.#engines) engine.rollback();
      throw error;
    }
  }
}

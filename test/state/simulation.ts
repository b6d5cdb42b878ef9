import type { StoreBuilder } from '../../src/state/contract/builder.ts';
import type { StateStore } from '../../src/state/contract/stores.ts';
import type { TaskState } from '../../src/state/contract/task-state.ts';
import { createTaskState, type TaskStateOptions } from '../../src/state/task/task-state.ts';
import { commit, Harness, type Logged, TestContext } from './support.ts';

/**
 * A store in a task whose process can die at any moment, with a changelog that outlives it: what a Kafka transaction committed is in it, what was aborted is not.
 */
export class Simulation<S extends StateStore> {
  readonly harness = new Harness();
  readonly #builder: StoreBuilder<S>;
  readonly #options: Partial<TaskStateOptions>;
  /** Committed changelog records. */
  readonly #changelog: Logged[] = [];
  state!: TaskState;
  store!: S;
  context!: TestContext;

  constructor(builder: StoreBuilder<S>, options: Partial<TaskStateOptions> = {}) {
    this.#builder = builder;
    this.#options = options;
    this.#start();
  }

  /** `applied` false: the transaction is committed, and the process dies before the state file is written. */
  commit(applied = true): void {
    this.state.flushCaches();
    const frozen = this.state.freeze();
    this.#changelog.push(...this.context.log.splice(0));
    if (!applied) {
      this.crash();
      return;
    }
    if (frozen !== null) this.state.applySync(frozen, new Map([[this.store.name, this.#changelog.length]]));
  }

  /** The transaction is aborted: before or after the buffers were frozen. */
  abort(frozen: boolean): void {
    if (frozen) {
      this.state.flushCaches();
      this.state.freeze();
    }
    this.state.discard();
    this.context.log.length = 0;
  }

  crash(): void {
    this.state.close();
    this.#start();
  }

  /** The state directory is gone too. */
  lose(): void {
    this.state.destroy();
    this.#start();
  }

  dispose(): void {
    this.state.close();
    this.harness.dispose();
  }

  get changelog(): readonly Logged[] {
    return this.#changelog;
  }

  #start(): void {
    this.state = createTaskState({ taskId: '0_0', directory: this.harness.directory, logger: this.harness.logger, ...this.#options });
    const clock = this.context?.recordContext;
    this.context = new TestContext(this.state);
    if (clock !== undefined) this.context.recordContext = clock;
    this.store = this.#builder.build();
    this.state.register(this.store);
    this.store.init(this.context);
    const from = this.state.position(this.store.name).changelogOffset ?? 0;
    const records = this.#changelog
      .slice(from)
      .map((entry, index) => ({ key: entry.key, value: entry.value, timestamp: entry.timestamp ?? 0, headers: entry.headers, offset: from + index }));
    for (let at = 0; at < records.length; at += 7) {
      const batch = records.slice(at, at + 7);
      this.state.restore(this.store.name, batch, from + at + batch.length);
    }
  }
}

export { commit };

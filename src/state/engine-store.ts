import { IllegalStateError, StateStoreError } from '../errors.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StateStoreContext } from './contract/context.ts';
import type { ChangelogRecord } from './contract/task-state.ts';
import type { Engine, StoreShape } from './engine/engine.ts';
import type { Deadline, FrozenStore, ManagedStore, StoreEnvironment } from './task/managed-store.ts';

/** What every store is made with. */
export interface StoreSettings<K, V> {
  readonly name: string;
  /** `sqlite` keeps its contents on disk. */
  readonly engine: 'sqlite' | 'memory';
  /** Undefined: the application's default. */
  readonly keySerde: Serde<K> | undefined;
  readonly valueSerde: Serde<V> | undefined;
  readonly logging: boolean;
}

/** Lifecycle that all of Millrace's stores share: they are attached to the task's engine by `TaskState.register`, and get serdes and changelog by `init`. */
export abstract class EngineStore<K, V> implements ManagedStore {
  readonly name: string;
  readonly persistent: boolean;
  protected readonly settings: StoreSettings<K, V>;
  #context: StateStoreContext | null = null;
  #environment: StoreEnvironment | null = null;
  #engine: Engine | null = null;
  #open = false;
  /** Passed to serdes: the changelog's name. */
  protected topic = '';

  constructor(settings: StoreSettings<K, V>) {
    this.name = settings.name;
    this.settings = settings;
    this.persistent = settings.engine === 'sqlite';
  }

  get changelogTopic(): string {
    return this.topic;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  attach(environment: StoreEnvironment): void {
    if (this.#environment !== null)
      throw new IllegalStateError('the store is registered already: a store belongs to one task', { taskId: environment.taskId, store: this.name });
    this.#environment = environment;
    const engine = environment.engine(this.persistent);
    this.#engine = engine;
    if (engine.openStore(this.name, this.shape())) {
      environment.logger.warn(
        { taskId: environment.taskId, store: this.name },
        'the store is of another kind or retention than the one in the state file: it is rebuilt from its changelog',
      );
    }
    this.attached(engine, environment);
  }

  init(context: StateStoreContext): void {
    this.#context = context;
    this.topic = context.changelogTopic(this.name);
    const key = resolveSerde(this.settings.keySerde, context.defaultKeySerde, context) as Serde<K> | undefined;
    const value = resolveSerde(this.settings.valueSerde, context.defaultValueSerde, context) as Serde<V> | undefined;
    if (key === undefined || value === undefined)
      throw new StateStoreError(
        `the store has no ${key === undefined ? 'key' : 'value'} serde: give it one, or set default${key === undefined ? 'Key' : 'Value'}Serde in the configuration`,
        {
          taskId: context.taskId,
          store: this.name,
        },
      );
    context.encodes?.(this.topic, key as Serde<unknown>);
    context.encodes?.(this.topic, value as Serde<unknown>);
    this.configure(context);
    this.useSerdes(key, value);
    if (this.settings.logging) {
      context.encodes?.(this.topic, key as Serde<unknown>);
      context.encodes?.(this.topic, value as Serde<unknown>);
    }
    if (this.#environment === null) context.taskState.register(this);
    this.#open = true;
  }

  close(): void {
    this.#open = false;
    this.forget();
  }

  protected get context(): StateStoreContext {
    if (!this.#open) throw new IllegalStateError('the store is not open: it is used before init or after close', { store: this.name });
    return this.#context as StateStoreContext;
  }

  protected get environment(): StoreEnvironment {
    return this.#environment as StoreEnvironment;
  }

  protected get engine(): Engine {
    return this.#engine as Engine;
  }

  protected requireKey(key: K): void {
    if (key === null || key === undefined)
      throw new StateStoreError('the key is null: stores have no null keys', { store: this.name, taskId: this.#context?.taskId });
  }

  protected abstract shape(): StoreShape;
  protected abstract attached(engine: Engine, environment: StoreEnvironment): void;
  /** Take what the application's configuration says of the store. */
  protected configure(_context: StateStoreContext): void {}
  protected abstract useSerdes(key: Serde<K>, value: Serde<V>): void;
  /** The contents have changed otherwise than by puts: what a cache knows of them is out of date. */
  protected forget(): void {}

  abstract readonly activeBytes: number;
  abstract freeze(): FrozenStore | null;
  abstract discard(): void;
  abstract restore(records: readonly ChangelogRecord[]): void;
  abstract cleared(): void;

  get cacheDirty(): boolean {
    return false;
  }

  flushCache(_deadline: Deadline): boolean {
    return true;
  }
}

function resolveSerde(
  own: Serde<never> | Serde<unknown> | undefined,
  fallback: Serde<unknown> | undefined,
  context: StateStoreContext,
): Serde<unknown> | undefined {
  const serde = (own ?? fallback) as Serde<unknown> | undefined;
  return serde?.withDefaults?.(context.defaultKeySerde, context.defaultValueSerde) ?? serde;
}

import type { StoreBuilder, StoreKind } from './contract/builder.ts';
import type { StateStore } from './contract/stores.ts';

/** How a store is to be made; what a builder's `with…` methods change. */
export interface BuildOptions {
  readonly caching: boolean;
  readonly logging: boolean;
}

interface BuilderState<S extends StateStore> {
  readonly name: string;
  readonly kind: StoreKind;
  readonly retentionPeriod?: number;
  readonly caching: boolean;
  readonly logging: boolean;
  readonly logConfig: { readonly [key: string]: string };
  readonly make: (options: BuildOptions) => S;
}

/** A {@link StoreBuilder} whose options can be changed. Immutable: each `with…` returns a new one. Logging is on, caching off, until said otherwise. */
export class ConfigurableStoreBuilder<S extends StateStore> implements StoreBuilder<S> {
  readonly name: string;
  readonly kind: StoreKind;
  readonly loggingEnabled: boolean;
  readonly logConfig: { readonly [key: string]: string };
  readonly cachingEnabled: boolean;
  readonly retentionPeriod?: number;
  readonly #state: BuilderState<S>;

  /** @internal Use `Stores`. */
  constructor(state: BuilderState<S>) {
    this.#state = state;
    this.name = state.name;
    this.kind = state.kind;
    this.loggingEnabled = state.logging;
    this.logConfig = state.logConfig;
    this.cachingEnabled = state.caching;
    this.retentionPeriod = state.retentionPeriod;
    Object.freeze(this);
  }

  /** A record cache: of several updates of a key only the last leaves the store, at a commit or when the cache is full. */
  withCachingEnabled(): ConfigurableStoreBuilder<S> {
    return this.#with({ caching: true });
  }

  withCachingDisabled(): ConfigurableStoreBuilder<S> {
    return this.#with({ caching: false });
  }

  /** A changelog topic; `config` are topic configs of Kafka that override the defaults. */
  withLoggingEnabled(config: { readonly [key: string]: string } = {}): ConfigurableStoreBuilder<S> {
    return this.#with({ logging: true, logConfig: { ...config } });
  }

  /** No changelog: what the store holds is lost with its file. */
  withLoggingDisabled(): ConfigurableStoreBuilder<S> {
    return this.#with({ logging: false, logConfig: {} });
  }

  build(options: { readonly caching?: boolean } = {}): S {
    return this.#state.make({ caching: this.#state.caching && options.caching !== false, logging: this.#state.logging });
  }

  #with(change: Partial<BuilderState<S>>): ConfigurableStoreBuilder<S> {
    return new ConfigurableStoreBuilder({ ...this.#state, ...change });
  }
}

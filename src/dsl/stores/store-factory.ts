import type { StoreBuilder } from '../../state/contract/builder.ts';
import type { ResolvedTopologyConfig } from '../build-config.ts';

/** A store of the DSL before the topology's configuration is known: engine and format follow it. */
export interface StoreFactory {
  readonly name: string;
  readonly versioned: boolean;
  /** Versioned stores: how far back, in milliseconds. */
  readonly historyRetentionMs?: number;
  create(config: ResolvedTopologyConfig, overrides?: { readonly logging: false }): StoreBuilder;
}

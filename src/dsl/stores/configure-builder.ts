import type { StateStore } from '../../state/contract/stores.ts';
import type { ConfigurableStoreBuilder } from '../../state/stores.ts';

export interface StoreOptions {
  readonly caching: boolean;
  readonly logging: boolean;
  readonly logConfig: { readonly [config: string]: string };
}

export function configureBuilder<S extends StateStore>(
  builder: ConfigurableStoreBuilder<S>,
  { caching, logging, logConfig }: StoreOptions,
): ConfigurableStoreBuilder<S> {
  const logged = logging ? builder.withLoggingEnabled(logConfig) : builder.withLoggingDisabled();
  return caching ? logged.withCachingEnabled() : logged.withCachingDisabled();
}

import type { StoreBuilder } from '../state/contract/builder.ts';

/** A builder of a store whose topic is its changelog. Builders that cannot be changed must come without logging. */
export function withoutLogging(builder: StoreBuilder): StoreBuilder {
  const configurable = builder as StoreBuilder & { withLoggingDisabled?(): StoreBuilder };
  return configurable.withLoggingDisabled?.() ?? builder;
}

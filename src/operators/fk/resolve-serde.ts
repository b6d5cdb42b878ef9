import { ConfigError } from '../../errors.ts';
import type { InternalProcessorContext } from '../../processor/processor.ts';
import type { Serde } from '../../serdes/serde.ts';

/** The serde to use: the given one, or the configuration's default for keys or values. */
export function resolveSerde<T>(serde: Serde<T> | undefined, context: InternalProcessorContext<never, never>, kind: 'key' | 'value'): Serde<T> {
  const { defaultKeySerde, defaultValueSerde } = context;
  const resolved = (serde ?? (kind === 'key' ? defaultKeySerde : defaultValueSerde)) as Serde<T> | undefined;
  if (resolved === undefined) {
    throw new ConfigError(
      `a foreign-key join has no ${kind} serde: give one where the table is made, or set ${kind === 'key' ? 'defaultKeySerde' : 'defaultValueSerde'}`,
      {
        operator: context.currentNode,
      },
    );
  }
  return resolved.withDefaults?.(defaultKeySerde, defaultValueSerde) ?? resolved;
}

import { TopologyError } from '../errors.ts';
import type { FixedKeyProcessor, Processor } from '../processor/processor.ts';
import type { StoreBuilder } from '../state/contract/builder.ts';
import type { AnyProcessorSupplier } from './definitions.ts';

/** What the user gave as a supplier, and the stores that come with it. */
export interface ResolvedSupplier {
  readonly supplier: AnyProcessorSupplier;
  readonly stores: readonly StoreBuilder[];
}

type AnyProcessor = Processor<never, never> | FixedKeyProcessor<never, never>;
type GivenSupplier = (() => AnyProcessor) | { get(): AnyProcessor; stores?(): readonly StoreBuilder[] };

/**
 * Checks a supplier and brings it into one form.
 * @throws TopologyError when it gives the same object twice: tasks would share it.
 */
export function resolveSupplier(given: unknown, name: string): ResolvedSupplier {
  const source = given as GivenSupplier;
  const isFunction = typeof source === 'function';
  if (!isFunction && typeof source?.get !== 'function') {
    throw new TopologyError(`Processor ${name} needs a function that makes a processor, or an object with get()`, { operator: name });
  }
  const make = isFunction ? source : (): AnyProcessor => source.get();
  const first = make();
  const second = make();
  if (first === second) {
    throw new TopologyError(`The supplier of processor ${name} returns the same object each time it is called: return a new one, every task needs its own`, {
      operator: name,
    });
  }
  const stores = isFunction ? [] : (source.stores?.() ?? []);
  return { supplier: make as AnyProcessorSupplier, stores };
}

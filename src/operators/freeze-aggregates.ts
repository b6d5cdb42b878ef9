import type { InternalProcessorContext } from '../processor/processor.ts';

type AnyAggregateFunction = (...parameters: unknown[]) => unknown;

/** Which parameters of an operator's functions are aggregates. */
const AGGREGATES: { readonly [option: string]: readonly number[] } = { aggregator: [2], adder: [2], subtractor: [2], merger: [1, 2], reducer: [0] };

/**
 * The options of an aggregating operator, with its functions watched where the test driver asks for it (`freezeAggregates`): what they are given as the aggregate, and what they
 * return, is frozen, so that one that changes its aggregate in place throws. In production that would not be seen, but old values sent on would be wrong: aggregates stay
 * objects in the caches, and are not copied.
 */
export function freezeAggregates<O extends object>(context: Pick<InternalProcessorContext, 'config'>, options: O): O {
  if (context.config('freezeAggregates') !== true) return options;
  const watched = { ...options } as { [option: string]: unknown };
  for (const [name, parameters] of Object.entries(AGGREGATES)) {
    const call = watched[name];
    if (typeof call === 'function') watched[name] = watch(name, call as AnyAggregateFunction, parameters);
  }
  return watched as O;
}

function watch(name: string, call: AnyAggregateFunction, aggregates: readonly number[]): AnyAggregateFunction {
  return (...parameters) => {
    for (const index of aggregates) deepFreeze(parameters[index]);
    try {
      const result = call(...parameters);
      deepFreeze(result);
      return result;
    } catch (error) {
      if (!isWriteToFrozen(error)) throw error;
      throw new TypeError(
        `The ${name} has changed its aggregate in place (${error.message}): it must return a new object, such as { ...aggregate, total: aggregate.total + 1 } or [...aggregate, value]. ` +
          'Only the test driver finds this (freezeAggregates); in production old values sent on would be wrong',
        { cause: error },
      );
    }
  };
}

function deepFreeze(value: unknown): void {
  // What is frozen already was frozen with all that is in it. Bytes cannot be.
  if (value === null || typeof value !== 'object' || Object.isFrozen(value) || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}

/** What V8 throws in strict mode. */
function isWriteToFrozen(error: unknown): error is TypeError {
  return (
    error instanceof TypeError &&
    /read only property|object is not extensible|Cannot delete property|Cannot redefine property|Cannot define property/.test(error.message)
  );
}

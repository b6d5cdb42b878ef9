import { type AsyncOptions, type AsyncSettings, asyncSettings, longestCall } from '../operators/index.ts';
import type { ProcessorNodeOptions } from './graph/nodes/processor-node.ts';
import { addOperator } from './kstream-basics.ts';
import type { Named } from './options.ts';
import type { nextStage, Stage } from './stage.ts';

/** Adds an asynchronous operator behind a stage, with its longest time for the check at the start. */
export function addAsyncOperator(
  stage: Stage,
  options: (Named & AsyncOptions) | undefined,
  prefix: string,
  make: (settings: AsyncSettings) => () => unknown,
  facts: Pick<ProcessorNodeOptions, 'keyChanging' | 'valueChanging'> = {},
  changes: Parameters<typeof nextStage>[2] = {},
): Stage {
  const settings = asyncSettings(options);
  return addOperator(stage, options, prefix, { ...facts, supplier: make(settings), asyncLimitMs: longestCall(settings) }, changes);
}

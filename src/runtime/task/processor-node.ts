import type { Processor } from '../../processor/processor.ts';
import type { StreamRecord } from '../../processor/record.ts';
import type { TaskNode } from './node.ts';
import type { TaskProcessorContext } from './processor-context.ts';

/** A processor in a task. */
export class ProcessorNode implements TaskNode {
  readonly name: string;
  private readonly processor: Processor<unknown, unknown>;
  private readonly context: TaskProcessorContext;

  constructor(name: string, processor: Processor<unknown, unknown>, context: TaskProcessorContext) {
    this.name = name;
    this.processor = processor;
    this.context = context;
  }

  init(): void {
    this.processor.init?.(this.context);
  }

  process(record: StreamRecord<unknown, unknown>): void {
    this.processor.process(record);
  }

  close(): void {
    this.processor.close?.();
  }
}

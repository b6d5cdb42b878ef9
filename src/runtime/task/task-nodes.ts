import { ConfigError, TopologyError } from '../../errors.ts';
import type { StreamPartitioner, TopicNameExtractor } from '../../processor/partitioner.ts';
import type { Processor } from '../../processor/processor.ts';
import type { TimestampExtractor } from '../../processor/timestamp-extractor.ts';
import type { Serde } from '../../serdes/serde.ts';
import { matchesWholeTopic } from '../../util/topic-pattern.ts';
import type { NodePlan, SinkNodePlan, SourceNodePlan } from '../plan.ts';
import type { ErrorHandling } from './error-handling.ts';
import type { TaskNode } from './node.ts';
import { TaskProcessorContext } from './processor-context.ts';
import { ProcessorNode } from './processor-node.ts';
import { SinkNode } from './sink-node.ts';
import { SourceNode } from './source-node.ts';
import type { TaskContext } from './task-context.ts';

/** The running nodes of one task, connected. Processors are fresh instances. */
export class TaskNodes {
  /** In the order of the plan: parents before children. */
  private readonly processors: ProcessorNode[] = [];
  private readonly sources = new Map<string, SourceNode>();
  private readonly sourcesByTopic = new Map<string, SourceNode>();
  private readonly plans: readonly NodePlan[];
  private readonly task: TaskContext;
  private readonly errors: ErrorHandling;

  constructor(plans: readonly NodePlan[], task: TaskContext, errors: ErrorHandling) {
    this.plans = plans;
    this.task = task;
    this.errors = errors;
    const nodes = new Map<string, TaskNode>();
    const contexts: { plan: NodePlan; context: TaskProcessorContext }[] = [];
    for (const plan of plans) {
      if (plan.kind === 'sink') {
        nodes.set(plan.name, this.sink(plan));
        continue;
      }
      const context = new TaskProcessorContext(task, errors, plan.name, plan.kind === 'processor' ? plan.stores : []);
      contexts.push({ plan, context });
      if (plan.kind === 'source') {
        this.sources.set(plan.name, this.source(plan, context));
      } else {
        const node = new ProcessorNode(plan.name, plan.supplier() as unknown as Processor<unknown, unknown>, context);
        nodes.set(plan.name, node);
        this.processors.push(node);
      }
    }
    for (const { plan, context } of contexts) {
      const children = plan.children.map((name) => {
        const child = nodes.get(name);
        if (child === undefined) throw new TopologyError(`Its child ${name} is not in the sub-topology`, { taskId: task.taskId, operator: plan.name });
        return child;
      });
      const node = nodes.get(plan.name);
      context.link(children, node instanceof ProcessorNode ? node : undefined);
    }
  }

  /** The source node that reads a topic. */
  sourceOf(topic: string): SourceNode | undefined {
    const known = this.sourcesByTopic.get(topic);
    if (known !== undefined) return known;
    const reads = (plan: NodePlan): boolean =>
      plan.kind === 'source' && (plan.pattern === undefined ? plan.topics.includes(topic) : matchesWholeTopic(plan.pattern, topic));
    const plan = this.plans.find(reads);
    const source = plan === undefined ? undefined : this.sources.get(plan.name);
    if (source !== undefined) this.sourcesByTopic.set(topic, source);
    return source;
  }

  get sourceNodes(): IterableIterator<SourceNode> {
    return this.sources.values();
  }

  /** Call `init` of every processor. */
  init(): void {
    for (const node of this.processors) this.guarded(node, () => node.init());
  }

  /** Call `close` of every processor, also when one throws; the first error is thrown at the end. */
  close(): void {
    let failure: unknown;
    let failed = false;
    for (const node of this.processors) {
      try {
        this.guarded(node, () => node.close());
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
    if (failed) throw failure;
  }

  private guarded(node: ProcessorNode, run: () => void): void {
    try {
      run();
    } catch (error) {
      throw this.errors.placed(error, node.name);
    }
  }

  private source(plan: SourceNodePlan, context: TaskProcessorContext): SourceNode {
    const extractor = plan.timestampExtractor ?? this.task.settings.defaultTimestampExtractor;
    return new SourceNode(
      plan.name,
      this.serde(plan, 'key'),
      this.serde(plan, 'value'),
      extractor as TimestampExtractor | undefined,
      context,
      this.task,
      this.errors,
    );
  }

  private sink(plan: SinkNodePlan): SinkNode {
    return new SinkNode(
      plan.name,
      plan.topic as string | TopicNameExtractor,
      this.serde(plan, 'key'),
      this.serde(plan, 'value'),
      plan.partitioner as StreamPartitioner | undefined,
      this.task,
      this.errors,
    );
  }

  private serde(plan: SourceNodePlan | SinkNodePlan, part: 'key' | 'value'): Serde<unknown> {
    const { defaultKeySerde, defaultValueSerde } = this.task;
    const serde = (part === 'key' ? (plan.keySerde ?? defaultKeySerde) : (plan.valueSerde ?? defaultValueSerde)) as Serde<unknown> | undefined;
    if (serde !== undefined) return serde.withDefaults?.(defaultKeySerde, defaultValueSerde) ?? serde;
    const topics =
      plan.kind === 'source'
        ? plan.pattern === undefined
          ? plan.topics.join(', ')
          : String(plan.pattern)
        : typeof plan.topic === 'string'
          ? plan.topic
          : 'a topic chosen for each record';
    const setting = part === 'key' ? 'defaultKeySerde' : 'defaultValueSerde';
    throw new ConfigError(
      plan.kind === 'source'
        ? `No ${part} serde for reading ${topics}: give { ${part}: serdes.… } where the topic is read, or set ${setting}`
        : `No ${part} serde for writing ${topics}: give { ${part}: serdes.… } to to(), or set ${setting}`,
      { taskId: this.task.taskId, operator: plan.name },
    );
  }
}

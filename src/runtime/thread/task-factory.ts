import type { Logger } from 'pino';
import type { TopicPartition } from '../../kafka/contract.ts';
import { CacheBudget } from '../../state/cache/cache-budget.ts';
import type { StateStore } from '../../state/contract/stores.ts';
import { createTaskState } from '../../state/task/task-state.ts';
import type { ResolvedConfig } from '../config.ts';
import type { SubtopologyPlan, TopologyPlan } from '../plan.ts';
import type { RecordCollector } from '../record-collector.ts';
import { StreamTask } from '../task/stream-task.ts';
import { TaskMetrics } from '../task/task-metrics.ts';
import type { TaskId, TopicLayout } from '../topics/topic-layout.ts';
import { OwnedTask } from './owned-task.ts';

export interface TaskFactoryOptions {
  readonly plan: TopologyPlan;
  readonly layout: TopicLayout;
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly collector: RecordCollector;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  /** `<stateDir>/<applicationId>`, locked. */
  readonly directory: string;
  /** Called when asynchronous operators have results. */
  readonly wake: () => void;
}

/** Makes tasks with their state. All record caches of the process share one budget. */
export class TaskFactory {
  private readonly options: TaskFactoryOptions;
  private readonly subtopologies: ReadonlyMap<number, SubtopologyPlan>;
  private readonly cacheBudget: CacheBudget;

  constructor(options: TaskFactoryOptions) {
    this.options = options;
    this.subtopologies = new Map(options.plan.subtopologies.map((sub) => [sub.id, sub]));
    this.cacheBudget = new CacheBudget(options.config.statestoreCacheMaxBytes);
  }

  /** The task, its file opened and its stores built: restoring them is next. */
  create(id: TaskId): OwnedTask {
    const { config, layout, collector, globalStores, directory, wake } = this.options;
    const subtopology = this.subtopologies.get(id.subtopology) as SubtopologyPlan;
    const logger = this.options.logger.child({ task: id.id });
    const inputs: TopicPartition[] = [];
    for (const topic of layout.inputs.get(id.subtopology) ?? []) {
      // A topic may have fewer partitions than the sub-topology has tasks.
      if (id.partition < (layout.partitions.get(topic) as number)) inputs.push({ topic, partition: id.partition });
    }
    const state = createTaskState({ taskId: id.id, directory, logger, cacheBudget: this.cacheBudget, budgetMs: config.eventLoopBudgetMs / 2 });
    const task = new StreamTask({
      id: id.id,
      partition: id.partition,
      nodes: subtopology.nodes,
      stores: subtopology.stores,
      inputs,
      collector,
      state,
      config,
      logger,
      globalStores,
      now: Date.now,
      metrics: new TaskMetrics(),
      async: { wake },
    });
    const owner = new OwnedTask({ id, subtopology, inputs, task, state, logger });
    try {
      task.openStores();
    } catch (error) {
      state.close();
      throw error;
    }
    return owner;
  }
}

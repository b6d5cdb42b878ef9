import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Admin, FetchConsumer, KafkaClients } from '../kafka/contract.ts';
import type { StoreKind } from '../state/contract/builder.ts';
import type { StateStore } from '../state/contract/stores.ts';
import { lockStateDirectory, type StateDirectoryLock } from '../state/sqlite/directory-lock.ts';
import { Committer } from './commit/committer.ts';
import { type PurgedChangelog, Purger } from './commit/purger.ts';
import type { ResolvedConfig } from './config.ts';
import { GlobalTables } from './global/global-tables.ts';
import { describeGroup } from './group/descriptor.ts';
import { GroupMember } from './group/member.ts';
import { Registry } from './group/registry.ts';
import { KafkaRecordCollector } from './kafka-record-collector.ts';
import type { TopologyPlan } from './plan.ts';
import { type RestoreProgress, Restorer } from './restore/restorer.ts';
import { AsyncDrain } from './thread/async-drain.ts';
import { CommitUnderWay } from './thread/commit-under-way.ts';
import { InputPositions } from './thread/input-positions.ts';
import { LoopSignals } from './thread/loop-signals.ts';
import { OwnedTasks } from './thread/owned-tasks.ts';
import { Readiness } from './thread/readiness.ts';
import { RebalanceHandler } from './thread/rebalance-handler.ts';
import { Recovery } from './thread/recovery.ts';
import { SourceFetcher } from './thread/source-fetcher.ts';
import { StreamThread } from './thread/stream-thread.ts';
import { TaskFactory } from './thread/task-factory.ts';
import { TaskLifecycle } from './thread/task-lifecycle.ts';
import { TaskStarter } from './thread/task-starter.ts';
import { Waker } from './thread/waker.ts';
import { ensureInternalTopics, streamTimePurged, tasksTopicName } from './topics/internal-topics.ts';
import { layOut, type TopicLayout } from './topics/topic-layout.ts';
import { TopicMetadata } from './topics/topic-metadata.ts';

export interface InstanceOptions {
  readonly plan: TopologyPlan;
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly clients: KafkaClients;
  readonly onReady: (ready: boolean) => void;
  readonly onRestore: (progress: RestoreProgress) => void;
}

/** Everything that one running KafkaStreams consists of: puts the parts together, runs them, and takes them apart again. */
export class Instance {
  private readonly options: InstanceOptions;
  private readonly admin: Admin;
  /** In the order of opening; closed in reverse. */
  private readonly open: { readonly what: string; readonly close: () => Promise<void> | void }[] = [];
  private readonly tasks = new OwnedTasks();
  private readonly dropped = new Map<string, number>();
  private readonly waker = new Waker();
  /** From the beginning: the service may be told to stop before its loop begins. */
  private readonly signals = new LoopSignals(this.waker);
  private thread: StreamThread | undefined;
  private globals: GlobalTables | undefined;

  constructor(options: InstanceOptions) {
    this.options = options;
    this.admin = options.clients.admin();
  }

  /** Connect, create and check topics, load global tables, and join the group. What was opened has to be closed also when this fails. */
  async start(): Promise<void> {
    const { config, logger, plan, clients } = this.options;
    const directory = join(config.stateDir, config.applicationId);
    const lock: StateDirectoryLock = lockStateDirectory(directory);
    this.open.push({ what: 'the lock of the state directory', close: () => lock.release() });
    this.open.push({ what: 'the admin client', close: () => this.admin.close() });
    await this.admin.connect(config.requestTimeoutMs);
    const metadata = new TopicMetadata(this.admin, config, logger);
    await metadata.refresh();
    const layout = layOut(plan, metadata.partitionCounts);
    const { tasksPartitions } = await ensureInternalTopics(this.admin, layout, config, logger);
    await metadata.refresh(new Set(layout.internal.keys()));
    this.warnOfMissingSinks(metadata);
    const identity = { clusterId: await this.admin.clusterId(config.requestTimeoutMs), topicIds: Object.fromEntries(metadata.topicIds) };

    const { waker, signals } = this;
    const wake = (): void => waker.wake();
    const fail = (error: unknown): void => signals.fail(error);
    const membership = clients.membership({
      groupId: config.applicationId,
      groupProtocol: config.groupProtocol,
      ...(config.groupInstanceId !== undefined && { groupInstanceId: config.groupInstanceId }),
      sessionTimeoutMs: config.sessionTimeoutMs,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      maxPollIntervalMs: config.maxPollIntervalMs,
    });
    this.open.push({ what: 'the group member', close: () => membership.close() });
    await membership.connect(config.requestTimeoutMs);
    const member = new GroupMember({ consumer: membership, config, logger, wake });
    const registry = new Registry({ clients, admin: this.admin, config, logger, topic: tasksTopicName(config.applicationId) });
    this.open.push({ what: 'the registry', close: () => registry.close() });
    const positions = new InputPositions({ membership, admin: this.admin, config, logger, cancelled: () => signals.stopping });
    if (plan.global !== undefined) {
      const globals = new GlobalTables({
        plan: plan.global,
        clients,
        positions,
        partitionCounts: metadata.partitionCounts,
        config,
        logger,
        directory,
        identity,
        onError: fail,
      });
      this.globals = globals;
      this.open.push({ what: 'the global tables', close: () => globals.close() });
      await globals.load();
    }

    const collector = new KafkaRecordCollector({
      transactional: config.processingGuarantee === 'exactly_once_v2',
      partitionCounts: metadata.partitionCounts,
      changelogs: changelogTopics(plan),
      mayProduce: member.mayProduce,
    });
    const purger = new Purger({ admin: this.admin, config, logger, changelogs: this.purgedChangelogs(layout), repartitionTopics: repartitionTopics(plan) });
    this.open.push({ what: 'the purger', close: () => purger.settle() });
    const committer = new Committer({
      clients,
      admin: this.admin,
      membership,
      collector,
      config,
      logger,
      transactionalId: `${config.applicationId}-${lock.processId}`,
      resolveTopics: (topics) => metadata.refresh(topics),
      stillMember: () => member.stillMember(this.tasks.committedPositions()),
      mayProduce: member.mayProduce,
      onDropped: (topic) => this.dropped.set(topic, (this.dropped.get(topic) ?? 0) + 1),
      onCommitted: (interval, ends) => purger.committed(interval, ends),
    });
    this.open.push({ what: 'the producer', close: () => committer.close() });
    await committer.start();
    const source: FetchConsumer = clients.fetcher({
      isolation: positions.isolation,
      groupId: config.applicationId,
      maxPrefetchBytes: Math.ceil(config.fetchMaxPrefetchBytes / 2),
    });
    const fetcher = new SourceFetcher(source, config, wake);
    this.open.push({ what: 'the consumer', close: () => fetcher.close() });
    await source.connect(config.requestTimeoutMs);
    const factory = new TaskFactory({ plan, layout, config, logger, collector, globalStores: this.globals?.stores ?? new Map(), directory, wake });
    const restorer = new Restorer({
      clients,
      config,
      logger,
      onProgress: this.options.onRestore,
      onRestored: (owner) => this.thread?.taskRestored(owner),
      onRecord: (owner, topic, key) => purger.observeRestored(owner, topic, key),
      onError: fail,
    });
    this.open.push({ what: 'the restore consumer', close: () => restorer.close() });
    const starter = new TaskStarter({ positions, restorer, config, identity, onError: fail });
    const { tasks } = this;
    const readiness = new Readiness(member, tasks, this.options.onReady);
    const lifecycle = new TaskLifecycle({ tasks, factory, starter, restorer, fetcher, purger, readiness });
    const commit = new CommitUnderWay(committer, signals, waker);
    const rebalances = new RebalanceHandler({
      logger,
      layout,
      tasksPartitions,
      member,
      registry,
      describe: (generation) => describeGroup(plan, layout, config.applicationId, tasksPartitions, lock.processId, generation),
      tasks,
      lifecycle,
      readiness,
      collector,
      committer,
      commit,
    });
    const asyncDrain = new AsyncDrain({ config, waker, signals, member, tasks, collector, committer });
    const recovery = new Recovery({ logger, signals, member, tasks, lifecycle, positions, fetcher, collector, committer, commit, purger });
    this.thread = new StreamThread({
      config,
      logger,
      directory,
      waker,
      signals,
      member,
      rebalances,
      tasks,
      lifecycle,
      readiness,
      fetcher,
      collector,
      committer,
      commit,
      asyncDrain,
      recovery,
      purger,
      metadata,
    });
    this.globals?.follow();
    member.join(tasksTopicName(config.applicationId));
  }

  /** Process until `stop`, or until an error that stops the service. */
  run(): Promise<void> {
    return (this.thread as StreamThread).run();
  }

  stop(): void {
    this.signals.stop();
  }

  /** Do not wait for asynchronous operators any more: what they hold is not committed, and processed again later. */
  abandonAsync(): void {
    this.signals.abandonAsync();
  }

  /** Close all that was opened, the latest first. Errors are logged: closing goes on. */
  async close(): Promise<void> {
    for (let part = this.open.pop(); part !== undefined; part = this.open.pop()) {
      try {
        await part.close();
      } catch (error) {
        this.options.logger.warn({ err: error }, `Could not close ${part.what} cleanly`);
      }
    }
  }

  /** A store's kind; undefined when the topology has no such store. */
  storeKind(name: string): StoreKind | undefined {
    const plans = [...this.options.plan.subtopologies.flatMap((sub) => sub.stores), ...(this.options.plan.global?.stores ?? [])];
    return plans.find((store) => store.builder.name === name)?.builder.kind;
  }

  /** The instances of a store in the tasks that run here. */
  stores(name: string): StateStore[] {
    const global = this.globals?.stores.get(name);
    if (global !== undefined) return [global];
    return this.tasks.running.flatMap((owner) => owner.state.stores.get(name) ?? []);
  }

  /** Counters by task, and records that the production handler dropped by topic. */
  metrics(): { tasks: { [task: string]: { [counter: string]: number } }; droppedOutputs: { [topic: string]: number } } {
    const tasks = Object.fromEntries(
      this.tasks.all.map((owner) => [
        owner.name,
        { ...owner.task.metrics, restored: owner.restored, streamTime: owner.task.streamTime, buffered: owner.task.bufferedTotal },
      ]),
    );
    return { tasks, droppedOutputs: Object.fromEntries(this.dropped) };
  }

  private purgedChangelogs(layout: TopicLayout): Map<string, PurgedChangelog> {
    const kinds = new Map(this.options.plan.subtopologies.flatMap((sub) => sub.stores.map((store) => [store.changelogTopic, store.builder.kind] as const)));
    const purged = new Map<string, PurgedChangelog>();
    for (const [topic, retentionMs] of streamTimePurged(layout, this.options.config))
      purged.set(topic, { retentionMs, kind: kinds.get(topic) === 'session' ? 'session' : 'window' });
    return purged;
  }

  private warnOfMissingSinks(metadata: TopicMetadata): void {
    const missing = this.options.plan.subtopologies.flatMap((sub) => sub.sinkTopics).filter((topic) => !metadata.partitionCounts.has(topic));
    if (missing.length > 0) this.options.logger.warn({ topics: missing }, 'Output topics do not exist yet: create them before records are sent to them');
  }
}

function changelogTopics(plan: TopologyPlan): Set<string> {
  return new Set(plan.subtopologies.flatMap((sub) => sub.internalTopics.filter((topic) => topic.kind === 'changelog').map((topic) => topic.name)));
}

function repartitionTopics(plan: TopologyPlan): Set<string> {
  return new Set(plan.subtopologies.flatMap((sub) => sub.internalTopics.filter((topic) => topic.kind === 'repartition').map((topic) => topic.name)));
}

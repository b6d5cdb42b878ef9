import { EventEmitter } from 'node:events';
import { IllegalStateError, StreamsError } from '../errors.ts';
import { createKafkaClients } from '../kafka/client.ts';
import type { KafkaClients } from '../kafka/contract.ts';
import { type Duration, toMillis } from '../time.ts';
import { checkAsyncLimits } from './async-limits.ts';
import { type ResolvedConfig, resolveConfig, type StreamsConfig } from './config.ts';
import { Instance } from './instance.ts';
import { Lifecycle, type StreamsState } from './lifecycle.ts';
import { loggableConfig } from './logger.ts';
import type { RunnableTopology, TopologyPlan } from './plan.ts';
import { type LocalStore, localStore } from './query/local-store.ts';
import type { RestoreProgress } from './restore/restorer.ts';

/** Events of a {@link KafkaStreams}. */
export interface KafkaStreamsEvents {
  /** The state has changed. */
  state: [next: StreamsState, previous: StreamsState];
  /** The error that stopped the service. Logged too; without a listener nothing else happens. */
  error: [error: Error];
  /** A store is read from its changelog: records read so far, and in all. */
  restore: [progress: RestoreProgress];
}

/**
 * A running instance of an application. More instances with the same `applicationId`, in other processes, share its tasks.
 *
 * `start` resolves when the instance runs for the first time, and rejects when it cannot. An error later on closes it: state ERROR, event `error`. Signals are the
 * application's own business; on SIGTERM call `close`, which commits.
 *
 * @example
 * const streams = new KafkaStreams(topology, { applicationId: 'pageviews', bootstrapServers: '127.0.0.1:9092' });
 * streams.on('error', () => process.exit(1));
 * await streams.start();
 * process.once('SIGTERM', () => streams.close());
 */
export class KafkaStreams {
  private readonly config: ResolvedConfig;
  private readonly plan: TopologyPlan;
  private readonly emitter = new EventEmitter();
  private readonly lifecycle = new Lifecycle((next, previous) => this.stateChanged(next, previous));
  private readonly instance: Instance;
  private started: Promise<void> | undefined;
  private running: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private firstRun: { resolve: () => void; reject: (error: Error) => void } | undefined;

  /**
   * @param clients for tests: the Kafka clients to use
   * @throws ConfigError, TopologyError
   */
  constructor(topology: RunnableTopology, config: StreamsConfig, clients?: KafkaClients) {
    this.config = resolveConfig(config);
    this.plan = topology.plan({ applicationId: this.config.applicationId });
    checkAsyncLimits(this.plan, this.config.maxPollIntervalMs);
    const { logger } = this.config;
    const log = logger.child({ application: this.config.applicationId });
    this.instance = new Instance({
      plan: this.plan,
      config: this.config,
      logger: log,
      clients:
        clients ??
        createKafkaClients({
          bootstrapServers: this.config.bootstrapServers,
          clientId: this.config.clientId,
          kafka: this.config.kafka,
          onLog: ({ level, facility, message }) => log[level <= 3 ? 'warn' : level <= 5 ? 'info' : 'debug']({ facility }, message),
        }),
      onReady: (ready) => this.readyChanged(ready),
      onRestore: (progress) => this.emitter.emit('restore', progress),
    });
  }

  get state(): StreamsState {
    return this.lifecycle.state;
  }

  on<E extends keyof KafkaStreamsEvents>(event: E, listener: (...args: KafkaStreamsEvents[E]) => void): this {
    this.emitter.on(event, listener as (...args: unknown[]) => void);
    return this;
  }

  once<E extends keyof KafkaStreamsEvents>(event: E, listener: (...args: KafkaStreamsEvents[E]) => void): this {
    this.emitter.once(event, listener as (...args: unknown[]) => void);
    return this;
  }

  off<E extends keyof KafkaStreamsEvents>(event: E, listener: (...args: KafkaStreamsEvents[E]) => void): this {
    this.emitter.off(event, listener as (...args: unknown[]) => void);
    return this;
  }

  /**
   * Connect, create the internal topics, join the group, restore the tasks' state and run. Resolves at the first RUNNING,
   * which is also that of an instance for which there is no task left; with `groupProtocol: 'consumer'` that takes six seconds to be known.
   * @throws StreamsError when that fails: no broker within `requestTimeoutMs`, source topics that are missing, another topology under this applicationId, …
   */
  start(): Promise<void> {
    if (this.started !== undefined)
      return Promise.reject(new IllegalStateError(`This KafkaStreams was started already and is ${this.state}: create a new one`));
    this.lifecycle.to('REBALANCING');
    this.started = new Promise((resolve, reject) => {
      this.firstRun = { resolve, reject };
    });
    this.config.logger.info({ config: loggableConfig(this.config) }, 'Starting');
    this.running = this.runToEnd();
    return this.started;
  }

  /**
   * Stop processing, commit, close the tasks, leave the group and free the state directory. Calling it again waits for the same. A static member (`groupInstanceId`) stays in the
   * group until its session times out, so that a restart moves no task. It cannot be made to leave: the client library has no call for it. To hand its tasks over at once, remove it from
   * the group with Kafka's admin API (`removeMembersFromConsumerGroup`).
   * Calls of asynchronous operators are waited for.
   * @param options `timeout`: give up waiting after so long, and cancel asynchronous calls; what is not committed then is processed again by whoever takes over. @default no limit
   */
  close(options: { timeout?: Duration } = {}): Promise<void> {
    this.closing ??= this.shutDown();
    if (options.timeout === undefined) return this.closing;
    const timeoutMs = toMillis(options.timeout, 'timeout');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((_, reject) => {
      timer = setTimeout(() => {
        this.instance.abandonAsync();
        reject(new StreamsError(`The instance did not close within ${timeoutMs} ms`, { code: 'ERR_CLOSE_TIMEOUT' }));
      }, timeoutMs);
    });
    return Promise.race([this.closing, late]).finally(() => clearTimeout(timer));
  }

  /**
   * A read-only view of a store, over the tasks that run in this instance. Values are plain, without their timestamp; reads see what is processed, also what is not committed yet.
   * @throws IllegalStateError when the topology has no such store, or the instance does not run.
   */
  store<K = unknown, V = unknown>(name: string): LocalStore<K, V> {
    const kind = this.instance.storeKind(name);
    if (kind === undefined) throw new IllegalStateError(`The topology has no store ${JSON.stringify(name)}`, { store: name });
    this.requireRunning(name);
    return localStore<K, V>(name, kind, () => {
      this.requireRunning(name);
      return this.instance.stores(name);
    }) as LocalStore<K, V>;
  }

  /** Counters by task since it was created. */
  metrics(): ReturnType<Instance['metrics']> {
    return this.instance.metrics();
  }

  private requireRunning(store: string): void {
    if (!this.lifecycle.is('RUNNING', 'REBALANCING'))
      throw new IllegalStateError(`Stores can be read while the instance runs, and it is ${this.state}`, { store });
  }

  private async runToEnd(): Promise<void> {
    let failure: unknown;
    let failed = false;
    try {
      await this.instance.start();
      await this.instance.run();
    } catch (error) {
      failure = error;
      failed = true;
    }
    // An error of a part that is cut off while closing is no news.
    if (failed && this.lifecycle.is('PENDING_SHUTDOWN') && this.firstRun !== undefined) failed = false;
    if (failed) this.lifecycle.to('PENDING_ERROR');
    await this.instance.close();
    if (failed) this.fail(failure instanceof Error ? failure : new StreamsError(String(failure)));
    else this.firstRun?.reject(new IllegalStateError('The instance was closed before it ran'));
  }

  private fail(error: Error): void {
    this.config.logger.error({ err: error }, 'The service is stopped by an error');
    this.lifecycle.to('ERROR');
    const firstRun = this.firstRun;
    this.firstRun = undefined;
    firstRun?.reject(error);
    if (this.emitter.listenerCount('error') > 0) this.emitter.emit('error', error);
  }

  private async shutDown(): Promise<void> {
    if (this.running === undefined) {
      this.lifecycle.to('PENDING_SHUTDOWN');
      this.lifecycle.to('NOT_RUNNING');
      return;
    }
    if (!this.lifecycle.is('PENDING_ERROR', 'ERROR')) this.lifecycle.to('PENDING_SHUTDOWN');
    this.instance.stop();
    await this.running;
    if (this.lifecycle.is('PENDING_SHUTDOWN')) this.lifecycle.to('NOT_RUNNING');
  }

  private readyChanged(ready: boolean): void {
    if (!this.lifecycle.is('RUNNING', 'REBALANCING')) return;
    this.lifecycle.to(ready ? 'RUNNING' : 'REBALANCING');
    if (!ready) return;
    this.firstRun?.resolve();
    this.firstRun = undefined;
  }

  private stateChanged(next: StreamsState, previous: StreamsState): void {
    this.config.logger.info({ from: previous, to: next }, 'State change');
    this.emitter.emit('state', next, previous);
  }
}

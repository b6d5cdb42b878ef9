import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StreamsConfig } from '../../../../src/runtime/config.ts';
import { KafkaStreams } from '../../../../src/runtime/kafka-streams.ts';
import type { TestKafka } from '../../../support/kafka.ts';
import { type Topics, topology, type WorkloadName } from './workload.ts';

export type Overrides = Partial<Omit<StreamsConfig, 'logger'>>;

/** One application of a test: its topics, and the folders of its instances. */
export class Application {
  readonly kafka: TestKafka;
  readonly workload: WorkloadName;
  readonly id: string;
  readonly topics: Topics;
  private readonly overrides: Overrides;
  private readonly folders: string[] = [];
  private readonly streams = new Set<KafkaStreams>();
  private readonly children = new Set<ChildProcess>();

  private constructor(kafka: TestKafka, workload: WorkloadName, id: string, overrides: Overrides) {
    this.kafka = kafka;
    this.workload = workload;
    this.id = id;
    this.topics = { input: `${id}-in`, output: `${id}-out` };
    this.overrides = overrides;
  }

  static async create(kafka: TestKafka, workload: WorkloadName, overrides: Overrides = {}, partitions = 2): Promise<Application> {
    const application = new Application(kafka, workload, kafka.unique('runtime'), overrides);
    await kafka.createTopic(application.topics.input, partitions);
    await kafka.createTopic(application.topics.output, partitions);
    return application;
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    this.folders.push(folder);
    return folder;
  }

  config(stateDir: string, overrides: Overrides = {}): StreamsConfig {
    return {
      applicationId: this.id,
      bootstrapServers: this.kafka.bootstrapServers,
      stateDir,
      commitIntervalMs: 100,
      statestoreCacheMaxBytes: 0,
      sessionTimeoutMs: 6000,
      heartbeatIntervalMs: 500,
      logger: (process.env.TEST_LOG ?? 'silent') as 'silent',
      ...this.overrides,
      ...overrides,
    };
  }

  /** An instance in this process; `close` is the test's, or that of `cleanUp`. */
  instance(stateDir: string, overrides: Overrides = {}): KafkaStreams {
    const streams = new KafkaStreams(topology(this.workload, this.topics), this.config(stateDir, overrides));
    this.streams.add(streams);
    return streams;
  }

  /** An instance in a process of its own. Resolves when it runs. */
  async child(stateDir: string, overrides: Overrides = {}): Promise<ChildInstance> {
    const config = this.config(stateDir, overrides);
    const child = fork(fileURLToPath(new URL('./child.ts', import.meta.url)), [JSON.stringify({ workload: this.workload, topics: this.topics, config })], {
      execArgv: ['--conditions=millrace:source', '--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.children.add(child);
    const instance = new ChildInstance(child);
    await instance.started;
    return instance;
  }

  async cleanUp(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    for (const streams of this.streams) await streams.close();
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers of a child: states and events, see child.ts. */
export type ChildMessage =
  | { readonly running: true }
  | { readonly failed: string }
  | { readonly processed: number; readonly tasks: number; readonly state: string };

export class ChildInstance {
  readonly process: ChildProcess;
  readonly started: Promise<void>;
  readonly exited: Promise<number | null>;
  /** Input records of the aggregation that were processed, as of the child's last report. */
  processed = 0;
  /** Tasks that it has, as of the same. */
  tasks = 0;
  state = '';

  constructor(child: ChildProcess) {
    this.process = child;
    this.exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    this.started = new Promise((resolve, reject) => {
      child.on('message', (message: ChildMessage) => {
        if ('running' in message) resolve();
        else if ('failed' in message) reject(new Error(message.failed));
        else {
          this.processed = message.processed;
          this.tasks = message.tasks;
          this.state = message.state;
        }
      });
      child.once('exit', (code, signal) => reject(new Error(`the instance ended with ${code ?? signal}`)));
    });
    this.started.catch(() => undefined);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.process.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await this.exited;
  }
}

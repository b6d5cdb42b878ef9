import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { kafkaClassPath } from './kafka-jars.ts';
import { freePorts } from './ports.ts';
import { propertiesFile, type ServerProperties, testProperties } from './server-properties.ts';

const run = promisify(execFile);
const START_TIMEOUT_MS = 60_000;

export interface ClusterOptions {
  /** @default 1 */
  readonly brokers?: number;
  /** Server properties beside the usual ones, or instead of them. */
  readonly properties?: ServerProperties;
  /** Heap of each broker. @default 256 */
  readonly heapMb?: number;
  /** Beside the plain listener, of a single broker. */
  readonly listeners?: readonly Listener[];
  /** Users there from the start, as `kafka-storage format --add-scram` takes them: `SCRAM-SHA-256=[name=alice,password=secret]`. */
  readonly scramUsers?: readonly string[];
}

/** Named by its protocol; it listens on 127.0.0.1. */
export interface Listener {
  readonly protocol: 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT';
  /** What clients are told to connect to. */
  readonly host: string;
  readonly port: number;
}

interface Node {
  readonly id: number;
  readonly port: number;
  readonly directory: string;
  process: ChildProcess | undefined;
}

/** Apache Kafka on the local Java: KRaft, combined roles, loopback, random ports, everything in a temporary folder. */
export class JavaCluster {
  readonly bootstrapServers: string;
  readonly #directory: string;
  readonly #classPath: string;
  readonly #heapMb: number;
  readonly #nodes: readonly Node[];

  private constructor(directory: string, classPath: string, heapMb: number, nodes: readonly Node[]) {
    this.#directory = directory;
    this.#classPath = classPath;
    this.#heapMb = heapMb;
    this.#nodes = nodes;
    this.bootstrapServers = nodes.map((node) => `127.0.0.1:${node.port}`).join(',');
  }

  static async start(options: ClusterOptions = {}): Promise<JavaCluster> {
    const brokers = options.brokers ?? 1;
    const classPath = await kafkaClassPath();
    const ports = await freePorts(2 * brokers);
    const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-'));
    const nodes = Array.from({ length: brokers }, (_, i) => ({
      id: i + 1,
      port: ports[i] as number,
      directory: join(directory, `node-${i + 1}`),
      process: undefined,
    }));
    const voters = nodes.map((node, i) => `${node.id}@127.0.0.1:${ports[brokers + i]}`).join(',');
    const cluster = new JavaCluster(directory, classPath, options.heapMb ?? 256, nodes);
    try {
      // The first byte is fixed: an id that begins with '-' would be read as an option.
      const clusterId = Buffer.from([0, ...crypto.getRandomValues(new Uint8Array(15))]).toString('base64url');
      await Promise.all(
        nodes.map(async (node, i) => {
          mkdirSync(node.directory);
          const listener = `PLAINTEXT://127.0.0.1:${node.port}`;
          const secured = options.listeners ?? [];
          const properties = {
            ...testProperties(brokers),
            'process.roles': 'broker,controller',
            'node.id': String(node.id),
            'controller.quorum.voters': voters,
            listeners: [listener, ...secured.map((l) => `${l.protocol}://127.0.0.1:${l.port}`), `CONTROLLER://127.0.0.1:${ports[brokers + i]}`].join(),
            'advertised.listeners': [listener, ...secured.map((l) => `${l.protocol}://${l.host}:${l.port}`)].join(),
            'controller.listener.names': 'CONTROLLER',
            'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
            'log.dirs': join(node.directory, 'data'),
            ...options.properties,
          };
          const file = join(node.directory, 'server.properties');
          writeFileSync(file, propertiesFile(properties));
          await run('java', [
            '-XX:TieredStopAtLevel=1',
            '-XX:+UseSerialGC',
            '-cp',
            classPath,
            'kafka.tools.StorageTool',
            'format',
            '-t',
            clusterId,
            '-c',
            file,
            ...(options.scramUsers ?? []).flatMap((user) => ['-S', user]),
          ]);
        }),
      );
      await Promise.all(nodes.map((node) => cluster.startNode(node.id)));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Start a node that was killed, or never ran. Resolves when it accepts connections. */
  async startNode(id: number): Promise<void> {
    const node = this.#node(id);
    const logFile = join(node.directory, 'server.log');
    const log = openSync(logFile, 'a');
    const child = spawn(
      'java',
      [
        '-Xms64m',
        `-Xmx${this.#heapMb}m`,
        '-XX:+UseSerialGC',
        '-XX:-UsePerfData',
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        '-cp',
        this.#classPath,
        'kafka.Kafka',
        join(node.directory, 'server.properties'),
      ],
      { stdio: ['ignore', log, log] },
    );
    closeSync(log);
    node.process = child;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await accepts(node.port))) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
        throw new Error(`The Kafka broker did not start. The end of its log:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
      }
      await sleep(50);
    }
  }

  /** As a power cut would. */
  async killNode(id: number): Promise<void> {
    const node = this.#node(id);
    const child = node.process;
    node.process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  signalNode(id: number, signal: NodeJS.Signals): void {
    this.#node(id).process?.kill(signal);
  }

  /** Nothing in it is worth an orderly shutdown. */
  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => this.killNode(node.id)));
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  /** For a process that is ending and cannot wait. */
  stopNow(): void {
    for (const node of this.#nodes) node.process?.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  #node(id: number): Node {
    const node = this.#nodes.find((candidate) => candidate.id === id);
    if (node === undefined) throw new Error(`The cluster has no node ${id}`);
    return node;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClusterOptions } from './broker/java-cluster.ts';
import type { KeeperAnswer, KeeperCall } from './broker/keeper.ts';
import { findFailure, findShared, KEEPER_LOG, lockStart, prepareRegistry, releaseLease, takeLease, unlockStart } from './broker/registry.ts';

export type { ClusterOptions } from './broker/java-cluster.ts';

export interface TestBroker {
  readonly bootstrapServers: string;
  readonly kind: 'environment' | 'container' | 'java';
  /** The shared broker goes on for others. */
  stop(): Promise<void>;
}

/** A broker, or a cluster, of one's own. Nodes are numbered from 1. */
export interface PrivateBroker extends TestBroker {
  /** SIGKILL: what it had not written is gone. */
  killNode(node: number): Promise<void>;
  startNode(node: number): Promise<void>;
  /** SIGSTOP and SIGCONT freeze and thaw it. */
  signalNode(node: number, signal: NodeJS.Signals): Promise<void>;
}

const KEEPER = fileURLToPath(new URL('./broker/keeper.ts', import.meta.url));
const TYPESCRIPT = ['--conditions=millrace:source', '--import', 'tsx'];
/** The first start downloads the broker. */
const START_TIMEOUT_MS = 10 * 60_000;

/**
 * The broker that all tests of a run share: `KAFKA_BOOTSTRAP`, else one in a container, else Apache Kafka's own jars on the local Java.
 * It ends by itself soon after the last process that asked for it.
 * @throws Error when none can be had: a test that needs a broker fails without one, it is not skipped.
 */
export async function sharedBroker(): Promise<TestBroker> {
  const given = process.env.KAFKA_BOOTSTRAP;
  if (given !== undefined && given !== '') return { bootstrapServers: given, kind: 'environment', stop: async () => {} };
  takeLease();
  process.once('exit', releaseLease);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const broker = findShared();
    if (broker !== undefined) return { bootstrapServers: broker.bootstrapServers, kind: broker.kind, stop: async () => releaseLease() };
    if (lockStart()) {
      try {
        await startSharedKeeper(deadline);
      } finally {
        unlockStart();
      }
    } else {
      await sleep(100);
    }
  }
  throw new Error(`The shared Kafka broker did not start within ${START_TIMEOUT_MS / 1000} s; see ${KEEPER_LOG}`);
}

/** A broker of one's own, for tests that need other server properties or do it harm. Ends with `stop()` or with this process. */
export async function startBroker(options: ClusterOptions = {}): Promise<PrivateBroker> {
  const keeper = fork(KEEPER, ['private', JSON.stringify(options)], { execArgv: TYPESCRIPT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const calls = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  const started = new Promise<TestBroker>((resolve, reject) => {
    keeper.on('message', (answer: KeeperAnswer) => {
      if ('started' in answer) resolve({ ...answer.started, stop: () => stop() });
      else if ('failed' in answer) reject(new Error(answer.failed));
      else {
        const call = calls.get(answer.id);
        calls.delete(answer.id);
        if (answer.error === undefined) call?.resolve();
        else call?.reject(new Error(answer.error));
      }
    });
    keeper.once('exit', (code) => {
      const error = new Error(`The process that keeps the broker ended (exit code ${code})`);
      reject(error);
      for (const call of calls.values()) call.reject(error);
    });
  });
  let next = 0;
  const call = (message: Omit<KeeperCall, 'id'>): Promise<void> => {
    const id = next++;
    // Between calls it must not keep this process alive.
    keeper.ref();
    keeper.channel?.ref();
    const answered = new Promise<void>((resolve, reject) => calls.set(id, { resolve, reject }));
    keeper.send({ ...message, id });
    return answered.finally(() => rest(keeper));
  };
  const stop = async (): Promise<void> => {
    if (!keeper.connected) return;
    await call({ command: 'stop' });
    const gone = new Promise((resolve) => keeper.once('exit', resolve));
    keeper.ref();
    keeper.disconnect();
    await gone;
  };
  const broker = await started;
  rest(keeper);
  return {
    ...broker,
    killNode: (node) => call({ command: 'killNode', node }),
    startNode: (node) => call({ command: 'startNode', node }),
    signalNode: (node, signal) => call({ command: 'signalNode', node, signal }),
  };
}

function rest(keeper: ChildProcess): void {
  keeper.unref();
  keeper.channel?.unref();
}

async function startSharedKeeper(deadline: number): Promise<void> {
  prepareRegistry();
  const log = openSync(KEEPER_LOG, 'w');
  // Detached: it belongs to none of the processes that share the broker, and Ctrl-C in one of them is not meant for it.
  const keeper = spawn(process.execPath, [...TYPESCRIPT, KEEPER, 'shared'], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  keeper.unref();
  let exited = false;
  keeper.once('exit', () => {
    exited = true;
  });
  while (findShared() === undefined) {
    if (exited) throw new Error(findFailure() ?? `The process that keeps the shared broker ended; see ${KEEPER_LOG}`);
    if (Date.now() > deadline) return;
    await sleep(50);
  }
}

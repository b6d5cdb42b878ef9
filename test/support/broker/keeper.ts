/*
 * Runs one broker for others. `keeper.ts shared`: until the last lease is gone. `keeper.ts private <options>`: for the process that forked it,
 * until that says so or ends, in whatever way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterOptions } from './java-cluster.ts';
import { findShared, liveLeases, publishFailure, publishShared, withdrawShared } from './registry.ts';
import { type RunningBroker, runBroker } from './run-broker.ts';

export interface KeeperCall {
  readonly id: number;
  readonly command: 'stop' | 'killNode' | 'startNode' | 'signalNode';
  readonly node?: number;
  readonly signal?: NodeJS.Signals;
}

export type KeeperAnswer =
  | { readonly started: { readonly bootstrapServers: string; readonly kind: RunningBroker['kind'] } }
  | { readonly failed: string }
  | { readonly id: number; readonly error?: string };

const LEASE_CHECK_MS = 500;
/** Another test file may be about to start. */
const LINGER_MS = 10_000;
/** Somebody may just have read the address. */
const WITHDRAWN_MS = 300;

async function shared(): Promise<void> {
  let broker: RunningBroker;
  try {
    broker = await start({});
  } catch (error) {
    publishFailure((error as Error).message);
    process.exit(1);
  }
  const entry = { bootstrapServers: broker.bootstrapServers, kind: broker.kind, keeperPid: process.pid };
  publishShared(entry);
  for (let idle = 0; ; ) {
    await sleep(LEASE_CHECK_MS);
    // The cache folder was removed, or another keeper took over.
    if (findShared()?.keeperPid !== process.pid) break;
    idle = liveLeases() > 0 ? 0 : idle + LEASE_CHECK_MS;
    if (idle < LINGER_MS) continue;
    withdrawShared();
    await sleep(WITHDRAWN_MS);
    if (liveLeases() === 0) break;
    publishShared(entry);
    idle = 0;
  }
  await broker.stop();
  process.exit(0);
}

async function privateBroker(options: ClusterOptions): Promise<void> {
  const answer = (message: KeeperAnswer): void => {
    if (process.connected) process.send?.(message);
  };
  process.on('disconnect', () => process.exit(0));
  let broker: RunningBroker;
  try {
    broker = await start(options);
  } catch (error) {
    answer({ failed: (error as Error).message });
    return;
  }
  process.on('message', (call: KeeperCall) => {
    command(broker, call).then(
      () => answer({ id: call.id }),
      (error: Error) => answer({ id: call.id, error: error.message }),
    );
  });
  answer({ started: { bootstrapServers: broker.bootstrapServers, kind: broker.kind } });
}

async function command(broker: RunningBroker, call: KeeperCall): Promise<void> {
  if (call.command === 'stop') return broker.stop();
  const { cluster } = broker;
  if (cluster === undefined || call.node === undefined) throw new Error('Only a cluster on the local Java has nodes to stop and start');
  if (call.command === 'killNode') return cluster.killNode(call.node);
  if (call.command === 'startNode') return cluster.startNode(call.node);
  cluster.signalNode(call.node, call.signal ?? 'SIGCONT');
}

async function start(options: ClusterOptions): Promise<RunningBroker> {
  const broker = await runBroker(options);
  process.on('exit', () => broker.cluster?.stopNow());
  return broker;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0));
if (process.argv[2] === 'private') await privateBroker(JSON.parse(process.argv[3] ?? '{}') as ClusterOptions);
else await shared();

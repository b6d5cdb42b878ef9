import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './kafka-jars.ts';

/*
 * How the processes of a test run share one broker, without one of them having to outlive the others: each leaves a lease under its process id,
 * a keeper process runs the broker, and ends it when the last lease is gone or belongs to a dead process.
 */

const FOLDER = join(CACHE, 'broker');
const LEASES = join(FOLDER, 'leases');
const SHARED = join(FOLDER, 'shared.json');
const LOCK = join(FOLDER, 'starting');
const FAILURE = join(FOLDER, 'failure.txt');

/** A start takes seconds, or the download of the jars; after this the one who began it is taken for dead. */
const LOCK_STALE_MS = 11 * 60_000;

export const KEEPER_LOG = join(FOLDER, 'keeper.log');

export interface SharedBroker {
  readonly bootstrapServers: string;
  readonly kind: 'container' | 'java';
  readonly keeperPid: number;
}

export function prepareRegistry(): void {
  mkdirSync(LEASES, { recursive: true });
}

export function takeLease(): void {
  prepareRegistry();
  writeFileSync(join(LEASES, String(process.pid)), '');
}

export function releaseLease(): void {
  rmSync(join(LEASES, String(process.pid)), { force: true });
}

/** Leases of living processes; those of dead ones are removed. */
export function liveLeases(): number {
  const live = readdirSync(LEASES).filter((pid) => {
    if (isAlive(Number(pid))) return true;
    rmSync(join(LEASES, pid), { force: true });
    return false;
  });
  return live.length;
}

export function publishShared(broker: SharedBroker): void {
  writeFileSync(`${SHARED}.new`, JSON.stringify(broker));
  renameSync(`${SHARED}.new`, SHARED);
}

export function withdrawShared(): void {
  rmSync(SHARED, { force: true });
}

/** The shared broker, if its keeper lives. */
export function findShared(): SharedBroker | undefined {
  try {
    const broker = JSON.parse(readFileSync(SHARED, 'utf8')) as SharedBroker;
    return isAlive(broker.keeperPid) ? broker : undefined;
  } catch {
    return undefined;
  }
}

/** True for the one process that is to start the broker. */
export function lockStart(): boolean {
  try {
    mkdirSync(LOCK);
    rmSync(FAILURE, { force: true });
    return true;
  } catch {
    try {
      if (Date.now() - statSync(LOCK).mtimeMs > LOCK_STALE_MS) rmSync(LOCK, { recursive: true, force: true });
    } catch {
      // Released meanwhile.
    }
    return false;
  }
}

export function unlockStart(): void {
  rmSync(LOCK, { recursive: true, force: true });
}

export function publishFailure(reason: string): void {
  writeFileSync(FAILURE, reason);
}

export function findFailure(): string | undefined {
  try {
    return readFileSync(FAILURE, 'utf8');
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

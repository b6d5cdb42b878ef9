import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet, Instance } from './fleet.ts';

export interface FaultCounts {
  kills: number;
  freezes: number;
  terminations: number;
  /** Restarts with the state directory deleted. */
  stateDeletions: number;
}

export type FaultKind = 'kill' | 'freeze' | 'stop' | 'wipe';
export const FAULTS: readonly FaultKind[] = ['kill', 'freeze', 'stop', 'wipe'];

const EVERY_MS = { least: 4000, most: 14_000 };
const PATIENCE_MS = 60_000;

/**
 * Does harm until the time is up: now and then an instance is killed, frozen (for longer than its session lasts, at times) or stopped, and started again
 * after a while, sometimes without its state. Several may be away at once. The seed decides what and when. In the end all are back.
 */
export async function doHarm(
  fleet: Fleet,
  options: {
    kinds: readonly FaultKind[];
    random: () => number;
    untilMs: number;
    sessionTimeoutMs: number;
    counts: FaultCounts;
    say: (line: string) => void;
    stop: AbortSignal;
  },
): Promise<void> {
  const { random, counts, say } = options;
  const between = (least: number, most: number): number => least + random() * (most - least);
  const recoveries = new Set<Promise<void>>();

  while (!options.stop.aborted) {
    const wait = between(EVERY_MS.least, EVERY_MS.most);
    if (Date.now() + wait > options.untilMs) break;
    await sleep(wait);
    const dice = random();
    // Drawn in any case, so that the seed decides and not what happens to be up.
    const choice = random();
    const pause = between(500, 8000);
    const longFreeze = options.sessionTimeoutMs + between(1500, 9000);
    const shortFreeze = between(500, 3500);
    const wipe = random() < 0.25 && options.kinds.includes('wipe');
    const up = fleet.instances.filter((each) => each.condition === 'up');
    const victim = up[Math.floor(choice * up.length)];
    if (victim === undefined) continue;

    const kind = dice < 0.4 ? 'kill' : dice < 0.75 ? 'freeze' : 'stop';
    if (!options.kinds.includes(kind)) continue;
    let recovery: Promise<void>;
    if (kind === 'kill') {
      counts.kills += 1;
      say(`instance ${victim.number} killed${wipe ? ', its state deleted' : ''}, back in ${(pause / 1000).toFixed(1)} s`);
      recovery = restart(victim, () => fleet.kill(victim), pause, wipe);
    } else if (kind === 'freeze') {
      const length = dice < 0.6 ? longFreeze : shortFreeze;
      counts.freezes += 1;
      say(`instance ${victim.number} frozen for ${(length / 1000).toFixed(1)} s`);
      fleet.freeze(victim);
      recovery = sleep(length).then(() => fleet.thaw(victim));
    } else {
      counts.terminations += 1;
      say(`instance ${victim.number} stopped${wipe ? ', its state deleted' : ''}, back in ${(pause / 1000).toFixed(1)} s`);
      recovery = restart(victim, () => fleet.terminate(victim), pause, wipe);
    }
    recoveries.add(recovery);
    void recovery.finally(() => recoveries.delete(recovery));
  }
  await Promise.all(recoveries);
  await allUp(fleet);

  async function restart(victim: Instance, end: () => Promise<void>, pause: number, wipe: boolean): Promise<void> {
    await end();
    if (wipe) {
      counts.stateDeletions += 1;
      await fleet.deleteState(victim);
    }
    await sleep(pause);
    fleet.start(victim);
  }
}

/** Those that crashed are started again: a crash is counted, but must not hide what else is wrong. */
export async function allUp(fleet: Fleet): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (const instance of fleet.instances) if (instance.condition === 'down') fleet.start(instance);
  while (fleet.instances.some((each) => each.state !== 'RUNNING')) {
    if (Date.now() > deadline) {
      const states = fleet.instances.map((each) => `${each.number} ${each.condition} ${each.state}`).join(', ');
      throw new Error(`Not all instances run after ${PATIENCE_MS / 1000} seconds without harm: ${states}`);
    }
    await sleep(100);
  }
}
